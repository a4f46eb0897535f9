//! Log lines on standard error: those of `tracing`.
//!
//! `RUST_LOG` selects the lines, or else the number of `-v`. Without either only warnings are printed,
//! without a time; `-v` adds a line for each request, with its time. Neither shows the lines of libraries that
//! would hold secrets, see `secret_levels`.

use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use tracing_subscriber::filter::FilterExt;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::secret_levels::levels_without_secrets;

use crate::userinfo::hide_userinfo;
use crate::visible::escape_line;
use crate::wording::limit_time;

/// `--time-format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TimeFormat {
    /// Human-readable, UTC
    Human,
    /// ISO 8601, such as 2003-07-01T08:52:37.120Z
    Iso8601,
    /// RFC 2822, such as Tue, 1 Jul 2003 08:52:37 +0000
    Rfc2822,
}

/// The amount of log lines, and the format of their times.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogOptions {
    /// `true` if nothing is logged.
    pub(crate) quiet: bool,
    /// The number of `-v`.
    pub(crate) verbose: u8,
    /// The format of a line's time.
    pub(crate) time_format: TimeFormat,
}

/// Installs the logger for the rest of the run; its lines go to `writer`.
pub(crate) fn start_logging<W>(options: LogOptions, writer: impl Fn() -> W + Send + Sync + 'static)
where
    W: Write + 'static,
{
    let default = match (options.quiet, options.verbose) {
        (true, _) => "off",
        (_, 0) => "restatectl=warn",
        (_, 1) => "restatectl=debug",
        _ => "debug",
    };
    let environment = EnvFilter::try_from_default_env().ok();
    // The module is of use only if other libraries log as well.
    let shows_module = options.verbose > 1 || environment.is_some();
    let filter = environment.unwrap_or_else(|| EnvFilter::new(default));
    let lines = fmt::layer()
        .with_writer(move || VisibleLines(writer()))
        .with_ansi(false)
        .with_target(shows_module);
    let lines = lines.with_level(shows_module || options.verbose == 0);
    let lines = match shows_module || options.verbose > 0 {
        true => lines.with_timer(LogClock(options.time_format)).boxed(),
        false => lines.without_time().boxed(),
    };
    let lines = lines.with_filter(filter.and(levels_without_secrets()));
    // Fails only if another logger is installed already, as in tests.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// A writer of log lines: each is one line, nothing in it steers a terminal, and no address has a password.
struct VisibleLines<W>(W);

impl<W: Write> Write for VisibleLines<W> {
    /// Writes one event, which is handed over in one piece.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        self.0.write_all(format!("{}\n", escape_line(&hide_userinfo(line))).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The clock of log lines, in the format of `--time-format`.
struct LogClock(TimeFormat);

impl FormatTime for LogClock {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&format_time(SystemTime::now(), self.0))
    }
}

/// Formats a time in UTC.
fn format_time(time: SystemTime, format: TimeFormat) -> String {
    let iso = humantime::format_rfc3339_millis(limit_time(time)).to_string();
    match format {
        TimeFormat::Iso8601 => iso,
        TimeFormat::Human => iso.replace('T', " ").replace('Z', " UTC"),
        TimeFormat::Rfc2822 => iso_to_rfc2822(&iso, time).unwrap_or(iso),
    }
}

/// Converts `2003-07-01T08:52:37.000Z` by adding the names of the weekday and the month.
fn iso_to_rfc2822(iso: &str, time: SystemTime) -> Option<String> {
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
    fn log_line_is_one_line_that_steers_no_terminal() {
        let mut lines = Vec::new();
        VisibleLines(&mut lines).write_all("a\x1b[2J\nerror: b\u{202e}\n".as_bytes()).unwrap();
        assert_eq!(lines, b"a\\u{1b}[2J\\nerror: b\\u{202e}\n");
    }

    #[test]
    fn time_is_formatted_as_asked_for() {
        let time = UNIX_EPOCH + Duration::from_millis(1_057_049_557_120);
        let format = |format| format_time(time, format);
        assert_eq!(format(TimeFormat::Human), "2003-07-01 08:52:37.120 UTC");
        assert_eq!(format(TimeFormat::Iso8601), "2003-07-01T08:52:37.120Z");
        assert_eq!(format(TimeFormat::Rfc2822), "Tue, 1 Jul 2003 08:52:37 +0000");
    }
}
