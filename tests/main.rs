//! Every capability over real servers. `make test` installs what these need.
#![allow(unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::indexing_slicing, clippy::print_stdout)]

mod backup_file;
mod bad_input;
mod cluster_faults;
mod cluster_writes;
mod command_line;
mod conformance;
mod dynamo_db;
mod dynamo_db_access;
mod dynamo_db_faults;
mod dynamo_db_permissions;
mod editing;
mod etcd_store;
mod existing_keys;
mod fault_matrix;
mod guards;
mod kills;
mod leader_reads;
mod lost_leaders;
mod migrate_to_dynamo_db;
mod migrate_to_etcd;
mod migrate_to_s3;
mod migration_mode;
mod moving_source;
mod object_store;
mod races;
mod roll_back;
mod round_trip;
mod s3_faults;
mod s3_permissions;
mod secrets;
mod stopped_midway;
mod support;
mod values;
