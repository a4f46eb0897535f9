//! The values in a node's store, read and written without our own backend.

use std::time::{Duration, Instant};

use tonic::{Code, Response, Status};

use super::super::block_on;

/// The longest time in which busy metadata servers elect another leader.
const ELECTION_LIMIT: Duration = Duration::from_secs(30);

/// Repeats a call until the metadata servers have a leader.
async fn call_until_led<T, F: Future<Output = Result<Response<T>, Status>>>(
    call: impl Fn() -> F,
) -> T {
    let since = Instant::now();
    loop {
        match call().await {
            Err(status)
                if status.code() == Code::Unavailable && since.elapsed() < ELECTION_LIMIT =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            answer => return answer.unwrap().into_inner(),
        }
    }
}

/// Returns the value of a key at the node with this address.
pub fn get_value(address: &str, key: &str) -> Option<(u32, Vec<u8>)> {
    use restatectl::proto::metadata_proxy_svc::GetRequest;
    use restatectl::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
    block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).unwrap();
        let client = MetadataProxySvcClient::new(endpoint.connect().await.unwrap())
            .max_decoding_message_size(64 << 20);
        let get = || {
            let mut client = client.clone();
            async move { client.get(GetRequest { key: key.to_owned() }).await }
        };
        let value = call_until_led(get).await.value?;
        Some((value.version?.value, value.bytes.to_vec()))
    })
}

/// Puts a value unconditionally.
pub fn put_value(address: &str, key: &str, version: u32, bytes: &[u8]) {
    put_values(address, &[key.to_owned()], version, bytes);
}

/// Puts the same value for each of the keys unconditionally.
pub fn put_values(address: &str, keys: &[String], version: u32, bytes: &[u8]) {
    use futures_util::{StreamExt, stream};
    use restatectl::proto::common::Version;
    use restatectl::proto::metadata::{Precondition, PreconditionKind, VersionedValue};
    use restatectl::proto::metadata_proxy_svc::PutRequest;
    use restatectl::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
    let request = |key: &String| PutRequest {
        key: key.clone(),
        value: Some(VersionedValue {
            version: Some(Version { value: version }),
            bytes: bytes.to_vec().into(),
        }),
        precondition: Some(Precondition { kind: PreconditionKind::None.into(), version: None }),
    };
    block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).unwrap();
        let client = MetadataProxySvcClient::new(endpoint.connect().await.unwrap());
        let client = &client;
        let puts = stream::iter(keys.iter().map(request)).map(|request| async move {
            let put = || {
                let (mut client, request) = (client.clone(), request.clone());
                async move { client.put(request).await }
            };
            call_until_led(put).await;
        });
        puts.buffer_unordered(32).for_each(|_| async {}).await;
    });
}
