//! Conformance and limits on dynoxide, which has exact item limits and no code of moto's.

use std::time::Duration;

use restatectl::backends::Target as _;
use restatectl::backends::dynamo_db::DynamoDb;
use restatectl::model::{CasToken, Entry, Key, Snapshot, StoreError, Version};

use crate::support::block_on;
use crate::support::conformance::{assert_conforms, create, value};
use crate::support::dynamo::{Table, create_table_on, dynoxide};
use crate::support::open_store::open_dynamo;

async fn open(table: &Table, prefix: &str) -> DynamoDb {
    open_dynamo(&table.section(prefix), Duration::from_secs(10)).await
}

#[test]
fn dynoxide_conforms() {
    let table = create_table_on(dynoxide());
    block_on(async {
        assert_conforms(&open(&table, "a prefix/").await).await;
        assert_conforms(&open(&table, "a prefix").await).await;
        assert_conforms(&open(&table, "").await).await;
    });
}

#[test]
fn largest_item_that_the_limits_check_accepts_is_accepted() {
    let table = create_table_on(dynoxide());
    block_on(async {
        let store = open(&table, "limits/").await;
        let most = find_largest_value(&store).await;
        let fits = create(&Key::Schema, value(7, &vec![5; most]));
        store.write(std::slice::from_ref(&fits)).await.unwrap();
        let larger = create(&Key::PartitionEpoch(1), value(7, &vec![5; most + 64]));
        let refused = store.write(std::slice::from_ref(&larger)).await.unwrap_err();
        assert!(matches!(refused.error, StoreError::TooLarge { .. }), "{refused:?}");
        assert!(!refused.may_have_written);
    });
}

/// Returns the largest size for which the check finds no violation.
async fn find_largest_value(store: &DynamoDb) -> usize {
    let (mut most, mut least) = (400 * 1024 - 100, 400 * 1024);
    while most + 1 < least {
        let middle = usize::midpoint(most, least);
        let entry = Entry::Intact(value(7, &vec![5; middle]), CasToken::Version(Version(7)));
        let wanted = Snapshot::from([(Key::Schema, entry)]);
        match store.find_limit_violations(&wanted).await.unwrap().is_empty() {
            true => most = middle,
            false => least = middle,
        }
    }
    most
}
