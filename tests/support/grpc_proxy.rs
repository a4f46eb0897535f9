//! A proxy in front of a gRPC server that changes the messages of its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response, request, response};
use prost::Message;
use prost::bytes::{BufMut, Bytes, BytesMut};
use tokio::net::{TcpListener, TcpStream};

use super::block_on;

/// Returns the message to answer with; gets the path of the call, its request, and the server's answer.
type Change = dyn Fn(&str, &[u8], Vec<u8>) -> Vec<u8> + Send + Sync;

/// The bytes in front of a message: whether it is compressed, and its length.
const FRAME: usize = 5;

/// The path of the call that lists a range of keys.
pub const RANGE: &str = "/etcdserverpb.KV/Range";

/// The path of the call that writes a key of the replicated store.
pub const PUT: &str = "/restate.metadata_proxy_svc.MetadataProxySvc/Put";

pub struct GrpcProxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    change: Box<Change>,
    /// The call that is made twice, of which the second answer is passed on.
    repeats: Option<&'static str>,
    repeated: AtomicUsize,
}

impl GrpcProxy {
    /// Starts a proxy in front of `host:port`.
    pub fn start(
        to: &str,
        change: impl Fn(&str, &[u8], Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> GrpcProxy {
        GrpcProxy::start_with(to, Box::new(change), None)
    }

    /// Starts a proxy that makes each call of this path twice.
    pub fn start_repeating(to: &str, path: &'static str) -> GrpcProxy {
        GrpcProxy::start_with(to, Box::new(|_, _, answer| answer), Some(path))
    }

    fn start_with(to: &str, change: Box<Change>, repeats: Option<&'static str>) -> GrpcProxy {
        let shared = Arc::new(Shared { change, repeats, repeated: AtomicUsize::new(0) });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, own) = (to.to_owned(), Arc::clone(&shared));
        std::thread::spawn(move || {
            block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    let (to, own) = (to.clone(), Arc::clone(&own));
                    tokio::spawn(async move { serve(client, &to, &own).await });
                }
            });
        });
        GrpcProxy { port, shared }
    }

    /// Starts a proxy that changes the listings of an etcd.
    pub fn start_before_etcd(
        to: &str,
        change: impl Fn(Listing) -> Listing + Send + Sync + 'static,
    ) -> GrpcProxy {
        GrpcProxy::start(to, move |path, _, answer| match path {
            RANGE => change(Listing::decode(&*answer).unwrap()).encode_to_vec(),
            _ => answer,
        })
    }

    /// Returns the number of calls that were made twice.
    pub fn repeated(&self) -> usize {
        self.shared.repeated.load(Ordering::Relaxed)
    }

    /// Returns the address as `host:port`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// etcd's answer to a range, without what no test needs.
#[derive(Clone, PartialEq, Message)]
pub struct Listing {
    #[prost(message, optional, tag = "1")]
    pub header: Option<Header>,
    #[prost(message, repeated, tag = "2")]
    pub pairs: Vec<Pair>,
    #[prost(bool, tag = "3")]
    pub more: bool,
    #[prost(int64, tag = "4")]
    pub count: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Header {
    #[prost(uint64, tag = "1")]
    pub cluster_id: u64,
    #[prost(uint64, tag = "2")]
    pub member_id: u64,
    #[prost(int64, tag = "3")]
    pub revision: i64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Pair {
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    #[prost(int64, tag = "3")]
    pub mod_revision: i64,
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
}

impl Pair {
    /// Returns a pair with this name and without a value.
    pub fn named(name: impl Into<Vec<u8>>) -> Pair {
        Pair { key: name.into(), ..Pair::default() }
    }
}

/// Serves one client, with a connection of its own to the server.
async fn serve(client: TcpStream, to: &str, shared: &Arc<Shared>) -> Option<()> {
    let server = TcpStream::connect(to).await.ok()?;
    client.set_nodelay(true).ok()?;
    server.set_nodelay(true).ok()?;
    let (upstream, connection) = h2::client::handshake(server).await.ok()?;
    tokio::spawn(connection);
    let mut requests = h2::server::handshake(client).await.ok()?;
    while let Some(Ok((request, respond))) = requests.accept().await {
        let (upstream, shared) = (upstream.clone(), Arc::clone(shared));
        tokio::spawn(async move { forward(request, respond, upstream, &shared).await });
    }
    Some(())
}

async fn forward(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    upstream: SendRequest<Bytes>,
    shared: &Shared,
) -> Option<()> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let (asked, _) = read_all(body).await?;
    if shared.repeats == Some(&*path) {
        shared.repeated.fetch_add(1, Ordering::Relaxed);
        call(&upstream, head.clone(), &asked).await?;
    }
    let (head, message, trailers) = call(&upstream, head, &asked).await?;
    let is_trailers_only = message.is_empty() && trailers.is_none();
    let mut down = respond.send_response(Response::from_parts(head, ()), is_trailers_only).ok()?;
    if is_trailers_only {
        return Some(());
    }
    if let Some(message) = message.get(FRAME..) {
        let message = (shared.change)(&path, asked.get(FRAME..)?, message.to_vec());
        send_message(&mut down, &message)?;
    }
    down.send_trailers(trailers.unwrap_or_default()).ok()
}

/// Makes one call, and returns its answer.
async fn call(
    upstream: &SendRequest<Bytes>,
    head: request::Parts,
    asked: &Bytes,
) -> Option<(response::Parts, Bytes, Option<HeaderMap>)> {
    let mut upstream = upstream.clone().ready().await.ok()?;
    let (answer, mut up) = upstream.send_request(Request::from_parts(head, ()), false).ok()?;
    up.send_data(asked.clone(), true).ok()?;
    let (head, body) = answer.await.ok()?.into_parts();
    let (message, trailers) = read_all(body).await?;
    Some((head, message, trailers))
}

fn send_message(down: &mut SendStream<Bytes>, message: &[u8]) -> Option<()> {
    let mut framed = BytesMut::with_capacity(FRAME + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).ok()?);
    framed.put_slice(message);
    down.send_data(framed.freeze(), false).ok()
}

/// Reads a message to its end, and its trailers.
pub async fn read_all(mut body: RecvStream) -> Option<(Bytes, Option<HeaderMap>)> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.data().await {
        let piece = piece.ok()?;
        body.flow_control().release_capacity(piece.len()).ok()?;
        all.extend_from_slice(&piece);
    }
    Some((all.freeze(), body.trailers().await.ok()?))
}
