//! Progress bars on real terminals, and the screen after they are cleared.

use std::time::Duration;

use crate::support::delay_proxy::DelayProxy;
use crate::support::restate::Cluster;
use crate::support::screen::Screen;
use crate::support::tool::{program, restatectl};

const PARTITIONS: usize = 600;

/// Returns the command line that lists the cluster at this address.
fn list_command_line(address: &str, more: &str) -> String {
    let program = program();
    format!("{} -S {address} {more} metadata list >/dev/null; echo code=$?", program.display())
}

/// Returns the position of the bar, whose length is the number of epochs and fixed keys.
fn bar_position(text: &str) -> Option<usize> {
    let bar = text.lines().find(|line| line.contains("reading the source"))?;
    let pairs = bar.split_whitespace().filter_map(|word| word.split_once('/'));
    let mut numbers =
        pairs.filter_map(|(at, all)| Some((at.parse().ok()?, all.parse::<usize>().ok()?)));
    numbers.find(|(_, all)| *all >= PARTITIONS).map(|(at, _)| at)
}

/// Reads the cluster from afar until a bar shows keys. Then the server stands still, and the bar with it.
fn show_bar(screen: &Screen, cluster: &Cluster, far: &str) {
    screen.type_line("clear");
    // Few requests at once, so that there is a time between the first key and the last.
    screen.type_line(&list_command_line(far, "--concurrency 40"));
    screen.wait_for("a bar", |text| bar_position(text).is_some_and(|at| at > 0));
    cluster.signal_node(0, "STOP");
}

#[test]
fn progress_bar_appears_advances_and_is_cleared() {
    let cluster = Cluster::large(PARTITIONS);
    let near = cluster.address();
    let far = DelayProxy::start(near.trim_start_matches("http://"), Duration::from_millis(350));
    let far = format!("http://{}", far.address());
    for (columns, locale, tick) in [(80, "C.UTF-8", "✓ read "), (200, "C", "ok read ")] {
        let screen = Screen::start(columns, locale);
        show_bar(&screen, &cluster, &far);
        let forecast = |text: &str| bar_position(text).is_some() && text.contains(" left");
        let shown = screen.wait_for("a forecast", forecast);
        assert!(shown.contains("/s"), "{shown}");
        assert_eq!(shown.is_ascii(), locale == "C", "{shown}");
        cluster.signal_node(0, "CONT");
        let end = screen.wait_for("the end", |text| text.contains("\ncode="));
        assert!(end.contains("code=0") && end.contains(tick), "{end}");
        assert!(!end.contains("reading the source") && !end.contains('█'), "{end}");

        show_bar(&screen, &cluster, &far);
        screen.press_key("C-c");
        let end = screen.wait_for("the end", |text| text.contains("\ncode="));
        cluster.signal_node(0, "CONT");
        assert!(end.contains("code=130") && end.contains("interrupted by SIGINT"), "{end}");
        assert!(!end.contains("reading the source") && !end.contains('█'), "{end}");
        screen.type_line("clear; stty -a");
        let modes = screen.wait_for("the terminal's modes", |text| text.contains("icanon"));
        assert!(!modes.contains("-icanon") && !modes.contains(" -echo "), "{modes}");
    }
    // Without a terminal: one line, no control characters; with -q, none.
    let run = restatectl(&["-s", &near, "metadata", "list"]).expect(0);
    assert!(run.err.starts_with("read cluster demo at "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 2, "{}", run.err);
    assert!(!run.err.contains(|c: char| c.is_control() && c != '\n'), "{:?}", run.err);
    assert_eq!(restatectl(&["-s", &near, "-q", "metadata", "list"]).expect(0).err, "");
    let screen = Screen::start(80, "C.UTF-8");
    screen.type_line(&list_command_line(&near, "-q"));
    let text = screen.wait_for("the end", |text| text.contains("\ncode=0"));
    assert!(!text.contains("read "), "{text}");
}
