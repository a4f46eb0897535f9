//! The log line of each request with `-v`: the store, what was asked of which keys, how long it took, and why
//! it failed. Nothing is put into words unless somebody listens.

use std::fmt::{self, Display};
use std::time::Instant;

use tracing::Level;

use crate::visible::escape_line;

/// A request as it is logged.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    verb: &'static str,
    of: Of<'a>,
}

#[derive(Clone, Copy)]
enum Of<'a> {
    Nothing,
    One(&'a (dyn Display + Sync)),
    Many { first: &'a (dyn Display + Sync), last: &'a (dyn Display + Sync), count: usize },
}

impl<'a> Request<'a> {
    /// Creates a request that is about no key.
    pub(super) fn without_key(verb: &'static str) -> Request<'a> {
        Request { verb, of: Of::Nothing }
    }

    /// Creates a request about this key or name.
    pub(super) fn about_key(verb: &'static str, key: &'a (dyn Display + Sync)) -> Request<'a> {
        Request { verb, of: Of::One(key) }
    }

    /// Creates a request about all of these keys.
    pub(super) fn about_keys<T: Display + Sync>(verb: &'static str, keys: &'a [T]) -> Request<'a> {
        let of = match keys {
            [] => Of::Nothing,
            [one] => Of::One(one),
            [first, .., last] => Of::Many { first, last, count: keys.len() },
        };
        Request { verb, of }
    }

    /// Tells that it has ended, at this store, and why it failed if it did.
    pub(super) fn finish(&self, store: &dyn Display, began: Instant, failed: Option<&str>) {
        if tracing::enabled!(Level::DEBUG) {
            let took = began.elapsed().as_secs_f64() * 1e3;
            let failed = failed.map(|reason| format!(", failed: {reason}")).unwrap_or_default();
            let line = format!("{store}: {self}: {took:.1} ms{failed}");
            tracing::debug!("{}", escape_line(&line));
        }
    }
}

impl Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.of {
            Of::Nothing => f.write_str(self.verb),
            Of::One(key) => write!(f, "{} {key}", self.verb),
            Of::Many { first, last, count } => {
                write!(f, "{} {count} keys, {first} to {last}", self.verb)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_describes_one_key_and_many_keys() {
        assert_eq!(Request::without_key("status").to_string(), "status");
        assert_eq!(Request::about_keys("read", &["a"]).to_string(), "read a");
        assert_eq!(
            Request::about_keys("read", &["a", "b", "c"]).to_string(),
            "read 3 keys, a to c"
        );
    }
}
