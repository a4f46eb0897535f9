//! `metadata undo`: taking back what one run of `migrate` wrote.

mod fixture;
mod interrupted_runs;
mod refusals;
mod replaced_reports;
mod several_runs;
mod started_clusters;
mod unclear_nodes;
mod whole_runs;
