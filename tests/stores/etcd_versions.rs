//! etcd 3.5 beside 3.4, and etcd behind its own proxies: each conforms, and a real cluster moves to it.

use std::time::Duration;

use crate::support::block_on;
use crate::support::conformance::assert_conforms;
use crate::support::etcd::{Etcd, EtcdProgram, etcd_section};
use crate::support::migration::{assert_works_on_target, start_cluster_to_migrate};
use crate::support::open_store::open_etcd;
use crate::support::restate::Cluster;
use crate::support::store_toml::write_file;
use crate::support::tool::restatectl;

const REQUEST: Duration = Duration::from_secs(5);

#[test]
fn etcd_3_5_conforms() {
    let etcd = Etcd::start_program(EtcdProgram::V3_5, &[]);
    block_on(async { assert_conforms(&open_etcd(&etcd.section(), REQUEST)).await });
}

#[test]
fn etcd_behind_its_own_proxies_conforms_and_takes_a_migration() {
    let cluster = Cluster::ready_to_migrate(2);
    let folder = tempfile::TempDir::new().unwrap();
    for program in EtcdProgram::ALL {
        let etcd = Etcd::start_program(program, &[]);
        for kind in ["grpc-proxy", "gateway"] {
            etcd.clear();
            let proxy = etcd.start_own_proxy(program, kind);
            let section = etcd_section(std::slice::from_ref(&proxy.address));
            block_on(async { assert_conforms(&open_etcd(&section, REQUEST)).await });
            etcd.clear();
            let toml = write_file(&folder, "proxy.toml", &section);
            for command in ["migrate", "verify"] {
                let args = ["-s", &cluster.address(), "metadata", command, "--toml", &toml];
                restatectl(&args).expect(0);
            }
            assert!(etcd.content().contains_key("nodes_config::version"), "{program:?} {kind}");
        }
    }
}

#[test]
fn migrated_cluster_runs_on_etcd_3_5() {
    let mut cluster = start_cluster_to_migrate();
    let etcd = Etcd::start_program(EtcdProgram::V3_5, &[]);
    let args = ["-s", &cluster.address(), "metadata", "migrate", "--toml", &etcd.toml()];
    restatectl(&args).expect(0);
    restatectl(&["-s", &cluster.address(), "metadata", "verify", "--toml", &etcd.toml()]).expect(0);
    assert_works_on_target(&mut cluster, &etcd.section(), &etcd.toml());
}
