//! Checks that Restate can use the table. A scan of one with another key finds nothing, which
//! must not be taken for an empty store.

use aws_sdk_dynamodb::types::{TableDescription, TableStatus};

use super::super::request::Request;
use super::client::TableClient;
use super::item::PK;
use super::store::DynamoDb;
use super::table_facts::TableFacts;
use crate::model::{StoreError, StoreIdentity, unless_denied};

/// Checks the table's key and state, and returns what its description says.
///
/// # Errors
/// [`StoreError::Usage`] for a table with another key, [`StoreError::Unavailable`] for one that is not
/// there or not ready. Where describing it is not permitted, nothing is known.
pub(super) async fn check_schema(client: &TableClient) -> Result<Option<TableFacts>, StoreError> {
    let Some(table) = describe_table(client).await? else { return Ok(None) };
    let key = key_of(&table);
    if key != format!("{PK} (HASH, S)") {
        return Err(client.wrong_schema(Some(&key)));
    }
    match table.table_status() {
        None | Some(TableStatus::Active | TableStatus::Updating) => {
            Ok(Some(TableFacts::from_description(&table)))
        }
        Some(status) => {
            let reason = format!("the table {} is in the state {status}", client.table);
            Err(client.unavailable(reason))
        }
    }
}

/// Asks for the description of the table; `None` where that is not permitted.
async fn describe_table(client: &TableClient) -> Result<Option<TableDescription>, StoreError> {
    let what = Request::without_key("DescribeTable");
    let described = client.retries.run_with_retries(&client.name, &what, || async {
        let answer = client.dynamo.describe_table().table_name(&client.table).send().await;
        let answer =
            answer.map_err(|error| client.classify_error("dynamodb:DescribeTable", &error))?;
        Ok(answer.table)
    });
    Ok(unless_denied(described.await)?.flatten())
}

/// Finds out which table this is, with its account where that may be asked.
pub(super) async fn identify(store: &DynamoDb) -> Result<StoreIdentity, StoreError> {
    let client = &store.client;
    let described = describe_table(client).await?;
    let arn = described.and_then(|table| table.table_arn).or_else(|| Some(client.table.clone()));
    let arn = arn.as_deref().and_then(TableArn::parse);
    Ok(StoreIdentity::Table {
        endpoint: store.endpoint.clone(),
        region: arn.map_or(client.region.as_str(), |arn| arn.region).to_owned(),
        table: arn.map_or(client.table.as_str(), |arn| arn.table).to_owned(),
        account: arn.map(|arn| arn.account.to_owned()),
        prefix: store.prefix.clone(),
    })
}

/// The parts of a table's ARN, which may also stand for its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct TableArn<'a> {
    region: &'a str,
    account: &'a str,
    table: &'a str,
}

impl<'a> TableArn<'a> {
    /// Parses `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME`; `None` for anything else.
    fn parse(text: &'a str) -> Option<TableArn<'a>> {
        let mut parts = text.splitn(6, ':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let table = resource.strip_prefix("table/")?;
        (arn == "arn" && service == "dynamodb").then_some(TableArn { region, account, table })
    }
}

/// Describes the key's attributes with their roles and types, such as `id (HASH, S), sort (RANGE,
/// N)`.
fn key_of(table: &TableDescription) -> String {
    let elements = table.key_schema().iter().map(|element| {
        let name = element.attribute_name();
        let defined = table.attribute_definitions().iter();
        let mut defined = defined.filter(|defined| defined.attribute_name() == name);
        let kind = defined.next().map_or("?", |defined| defined.attribute_type().as_str());
        format!("{name} ({}, {kind})", element.key_type().as_str())
    });
    elements.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_of_a_table_is_parsed_and_a_name_is_none() {
        let arn = TableArn::parse("arn:aws:dynamodb:eu-central-1:123456789012:table/t.a-b");
        let expected = TableArn { region: "eu-central-1", account: "123456789012", table: "t.a-b" };
        assert_eq!(arn, Some(expected));
        for other in ["t", "arn:aws:s3:::bucket", "arn:aws:dynamodb:r:1:index/t", "arn:"] {
            assert_eq!(TableArn::parse(other), None, "{other}");
        }
    }
}
