//! One page of a listing, and what makes it one that can't be right.

use aws_sdk_s3::operation::list_objects_v2::ListObjectsV2Output;

/// A page, checked by itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ListPage {
    pub(super) objects: Vec<ListedObject>,
    pub(super) has_folders: bool,
    /// The first name of the page: of an object, else of a folder.
    pub(super) first: Option<String>,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

/// An object as a listing has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListedObject {
    pub(super) name: String,
    /// The bytes, where the store names them.
    pub(super) size: Option<u64>,
}

/// Checks what a page says of itself.
///
/// # Errors
/// The fault, which completes "the listing …".
pub(super) fn check_page(answer: &ListObjectsV2Output) -> Result<ListPage, String> {
    let mut objects = Vec::with_capacity(answer.contents().len());
    for object in answer.contents() {
        let name = object.key().ok_or("has an object without a name")?.to_owned();
        let size = object.size().and_then(|size| u64::try_from(size).ok());
        objects.push(ListedObject { name, size });
    }
    let folders = answer.common_prefixes().len();
    let counted = answer.key_count().and_then(|count| usize::try_from(count).ok());
    // Some stores do not count the folders. More than there is was left out on the way.
    if let Some(counted) = counted.filter(|counted| *counted > objects.len() + folders) {
        let listed = objects.len() + folders;
        return Err(format!("has a page of {listed} names that counts {counted} (KeyCount)"));
    }
    let next = answer.next_continuation_token().filter(|token| !token.is_empty());
    if next.is_none() && answer.is_truncated() == Some(true) {
        return Err(
            "has a page with IsTruncated and without NextContinuationToken, so that the next one \
                    can't be asked for"
                .to_owned(),
        );
    }
    let first_folder = || answer.common_prefixes().first().and_then(|folder| folder.prefix());
    let first = objects.first().map(|object| object.name.as_str()).or_else(first_folder);
    let first = first.map(ToOwned::to_owned);
    Ok(ListPage { objects, has_folders: folders > 0, first, next: next.map(ToOwned::to_owned) })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{CommonPrefix, Object};

    use super::*;

    fn page(
        names: &[&str],
    ) -> aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2OutputBuilder {
        let objects = names.iter().map(|name| Object::builder().key(*name).size(7).build());
        ListObjectsV2Output::builder().set_contents(Some(objects.collect()))
    }

    #[test]
    fn page_is_followed_only_where_it_names_the_next_one() {
        let next = |page: ListObjectsV2Output| check_page(&page).map(|page| page.next);
        assert_eq!(next(page(&["a"]).build()), Ok(None));
        assert_eq!(next(page(&["a"]).is_truncated(false).build()), Ok(None));
        let token = page(&["a"]).next_continuation_token("t");
        assert_eq!(next(token.clone().build()), Ok(Some("t".to_owned())));
        assert_eq!(next(token.is_truncated(true).build()), Ok(Some("t".to_owned())));
        let truncated = page(&["a"]).is_truncated(true);
        assert!(next(truncated.clone().build()).is_err());
        assert!(next(truncated.next_continuation_token("").build()).is_err());
    }

    #[test]
    fn page_with_fewer_names_than_it_counts_is_refused() {
        assert_eq!(check_page(&page(&["a"]).key_count(1).build()).unwrap().objects.len(), 1);
        let folder = CommonPrefix::builder().prefix("f/").build();
        let with_folder = page(&["a"]).common_prefixes(folder);
        assert!(check_page(&with_folder.clone().key_count(1).build()).is_ok());
        assert!(check_page(&with_folder.key_count(2).build()).is_ok());
        assert!(check_page(&page(&["a"]).key_count(2).build()).is_err());
        let nameless = ListObjectsV2Output::builder().contents(Object::builder().size(1).build());
        assert!(check_page(&nameless.build()).is_err());
    }
}
