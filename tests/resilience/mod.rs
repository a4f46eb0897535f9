//! Faults, races and kills in the middle of a run.

mod concurrent_runs;
mod dynamo_db_capacity;
mod dynamo_db_faults;
mod fault_matrix;
mod interrupted_rounds;
mod interrupted_runs;
mod kills;
mod lost_answers;
mod lost_leaders;
mod races;
mod s3_bodies;
mod s3_faults;
mod s3_listings;
mod s3_probe;
mod s3_probe_faults;
mod suspensions;
