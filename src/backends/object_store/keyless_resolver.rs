//! Resolves the endpoint of a bucket once. The library keeps its last result, but asks for it by the object's name as
//! well, on which no endpoint depends, so that it would be worked out anew for every request.

use aws_sdk_s3::config::endpoint::{DefaultResolver, EndpointFuture, Params, ResolveEndpoint};

/// A resolver that leaves out the names of objects.
#[derive(Debug, Default)]
pub(super) struct KeylessResolver(DefaultResolver);

impl ResolveEndpoint for KeylessResolver {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let keyless = Params::builder()
            .set_bucket(owned(params.bucket()))
            .set_region(owned(params.region()))
            .set_use_fips(params.use_fips())
            .set_use_dual_stack(params.use_dual_stack())
            .set_endpoint(owned(params.endpoint()))
            .set_force_path_style(params.force_path_style())
            .set_accelerate(params.accelerate())
            .set_use_global_endpoint(params.use_global_endpoint())
            .set_use_object_lambda_endpoint(params.use_object_lambda_endpoint())
            .set_disable_access_points(params.disable_access_points())
            .set_disable_multi_region_access_points(params.disable_multi_region_access_points())
            .set_use_arn_region(params.use_arn_region())
            .set_use_s3_express_control_endpoint(params.use_s3_express_control_endpoint())
            .set_disable_s3_express_session_auth(params.disable_s3_express_session_auth())
            .build();
        match keyless {
            Ok(keyless) => {
                EndpointFuture::new(async move { self.0.resolve_endpoint(&keyless).await })
            }
            Err(_) => self.0.resolve_endpoint(params),
        }
    }
}
