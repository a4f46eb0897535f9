//! Migrations back to the replicated store of a running cluster.

mod fixture;
mod round_trip;
mod to_replicated_store;
