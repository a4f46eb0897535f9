//! The cluster's gRPC services, compiled from `proto/`.
#![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod common {
    tonic::include_proto!("restate.common");
}

pub mod metadata {
    tonic::include_proto!("restate.metadata");
}

pub mod metadata_proxy_svc {
    tonic::include_proto!("restate.metadata_proxy_svc");
}

pub mod node_ctl_svc {
    tonic::include_proto!("restate.node_ctl_svc");
}

pub mod metadata_server_svc {
    tonic::include_proto!("restate.metadata_server_svc");
}

pub mod cluster {
    tonic::include_proto!("restate.cluster");
}

pub mod cluster_ctrl {
    tonic::include_proto!("restate.cluster_ctrl");
}
