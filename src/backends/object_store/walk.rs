//! Walks through the pages of a listing. Each brings the walk further, or ends it: what a store answers is
//! not trusted to have an end.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use super::page::{ListPage, ListedObject};
use super::store::ObjectStore;
use crate::model::StoreError;
use crate::wording::plural;

/// The most pages: ten million names where each has a thousand, which are more than a hundred times as many
/// as there are names of Restate's.
const MAX_PAGES: usize = 10_000;

/// The most time, in time-outs of a request.
const MAX_TIMEOUTS: u32 = 50;

/// The end of a walk.
pub(super) enum Walked {
    /// All names were seen.
    Completely {
        /// `true` if names were left out for their delimiter.
        has_folders: bool,
    },
    /// Too many pages, or too slow ones, as described: more names may follow.
    InPart(String),
}

/// Calls `visit` with each object below the prefix and with its name there; with a delimiter, without those
/// whose names contain it.
///
/// # Errors
/// [`StoreError::Unusable`] for a listing that does not progress, or that `visit` finds a fault in.
pub(super) async fn walk_objects(
    store: &ObjectStore,
    delimiter: Option<&str>,
    mut visit: impl FnMut(&str, &ListedObject) -> Result<(), String>,
) -> Result<Walked, StoreError> {
    let unusable = |reason| StoreError::Unusable {
        store: store.client.name.clone(),
        reason: format!("the listing of its objects {reason}"),
    };
    let mut progress = Progress::begin(store.client.request_timeout * MAX_TIMEOUTS);
    let (mut token, mut has_folders): (Option<String>, _) = (None, false);
    loop {
        let page = store.client.list(&store.prefix, delimiter, token.as_deref()).await?;
        progress.add_page(&page).map_err(unusable)?;
        has_folders |= page.has_folders;
        for object in &page.objects {
            let name = below_prefix(&store.prefix, &object.name).map_err(unusable)?;
            // The prefix itself can be an object: consoles make one for an empty folder.
            if !name.is_empty() {
                visit(name, object).map_err(unusable)?;
            }
        }
        let Some(next) = page.next else { return Ok(Walked::Completely { has_folders }) };
        if let Some(reason) = progress.describe_excess() {
            return Ok(Walked::InPart(reason));
        }
        token = Some(next);
    }
}

fn below_prefix<'a>(prefix: &str, name: &'a str) -> Result<&'a str, String> {
    name.strip_prefix(prefix)
        .ok_or_else(|| format!("has the name {name:?}, which is not below the prefix {prefix:?}"))
}

/// How far a walk is. What it remembers of a page has a fixed size.
struct Progress {
    began: Instant,
    time: Duration,
    pages: usize,
    hasher: RandomState,
    tokens: HashSet<u64>,
    first_names: HashSet<u64>,
}

impl Progress {
    fn begin(time: Duration) -> Progress {
        Progress {
            began: Instant::now(),
            time,
            pages: 0,
            hasher: RandomState::new(),
            tokens: HashSet::new(),
            first_names: HashSet::new(),
        }
    }

    /// Adds a page; no two have one token, or begin with one name.
    ///
    /// The names are not required to ascend: SeaweedFS 4.48 lists `a/b` before `a-b`.
    ///
    /// # Errors
    /// The fault, which completes "the listing …".
    fn add_page(&mut self, page: &ListPage) -> Result<(), String> {
        self.pages += 1;
        if let Some(next) = &page.next
            && !self.tokens.insert(self.hasher.hash_one(next))
        {
            return Err(format!(
                "does not progress: page {} ends with a NextContinuationToken that an earlier page had",
                self.pages
            ));
        }
        if let Some(first) = &page.first
            && !self.first_names.insert(self.hasher.hash_one(first))
        {
            return Err(format!(
                "does not progress: page {} begins with {first:?}, as an earlier page did",
                self.pages
            ));
        }
        Ok(())
    }

    /// Describes why the walk does not go on; `None` if it does.
    fn describe_excess(&self) -> Option<String> {
        let pages = plural(self.pages, "page");
        if self.pages >= MAX_PAGES {
            Some(format!("has not ended after {pages}"))
        } else if self.began.elapsed() >= self.time {
            let seconds = self.time.as_secs();
            Some(format!("has not ended after {seconds} s and {pages}"))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(first: &str, next: &str) -> ListPage {
        let (first, next) = (Some(first.to_owned()), Some(next.to_owned()));
        ListPage { first, next, ..ListPage::default() }
    }

    #[test]
    fn page_progresses_unless_its_token_or_its_first_name_is_an_earlier_one() {
        let mut progress = Progress::begin(Duration::MAX);
        progress.add_page(&page("a", "A")).unwrap();
        progress.add_page(&page("b", "B")).unwrap();
        progress.add_page(&page("0", "0")).unwrap();
        assert!(progress.add_page(&page("c", "A")).unwrap_err().contains("page 4 ends"));
        assert!(progress.add_page(&page("b", "C")).unwrap_err().contains("page 5 begins"));
        let empty = |next: &str| ListPage { first: None, ..page("", next) };
        progress.add_page(&empty("D")).unwrap();
        progress.add_page(&empty("E")).unwrap();
        assert!(progress.describe_excess().is_none());
    }

    #[test]
    fn walk_ends_after_its_pages_or_its_time() {
        assert!(Progress::begin(Duration::ZERO).describe_excess().unwrap().contains("0 s"));
        let mut long = Progress::begin(Duration::MAX);
        for n in 0..MAX_PAGES {
            assert!(long.describe_excess().is_none());
            long.add_page(&page(&format!("n{n}"), &format!("t{n}"))).unwrap();
        }
        assert!(long.describe_excess().unwrap().contains("10000 pages"));
    }
}
