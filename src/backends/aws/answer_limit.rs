//! A bound for the bytes of an answer, which the library would read to its end, however much comes.
//!
//! The content of an object is the exception: it is read piece by piece, and bounded where it is read.

use std::error::Error;
use std::fmt;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use prost::bytes::BytesMut;

/// The most bytes of an answer: 16 MiB of DynamoDB's items are a third more in base64, and a page of a listing is far
/// smaller.
pub(in super::super) const MOST_ANSWER: usize = 32 << 20;

/// The most bytes of an answer that says no more than how a request ended: hundreds of them may come at once.
const MOST_STATEMENT: usize = 256 << 10;

/// The answer is larger than any that is expected, which has so many bytes.
#[derive(Debug)]
pub(super) struct AnswerTooLarge(usize);

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 >> 20 {
            0 => write!(f, "the answer has more than {} KiB", self.0 >> 10),
            size => write!(f, "the answer has more than {size} MiB"),
        }
    }
}

impl Error for AnswerTooLarge {}

/// A client whose answers are bounded.
#[derive(Debug)]
pub(super) struct LimitedClient(SharedHttpClient);

impl LimitedClient {
    pub(super) fn new(client: SharedHttpClient) -> LimitedClient {
        LimitedClient(client)
    }
}

impl HttpClient for LimitedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector(self.0.http_connector(settings, components)))
    }
}

#[derive(Debug)]
struct LimitedConnector(SharedHttpConnector);

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        // The library marks the requests for the content of an object, and those that put one, so.
        let is_read = request.uri().contains("x-id=GetObject");
        let is_put = request.uri().contains("x-id=PutObject");
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            match answer.status().is_success() {
                true if is_read => Ok(answer),
                true if !is_put => receive_all(answer, MOST_ANSWER).await,
                _ => receive_all(answer, MOST_STATEMENT).await,
            }
        })
    }
}

/// Receives the body, which may have so many bytes.
async fn receive_all(
    mut answer: HttpResponse,
    most: usize,
) -> Result<HttpResponse, ConnectorError> {
    let mut body = ByteStream::new(answer.take_body());
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| ConnectorError::io(error.into()))?;
        if whole.len() + piece.len() > most {
            return Err(ConnectorError::other(AnswerTooLarge(most).into(), None));
        }
        whole.extend_from_slice(&piece);
    }
    *answer.body_mut() = SdkBody::from(whole.freeze());
    Ok(answer)
}
