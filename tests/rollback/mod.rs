//! Migrations back to the replicated store of a running cluster.

mod round_trip;
mod to_replicated_store;
