//! What is said while waiting and with `-v`, on standard error: the lines of `tracing`.
//!
//! `RUST_LOG` decides what is said, else the number of `-v`. Without either, only what an operator has to
//! know is, in plain words; with `-v`, one line for each request, with the time.

use std::time::{SystemTime, UNIX_EPOCH};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

use crate::cli::{Global, TimeFormat};
use crate::report::Progress;

/// Sets it up for the rest of the run.
pub(crate) fn start(global: &Global, progress: &Progress) {
    let default = match (global.quiet, global.verbose) {
        (1.., _) => "off",
        (_, 0) => "restatectl=warn",
        (_, 1) => "restatectl=debug",
        _ => "debug",
    };
    let of_environment = EnvFilter::try_from_default_env().ok();
    // Where other libraries speak as well, who says it matters.
    let named = global.verbose > 1 || of_environment.is_some();
    let filter = of_environment.unwrap_or_else(|| EnvFilter::new(default));
    let bars = progress.log();
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
    let subscriber = subscriber.with_writer(move || bars.clone()).with_ansi(false);
    let subscriber = subscriber.with_target(named).with_level(named || global.verbose == 0);
    // Fails only where another one was set before, as in tests.
    let _ = match named || global.verbose > 0 {
        true => subscriber.with_timer(Clock(global.time_format)).try_init(),
        false => subscriber.without_time().try_init(),
    };
}

/// The time of a line, as `--time-format` wants it.
struct Clock(TimeFormat);

impl FormatTime for Clock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&written(SystemTime::now(), self.0))
    }
}

/// In UTC.
fn written(time: SystemTime, format: TimeFormat) -> String {
    let iso = humantime::format_rfc3339_millis(time).to_string();
    match format {
        TimeFormat::Iso8601 => iso,
        TimeFormat::Human => iso.replace('T', " ").replace('Z', " UTC"),
        TimeFormat::Rfc2822 => rfc2822(&iso, time).unwrap_or(iso),
    }
}

/// From `2003-07-01T08:52:37.000Z`, since the names are all that is missing there.
fn rfc2822(iso: &str, time: SystemTime) -> Option<String> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const FROM_THURSDAY: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let days = time.duration_since(UNIX_EPOCH).ok()?.as_secs() / 86_400;
    let weekday = FROM_THURSDAY.get(usize::try_from(days % 7).ok()?)?;
    let (date, clock) = iso.split_once('T')?;
    let [year, month, day] = date.split('-').collect::<Vec<_>>().try_into().ok()?;
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let (clock, day) = (clock.split('.').next()?, day.trim_start_matches('0'));
    Some(format!("{weekday}, {day} {month} {year} {clock} +0000"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_format() {
        let time = UNIX_EPOCH + Duration::from_millis(1_057_049_557_120);
        let told = |format| written(time, format);
        assert_eq!(told(TimeFormat::Human), "2003-07-01 08:52:37.120 UTC");
        assert_eq!(told(TimeFormat::Iso8601), "2003-07-01T08:52:37.120Z");
        assert_eq!(told(TimeFormat::Rfc2822), "Tue, 1 Jul 2003 08:52:37 +0000");
    }
}
