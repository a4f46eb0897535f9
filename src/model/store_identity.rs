//! What tells whether two configurations name one store.

/// The identity of a store, as far as it can be known without writing to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreIdentity {
    /// A prefix in a bucket.
    ObjectStore {
        /// The endpoint in its normal form, as it was resolved from whatever setting.
        endpoint: String,
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// A key prefix in a table.
    Table {
        /// The endpoint in its normal form, as it was resolved from whatever setting.
        endpoint: String,
        /// The region of the table.
        region: String,
        /// The name of the table.
        table: String,
        /// The account, where the service says it.
        account: Option<String>,
        /// The prefix of all keys.
        prefix: String,
    },
    /// An etcd, which has no name of its own: different ids prove two stores, and equal ones prove nothing,
    /// since every etcd that was started with the default name and peer address has the same.
    Etcd {
        /// The id of the etcd cluster.
        cluster_id: u64,
        /// The revision of the store, which only grows.
        revision: i64,
    },
}

/// The relation of two stores, as their identities show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreRelation {
    /// They are one store.
    Same,
    /// They are two.
    Different,
    /// They may be one.
    Unknown,
}

impl StoreIdentity {
    /// Compares with the identity of another store, that was found out after this one.
    pub fn compare(&self, other: &StoreIdentity) -> StoreRelation {
        match (self, other) {
            (
                StoreIdentity::Etcd { cluster_id: one, .. },
                StoreIdentity::Etcd { cluster_id: other, .. },
            ) => match one == other {
                true => StoreRelation::Unknown,
                false => StoreRelation::Different,
            },
            (one, other) if one == other && one.is_certain() => StoreRelation::Same,
            (one, other) if one.account_as_in(other) == *other => StoreRelation::Unknown,
            _ => StoreRelation::Different,
        }
    }

    /// Returns whether another store can't have this identity: two accounts can have tables of one name.
    fn is_certain(&self) -> bool {
        !matches!(self, StoreIdentity::Table { account: None, .. })
    }

    /// Returns this identity with the account of the other, if that is known of one of them only.
    fn account_as_in(&self, other: &StoreIdentity) -> StoreIdentity {
        let mut adapted = self.clone();
        if let (StoreIdentity::Table { account, .. }, StoreIdentity::Table { account: other, .. }) =
            (&mut adapted, other)
            && (account.is_none() || other.is_none())
        {
            account.clone_from(other);
        }
        adapted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(region: &str, account: Option<&str>) -> StoreIdentity {
        StoreIdentity::Table {
            endpoint: "amazonaws.com".to_owned(),
            region: region.to_owned(),
            table: "t".to_owned(),
            account: account.map(ToOwned::to_owned),
            prefix: String::new(),
        }
    }

    #[test]
    fn table_is_the_same_where_region_and_known_account_are() {
        use StoreRelation::{Different, Same, Unknown};
        for (one, other, relation) in [
            (table("a", None), table("a", None), Unknown),
            (table("a", Some("1")), table("a", None), Unknown),
            (table("a", None), table("a", Some("1")), Unknown),
            (table("a", Some("1")), table("a", Some("1")), Same),
            (table("a", Some("1")), table("a", Some("2")), Different),
            (table("a", None), table("b", None), Different),
        ] {
            assert_eq!(one.compare(&other), relation, "{one:?} {other:?}");
        }
    }

    #[test]
    fn etcd_with_the_same_id_may_be_another() {
        let etcd = |cluster_id, revision| StoreIdentity::Etcd { cluster_id, revision };
        assert_eq!(etcd(1, 5).compare(&etcd(2, 5)), StoreRelation::Different);
        assert_eq!(etcd(1, 5).compare(&etcd(1, 5)), StoreRelation::Unknown);
    }
}
