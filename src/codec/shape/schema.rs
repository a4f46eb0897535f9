//! The shape of `schema_registry`.

use super::form::{Field, Shape, U32, U64, may_have, needs};
use super::text::{
    ANY_TEXT, DEPLOYMENT_ID, DURATION, HEADER_NAME, HEADER_VALUE, HTTP_VERSION, LAMBDA_ARN, URI,
};

pub(super) const SCHEMA: Shape = Shape::Object(&[
    needs("version", &U32),
    needs("deployments_v2", &Shape::List(&DEPLOYMENT)),
    needs("subscriptions", &Shape::List(&Shape::Pair(&Shape::Text, &SUBSCRIPTION))),
    // As the first form of the key had them; the servers still read them.
    may_have("deployments", &Shape::List(&Shape::Any)),
    may_have("services", &Shape::Object(&[])),
]);

const SUBSCRIPTION: Shape = Shape::Object(&[needs("id", &Shape::Text)]);

const DEPLOYMENT: Shape = Shape::Object(&[
    needs("id", &Shape::Parsed(&DEPLOYMENT_ID)),
    needs("created_at", &U64),
    needs("ty", &Shape::Variant(&[("Http", Some(&HTTP)), ("Lambda", Some(&LAMBDA))])),
    needs("delivery_options", &Shape::Object(&[needs("additional_headers", &HEADERS)])),
    needs(
        "supported_protocol_versions",
        &Shape::Object(&[needs("start", &Shape::Integer), needs("end", &Shape::Integer)]),
    ),
    needs("services", &Shape::List(&SERVICE)),
    may_have("sdk_version", &Shape::Nullable(&Shape::Text)),
    METADATA,
]);

const HEADERS: Shape = Shape::Map(&HEADER_NAME, &Shape::Parsed(&HEADER_VALUE));

const METADATA: Field = may_have("metadata", &Shape::Map(&ANY_TEXT, &Shape::Text));

const HTTP: Shape = Shape::Object(&[
    needs("address", &Shape::Parsed(&URI)),
    needs("protocol_type", &Shape::Variant(&[("RequestResponse", None), ("BidiStream", None)])),
    may_have("http_version", &Shape::Nullable(&Shape::Parsed(&HTTP_VERSION))),
]);

const LAMBDA: Shape = Shape::Object(&[needs("arn", &Shape::Parsed(&LAMBDA_ARN))]);

const OPTIONAL_TEXT: Shape = Shape::Nullable(&Shape::Text);
const OPTIONAL_BOOL: Shape = Shape::Nullable(&Shape::Bool);

/// As a service has it.
const OPTIONAL_DURATION: Shape = Shape::Nullable(&Shape::Parsed(&DURATION));

/// As a handler has it.
const OPTIONAL_SECONDS: Shape =
    Shape::Nullable(&Shape::Object(&[needs("secs", &U64), needs("nanos", &U32)]));

const SERVICE: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("ty", &Shape::Variant(&[("Service", None), ("VirtualObject", None), ("Workflow", None)])),
    needs("public", &Shape::Bool),
    needs("revision", &U32),
    needs("handlers", &Shape::List(&HANDLER)),
    may_have("documentation", &OPTIONAL_TEXT),
    METADATA,
    may_have("inactivity_timeout", &OPTIONAL_DURATION),
    may_have("abort_timeout", &OPTIONAL_DURATION),
    may_have("journal_retention", &OPTIONAL_DURATION),
    may_have("idempotency_retention", &OPTIONAL_DURATION),
    may_have("workflow_completion_retention", &OPTIONAL_DURATION),
    may_have("enable_lazy_state", &OPTIONAL_BOOL),
]);

const HANDLER: Shape = Shape::Object(&[
    needs("name", &Shape::Text),
    needs("target_ty", &HANDLER_TYPE),
    needs("input_rules", &Shape::Object(&[needs("input_validation_rules", &Shape::List(&INPUT))])),
    needs("output_rules", &Shape::Object(&[needs("content_type_rule", &OUTPUT)])),
    may_have("documentation", &OPTIONAL_TEXT),
    METADATA,
    may_have("public", &OPTIONAL_BOOL),
    may_have("inactivity_timeout", &OPTIONAL_SECONDS),
    may_have("abort_timeout", &OPTIONAL_SECONDS),
    may_have("journal_retention", &OPTIONAL_SECONDS),
    may_have("idempotency_retention", &OPTIONAL_SECONDS),
    may_have("workflow_completion_retention", &OPTIONAL_SECONDS),
    may_have("enable_lazy_state", &OPTIONAL_BOOL),
]);

const HANDLER_TYPE: Shape = Shape::Variant(&[
    ("Service", None),
    ("VirtualObject", Some(&Shape::Variant(&[("Exclusive", None), ("Shared", None)]))),
    ("Workflow", Some(&Shape::Variant(&[("Workflow", None), ("Shared", None)]))),
]);

const INPUT: Shape = Shape::Variant(&[
    ("NoBodyAndContentType", None),
    ("ContentType", Some(&ACCEPTED)),
    ("JsonValue", Some(&ACCEPTED)),
]);

const ACCEPTED: Shape = Shape::Object(&[needs(
    "content_type",
    &Shape::Variant(&[
        ("Any", None),
        ("MimeType", Some(&Shape::Text)),
        ("MimeTypeAndSubtype", Some(&Shape::Pair(&Shape::Text, &Shape::Text))),
    ]),
)]);

const OUTPUT: Shape = Shape::Variant(&[
    ("None", None),
    ("Set", Some(&Shape::Object(&[needs("content_type", &Shape::Parsed(&HEADER_VALUE))]))),
]);
