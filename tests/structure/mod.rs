//! The shape of the code: imports in one direction, and no forgotten file.

mod imports;
mod source_tree;
