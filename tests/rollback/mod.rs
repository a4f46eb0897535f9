//! Migrations back to the replicated store of a running cluster.

mod asked_again;
mod fixture;
mod removed_members;
mod round_trip;
mod to_replicated_store;
