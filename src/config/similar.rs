//! Suggestions for misspelt names.

/// The similarity from which two names count as alike, 1 for equal ones: a letter or two may
/// differ, a word may not.
const SIMILARITY_THRESHOLD: f64 = 0.75;

/// The longest name in bytes that could be another by a slip; the comparison takes the square of it.
const LONGEST_SLIP: usize = 64;

/// Returns `; did you mean NAME?`, or nothing if none of the names is similar.
pub(super) fn did_you_mean<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    find_similar(written, names).map(|name| format!("; did you mean {name}?")).unwrap_or_default()
}

/// Returns the most similar name.
pub(super) fn find_similar<'a>(
    written: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if written.len() > LONGEST_SLIP {
        return None;
    }
    let written = written.to_lowercase().replace('_', "-");
    let alike = |name: &'a str| (strsim::normalized_damerau_levenshtein(&written, name), name);
    let most = names.into_iter().map(alike).max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (most.0 >= SIMILARITY_THRESHOLD).then_some(most.1)
}

#[cfg(test)]
mod tests {
    use super::find_similar;

    #[test]
    fn slips_are_seen_and_other_names_are_not() {
        let names = ["replicated", "etcd", "object-store", "dynamo-db", "aws-secret-access-key"];
        for (written, meant) in [
            ("etdc", Some("etcd")),
            ("Etcd", Some("etcd")),
            ("object_store", Some("object-store")),
            ("objectstore", Some("object-store")),
            ("dynamodb", Some("dynamo-db")),
            ("replicatd", Some("replicated")),
            ("zookeeper", None),
            ("aws-access-key-id", None),
            ("", None),
        ] {
            assert_eq!(find_similar(written, names), meant, "{written}");
        }
    }
}
