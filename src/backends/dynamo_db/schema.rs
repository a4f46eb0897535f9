//! Checks that Restate can use the table. A scan of one with another key finds nothing, which
//! must not be taken for an empty store.

use aws_sdk_dynamodb::types::{TableDescription, TableStatus};

use super::super::request::Request;
use super::client::TableClient;
use super::item::PK;
use super::table_facts::TableFacts;
use crate::model::StoreError;
use crate::model::unless_denied;

/// Checks the table's key and state, and returns what its description says.
///
/// # Errors
/// [`StoreError::Usage`] for a table with another key, [`StoreError::Unavailable`] for one that is not
/// there or not ready. Where describing it is not permitted, nothing is known.
pub(super) async fn check_schema(client: &TableClient) -> Result<Option<TableFacts>, StoreError> {
    let what = Request::without_key("DescribeTable");
    let described = client.retries.run_with_retries(&client.name, &what, || async {
        let answer = client.dynamo.describe_table().table_name(&client.table).send().await;
        let answer =
            answer.map_err(|error| client.classify_error("dynamodb:DescribeTable", &error))?;
        Ok(answer.table)
    });
    let Some(Some(table)) = unless_denied(described.await)? else { return Ok(None) };
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
