//! `metadata migrate` from one store to another.

mod changing_source;
mod clock_differences;
mod confirmation;
mod environment;
mod existing_keys;
mod interrupted_overwrite;
mod legal_forms;
mod migration_mode;
mod overwrite_guards;
mod replaced_sources;
mod round_trips;
mod server_versions;
mod source_backup;
mod space_for_files;
mod store_pairs;
mod to_dynamo_db;
mod to_etcd;
mod to_s3;
mod unasked_nodes;
mod unknown_names;
mod window_warnings;
