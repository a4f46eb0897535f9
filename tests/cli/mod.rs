//! The command line: help, usage errors, output, progress, reports and packaging.

mod byte_paths;
mod debian_package;
mod get_values;
mod help;
mod hostile_names;
mod image;
mod known_fields;
mod progress_bars;
mod report_destinations;
mod report_file;
mod secrets;
mod secrets_in_logs;
mod signals;
mod streams;
mod unfilled_values;
mod usage_errors;
mod verbosity;
mod wait_messages;
