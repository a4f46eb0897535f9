//! The names and limits that every part of this backend needs.

/// The most keys of a transaction: a default etcd accepts 128 operations in one, and a key needs two.
pub(super) const KEYS_PER_TXN: usize = 64;

/// The default of etcd's `--max-request-bytes`.
pub(super) const DEFAULT_REQUEST_LIMIT: usize = 1_572_864;

/// The most bytes of a batch: below the limit, with room for the transaction's own framing.
pub(super) const BATCH_BYTES: usize = DEFAULT_REQUEST_LIMIT - 64 * 1024;

/// Restate's client for etcd takes no larger answer, whatever etcd's flags say.
pub(super) const ANSWER_LIMIT: u64 = 4 * 1024 * 1024;

/// The bytes that etcd adds to each pair in an answer: revisions, lengths, tags.
pub(super) const FRAMING_PER_PAIR: u64 = 32;

/// The end of the names of versions.
pub(super) const VERSION_SUFFIX: &str = "::version";

/// Returns the etcd key that holds the version beside the bytes in `name`.
pub(super) fn version_name(name: &str) -> String {
    format!("{name}{VERSION_SUFFIX}")
}

/// Returns whether this is the name of a version, whatever it belongs to.
pub(super) fn is_version_name(name: &str) -> bool {
    name.ends_with(VERSION_SUFFIX)
}
