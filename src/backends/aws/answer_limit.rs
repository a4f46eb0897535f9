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

/// The answer is larger than any that is expected.
#[derive(Debug)]
pub(super) struct AnswerTooLarge;

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the answer has more than {} MiB", MOST_ANSWER >> 20)
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
        // The library marks the requests for the content of an object so.
        let is_object = request.uri().contains("x-id=GetObject");
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            match is_object && answer.status().is_success() {
                true => Ok(answer),
                false => receive_all(answer).await,
            }
        })
    }
}

/// Receives the body, as far as it is bounded.
async fn receive_all(mut answer: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let mut body = ByteStream::new(answer.take_body());
    let mut whole = BytesMut::new();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| ConnectorError::io(error.into()))?;
        if whole.len() + piece.len() > MOST_ANSWER {
            return Err(ConnectorError::other(AnswerTooLarge.into(), None));
        }
        whole.extend_from_slice(&piece);
    }
    *answer.body_mut() = SdkBody::from(whole.freeze());
    Ok(answer)
}
