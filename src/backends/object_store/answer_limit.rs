//! Limits the bytes of an answer with an object, and of the error in its place: the SDK collects the body of an
//! error before it looks at it, however long that is. All other answers are limited in
//! [`aws`](super::super::aws).

use std::error::Error;

use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use http_body_util::{LengthLimitError, Limited};

/// Ends an answer with an error once it has more bytes than this.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerLimit(pub(super) usize);

impl Intercept for AnswerLimit {
    fn name(&self) -> &'static str {
        "AnswerLimit"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response_mut().take_body();
        *context.response_mut().body_mut() = SdkBody::from_body_1_x(Limited::new(body, self.0));
        Ok(())
    }
}

/// Returns whether a request failed because its answer has too many bytes.
pub(super) fn is_over_limit(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}
