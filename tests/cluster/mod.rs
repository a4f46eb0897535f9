//! Live clusters: addresses, TLS, dead and running nodes, reads and writes.

mod addresses;
mod cutover;
mod dead_nodes;
mod hostile_nodes;
mod leader_reads;
mod live_nodes;
mod out_of_reach;
mod silent_addresses;
mod status;
mod tls;
mod two_clusters;
mod unknown_partitions;
mod wait;
mod writes;
