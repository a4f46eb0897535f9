//! `metadata check`, `metadata describe`, and the same rules in `migrate` and `verify --changes`.

mod class_cases;
mod classes;
mod unsound_sources;
mod whole_store;
