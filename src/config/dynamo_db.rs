//! The fields of `type = "dynamo-db"`.

use super::aws::{self, ProfileAndKey};
use super::fields::{FieldError, Fields};
use super::general::read_general;
use super::store::DynamoDbConfig;

/// The fields of this type, beside those of every type.
pub(super) const FIELDS: [&str; 8] = [
    "table",
    "key-prefix",
    "aws-profile",
    "aws-region",
    "aws-access-key-id",
    "aws-secret-access-key",
    "aws-session-token",
    "aws-endpoint-url",
];

pub(super) fn read_dynamo_db(
    fields: &Fields<'_>,
    type_at: usize,
) -> Result<DynamoDbConfig, FieldError> {
    let timeouts = read_general(fields)?;
    let (table, table_at) = fields.text("table")?.ok_or_else(|| {
        let needs = "type \"dynamo-db\" needs table, a table's name";
        (type_at, fields.describe_missing("table", needs))
    })?;
    if table.is_empty() {
        return Err((table_at, "table is empty; name the table".to_owned()));
    }
    if let Some((region, at)) = fields.text("aws-region")?
        && region.is_empty()
    {
        return Err((at, "aws-region is empty; name the region, or leave it out".to_owned()));
    }
    Ok(DynamoDbConfig {
        table,
        key_prefix: fields.text("key-prefix")?.map(|(prefix, _)| prefix).unwrap_or_default(),
        access: aws::read_access(fields, ProfileAndKey::IsRefused)?,
        region: aws::read_region(fields)?,
        endpoint: aws::read_endpoint(fields)?,
        timeouts,
    })
}
