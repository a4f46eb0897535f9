//! A proxy in front of a real node that answers chosen calls as no node does.

use std::sync::Arc;
use std::time::Duration;

use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use prost::bytes::{BufMut, Bytes, BytesMut};
use tokio::net::{TcpListener, TcpStream};

use super::block_on;
use super::grpc_proxy::read_all;

/// The calls, by the ends of their paths.
pub const CACHED_NODES: &str = "/GetMetadata";
pub const IDENT: &str = "/GetIdent";
pub const STATUS: &str = "/Status";
pub const GET: &str = "/Get";
pub const CLUSTER_STATE: &str = "/GetClusterState";

/// An answer that no node gives.
#[derive(Clone)]
pub enum OddAnswer {
    /// A message of so many bytes, and then the same again without end, as fast as the client reads.
    Endless(usize),
    /// A message of which one byte is sent in a second.
    Dripping,
    /// This message.
    Message(Vec<u8>),
    /// An error with this text.
    Refusal(String),
}

/// The odd answer of each call that has one.
type Rules = Arc<Vec<(&'static str, OddAnswer)>>;

pub struct HostileNode {
    port: u16,
}

impl HostileNode {
    /// Starts a proxy in front of the node at `http://host:port`.
    pub fn start(node: &str, rules: Vec<(&'static str, OddAnswer)>) -> HostileNode {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (to, rules) = (node.trim_start_matches("http://").to_owned(), Arc::new(rules));
        std::thread::spawn(move || {
            block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(serve_client(client, to.clone(), rules.clone()));
                }
            });
        });
        HostileNode { port }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn serve_client(client: TcpStream, to: String, rules: Rules) -> Option<()> {
    let (node, connection) =
        h2::client::handshake(TcpStream::connect(to).await.ok()?).await.ok()?;
    tokio::spawn(connection);
    let mut calls = h2::server::handshake(client).await.ok()?;
    while let Some(Ok((call, answer))) = calls.accept().await {
        let path = call.uri().path();
        let odd = rules.iter().find(|(end, _)| path.ends_with(end)).map(|(_, odd)| odd.clone());
        let node = node.clone();
        tokio::spawn(async move {
            match odd {
                Some(odd) => answer_oddly(answer, odd).await,
                None => pass_on(call, answer, node).await,
            }
        });
    }
    Some(())
}

async fn answer_oddly(mut answer: SendResponse<Bytes>, odd: OddAnswer) -> Option<()> {
    let head = Response::builder().header("content-type", "application/grpc").body(()).ok()?;
    let mut body = answer.send_response(head, false).ok()?;
    match odd {
        OddAnswer::Message(message) => {
            send(&mut body, frame(message.len(), &message)).await?;
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            body.send_trailers(trailers).ok()
        }
        OddAnswer::Refusal(text) => {
            let encoded = utf8_percent_encode(&text, NON_ALPHANUMERIC).to_string();
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("13"));
            trailers.insert("grpc-message", HeaderValue::from_str(&encoded).ok()?);
            body.send_trailers(trailers).ok()
        }
        OddAnswer::Dripping => {
            send(&mut body, frame(1 << 20, &[])).await?;
            loop {
                send(&mut body, Bytes::from_static(b"x")).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
        OddAnswer::Endless(size) => loop {
            send(&mut body, frame(size, &vec![0; size])).await?;
        },
    }
}

/// Returns the beginning of a message of this length.
fn frame(length: usize, bytes: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(5 + bytes.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).unwrap());
    framed.put_slice(bytes);
    framed.freeze()
}

/// Sends the bytes as fast as the client takes them.
async fn send(body: &mut SendStream<Bytes>, mut bytes: Bytes) -> Option<()> {
    while !bytes.is_empty() {
        body.reserve_capacity(bytes.len().min(64 << 10));
        let room = std::future::poll_fn(|cx| body.poll_capacity(cx)).await?.ok()?;
        body.send_data(bytes.split_to(room.min(bytes.len())), false).ok()?;
    }
    Some(())
}

async fn pass_on(
    call: Request<RecvStream>,
    mut answer: SendResponse<Bytes>,
    node: SendRequest<Bytes>,
) -> Option<()> {
    let (head, body) = call.into_parts();
    let (request, _) = read_all(body).await?;
    let mut node = node.ready().await.ok()?;
    let (response, mut up) = node.send_request(Request::from_parts(head, ()), false).ok()?;
    up.send_data(request, true).ok()?;
    let (head, body) = response.await.ok()?.into_parts();
    let (message, trailers) = read_all(body).await?;
    let mut down = answer.send_response(Response::from_parts(head, ()), false).ok()?;
    send(&mut down, message).await?;
    down.send_trailers(trailers.unwrap_or_default()).ok()
}
