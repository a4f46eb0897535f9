//! The documentation against the program.

mod examples;
mod executed_examples;
mod executed_pages;
mod official_tool;
mod recording;
mod reference_pages;
