//! Files that are there afterwards: what a path leads to, and how a file gets its name.
//!
//! Every file that a command leaves behind (a backup, a report) is made by [`PendingFile`], and nothing
//! else creates one.

mod pending_file;
mod place;

pub use pending_file::{Existing, PendingFile, store_file};
pub use place::{Place, find_place};
