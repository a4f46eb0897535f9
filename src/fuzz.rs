//! The number of cases that fuzz tests run: ten thousand in `make test`, a million in `make soak`. Their names
//! begin with `fuzz`.

use proptest::test_runner::Config;

/// Returns the configuration of every fuzz test.
pub(crate) fn fuzz_config() -> Config {
    let cases = std::env::var("RESTATECTL_FUZZ_CASES").ok().and_then(|cases| cases.parse().ok());
    Config { cases: cases.unwrap_or(10_000), failure_persistence: None, ..Config::default() }
}
