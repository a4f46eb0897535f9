//! The folders of stopped nodes, read without their servers, beside what the servers answered and what RocksDB itself
//! reads.

mod commands;
mod fixture;
mod load;
mod members;
mod oracle;
mod refusals;
mod sample;
mod versions;
