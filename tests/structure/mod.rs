//! The shape and the cost of the program itself.

mod forgotten_files;
mod imports;
mod instruction_counts;
mod source_tree;
