//! The values in a node's store, read and written without our own backend.

use super::super::block_on;

/// Returns the value of a key at the node with this address.
pub fn get_value(address: &str, key: &str) -> Option<(u32, Vec<u8>)> {
    use restatectl::proto::metadata_proxy_svc::GetRequest;
    use restatectl::proto::metadata_proxy_svc::metadata_proxy_svc_client::MetadataProxySvcClient;
    block_on(async {
        let endpoint = tonic::transport::Endpoint::from_shared(address.to_owned()).unwrap();
        let mut client = MetadataProxySvcClient::new(endpoint.connect().await.unwrap())
            .max_decoding_message_size(64 << 20);
        let answer = client.get(GetRequest { key: key.to_owned() }).await.unwrap().into_inner();
        let value = answer.value?;
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
        let puts = stream::iter(keys.iter().map(request)).map(|request| {
            let mut client = client.clone();
            async move { client.put(request).await.unwrap() }
        });
        puts.buffer_unordered(32).for_each(|_| async {}).await;
    });
}
