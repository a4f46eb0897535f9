//! The floor: the time that the servers need for the same requests, sent in bare loops by the vendors'
//! own clients.

use std::time::Instant;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use etcd_client::{Client, Compare, CompareOp, Txn, TxnOp};
use futures_util::{StreamExt, stream};
use restatectl::backends::transport::{Limits, Server};
use restatectl::proto::metadata_server_svc::GetRequest;
use restatectl::proto::metadata_server_svc::metadata_server_svc_client::MetadataServerSvcClient;
use rustix::time::{ClockId, clock_gettime};

use crate::bed::{Bed, Store};
use crate::support::block_on;

/// The cost of each request kind, for all keys.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    pub source: Part,
    pub writes: Part,
    pub reads: Part,
}

/// The wall and CPU seconds of one kind; the CPU's are this process's own, which is the client here.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub wall: f64,
    pub cpu: f64,
}

/// A value as large as an epoch.
const VALUE: [u8; 80] = [7; 80];

pub fn measure_floor(bed: &Bed, store: Store, keys: usize) -> Floor {
    let names: Vec<_> = (0..keys).map(|n| format!("pp_epoch_{n}")).collect();
    bed.etcd.clear();
    block_on(async {
        let source = time_source(&bed.cluster.address(), &names).await;
        let (writes, reads) = match store {
            Store::Etcd => time_etcd(bed, &names).await,
            Store::S3 => time_s3(bed, &names).await,
            Store::DynamoDb => unreachable!("no floor is measured of it"),
        };
        Floor { source, writes, reads }
    })
}

/// Runs the requests with at most `at_once` in flight and returns the cost.
async fn time_requests<F: Future<Output = ()>>(
    requests: impl Iterator<Item = F>,
    at_once: usize,
) -> Part {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    stream::iter(requests).buffer_unordered(at_once).for_each(|()| async {}).await;
    Part { wall: started.elapsed().as_secs_f64(), cpu: cpu_seconds() - cpu }
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

async fn time_source(address: &str, names: &[String]) -> Part {
    let limit = std::time::Duration::from_secs(60);
    let limits = Limits { connect: limit, request: limit, keep_alive: None, message: None };
    // With quick acknowledgements, as the tool's own: a plain connection is far slower.
    let channel = Server::without_tls(&address.parse().unwrap(), limits).unwrap().channel();
    let gets = names.iter().map(|name| {
        let mut client = MetadataServerSvcClient::new(channel.clone());
        let request = GetRequest { key: name.clone(), ..GetRequest::default() };
        async move { drop(client.get(request).await.unwrap()) }
    });
    time_requests(gets, 32).await
}

async fn time_etcd(bed: &Bed, names: &[String]) -> (Part, Part) {
    let client = Client::connect([bed.etcd.address()], None).await.unwrap();
    let version = |name: &String| format!("{name}::version");
    let txn = |txn: Txn| {
        let mut client = client.kv_client();
        async move { assert!(client.txn(txn).await.unwrap().succeeded()) }
    };
    let writes = names.chunks(64).map(|batch| {
        let absent = batch.iter().map(|name| Compare::version(version(name), CompareOp::Equal, 0));
        let puts = batch.iter().flat_map(|name| {
            [TxnOp::put(version(name), [1, 0, 0, 0], None), TxnOp::put(name.as_str(), VALUE, None)]
        });
        txn(Txn::new().when(absent.collect::<Vec<_>>()).and_then(puts.collect::<Vec<_>>()))
    });
    let writes = time_requests(writes, 4).await;
    let reads = names.chunks(64).map(|batch| {
        let gets = batch
            .iter()
            .flat_map(|name| [TxnOp::get(version(name), None), TxnOp::get(name.as_str(), None)]);
        txn(Txn::new().and_then(gets.collect::<Vec<_>>()))
    });
    (writes, time_requests(reads, 4).await)
}

async fn time_s3(bed: &Bed, names: &[String]) -> (Part, Part) {
    let (s3, prefix) = (&bed.bucket.s3, bed.prefix());
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&s3.endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new(&s3.key_id, &s3.secret, None, None, "bench"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .force_path_style(true)
        .build();
    let client = aws_sdk_s3::Client::from_conf(config);
    let bucket = bed.bucket.name.as_str();
    let puts = names.iter().map(|name| {
        let put = client.put_object().bucket(bucket).key(format!("{prefix}/{name}"));
        let put = put.if_none_match("*").body(ByteStream::from_static(&VALUE));
        async move { drop(put.send().await.unwrap()) }
    });
    let writes = time_requests(puts, 32).await;
    let gets = names.iter().map(|name| {
        let get = client.get_object().bucket(bucket).key(format!("{prefix}/{name}"));
        async move { drop(get.send().await.unwrap().body.collect().await.unwrap()) }
    });
    (writes, time_requests(gets, 32).await)
}
