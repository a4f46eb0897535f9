//! Compiles the cluster's gRPC services from `proto/`; needs `protoc` (Debian: `protobuf-compiler`).

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    tonic_prost_build::configure().build_server(false).bytes(".").compile_protos(
        &[
            "proto/metadata_proxy_svc.proto",
            "proto/node_ctl_svc.proto",
            "proto/metadata_server_svc.proto",
        ],
        &["proto"],
    )?;
    Ok(())
}
