//! Retry policies: of the object store, where a fault makes the server fall back to `replicated`, and
//! of every type, where it makes the server exit.

use super::section::Group;

const POLICIES: &[&str] = &[
    r#"{ type = "none" }"#,
    r#"{ type = "none", max-attempts = "x" }"#,
    r#"{ type = "None" }"#,
    r#"{ type = "fixed-delay", interval = "1s" }"#,
    r#"{ type = "fixed-delay", interval = "1s", max-attempts = 3 }"#,
    r#"{ type = "fixed-delay", interval = "0s", max-attempts = 3 }"#,
    r#"{ type = "fixed-delay", max-attempts = 3 }"#,
    r#"{ type = "fixed-delay", interval = "1s", factor = "x" }"#,
    r#"{ type = "fixed_delay", interval = "1s" }"#,
    r#"{ type = "FixedDelay", interval = "1s" }"#,
    r#"{ type = "exponential" }"#,
    r#"{ type = "exponential", initial-interval = "1s" }"#,
    r#"{ type = "exponential", initial-interval = "1s", factor = 2.0 }"#,
    r#"{ type = "exponential", initial-interval = "1s", max-interval = "9s" }"#,
    r#"{ type = "exponential", factor = 2.0, max-interval = "9s" }"#,
    r#"{ type = "exponential", initial-interval = "1s", factor = 2.0, max-interval = "9s" }"#,
    r#"{ type = "exponential", initial_interval = "1s", factor = 2.0, max_interval = "9s" }"#,
    r#"{ type = "exponential", initial-interval = "9s", factor = 2.0, max-interval = "1s" }"#,
    r#"{ type = "exponential", initial-interval = "0s", factor = 2.0, max-interval = "0s" }"#,
    r#"{ type = "exponential", initial-interval = "1s", factor = 2, max-interval = "9s", extra = 1 }"#,
    r#"{ type = "exponential", initial-interval = "1M", factor = 2, max-interval = "9s" }"#,
    r#"{ type = "linear", interval = "1s" }"#,
    r#"{ type = "" }"#,
    r#"{ type = 1 }"#,
    r#"{ interval = "1s" }"#,
    "{}",
    r#""none""#,
    "5",
    "false",
    r#"["none"]"#,
    r#"["none", 5]"#,
    r#"[]"#,
    r#"["fixed-delay", "1s"]"#,
    r#"["fixed-delay", "1s", 3]"#,
    r#"["fixed-delay", "1s", 3, 4]"#,
    r#"["exponential", "1s", 2.0, 3, "9s"]"#,
    r#"["exponential", "1s", 2.0, "9s"]"#,
    r#"[{ type = "none" }]"#,
];

const FACTORS: &[&str] = &[
    "2",
    "2.0",
    "1",
    "0.5",
    "0",
    "0.0",
    "-1",
    "-0.5",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e308",
    "\"2\"",
    "1_0.0",
    "0x10",
    "0o7",
    "9223372036854775807",
    "9223372036854775808",
    "true",
    "[2]",
    "+2",
    "1e-400",
    "16777217",
    "3.4e38",
    "3.5e38",
    "1.1",
];

const ATTEMPTS: &[&str] = &[
    "1",
    "0",
    "-1",
    "\"5\"",
    "\"many\"",
    "5.0",
    "1_000",
    "0x10",
    "0b11",
    "0o17",
    "+3",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "9223372036854775807",
    "9223372036854775808",
    "[5]",
    "true",
    "\"\"",
    "\"unlimited\"",
];

/// Policies for a store that does not answer, so that the first request fails.
pub(super) const AT_A_DEAD_STORE: Group = Group {
    template: "type = \"object-store\"\npath = \"s3://b\"\naws-region = \"r\"\naws-access-key-id = \"k\"\n\
               aws-secret-access-key = \"s\"\naws-allow-http = true\n\
               aws-endpoint-url = \"http://127.0.0.1:1\"\nobject-store-retry-policy = {}",
    values: &[
        r#"{ type = "none" }"#,
        r#"{ type = "fixed-delay", interval = "10ms", max-attempts = 3 }"#,
        r#"{ type = "fixed-delay", interval = "0s", max-attempts = 3 }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = 2, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = 1.1, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = 1, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = 0.5, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = -1, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = nan, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "10ms", factor = inf, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "50ms", factor = 2, max-interval = "10ms" }"#,
        r#"{ type = "exponential", initial-interval = "50ms", factor = 2, max-interval = "50ms" }"#,
        r#"{ type = "exponential", initial-interval = "0s", factor = 2, max-interval = "1s" }"#,
    ],
    fatal: &[],
};

pub(super) const GROUPS: &[Group] = &[
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\nobject-store-retry-policy = {}",
        values: POLICIES,
        fatal: &[],
    },
    Group {
        template: "type = \"etcd\"\naddresses = [\"a:1\"]\nbackoff-policy = {}",
        values: POLICIES,
        fatal: &[],
    },
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\nobject-store-retry-policy = \
                   { type = \"exponential\", initial-interval = \"1s\", factor = {}, max-interval = \"9s\" }",
        values: FACTORS,
        fatal: &[],
    },
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\nobject-store-retry-policy = \
                   { type = \"fixed-delay\", interval = \"1s\", max-attempts = {} }",
        values: ATTEMPTS,
        fatal: &[],
    },
    Group {
        template: "type = \"dynamo-db\"\ntable = \"t\"\nbackoff-policy = \
                   { type = \"fixed-delay\", interval = \"1s\", max-attempts = {} }",
        values: &["3", "0", "\"5\"", "-1"],
        fatal: &[],
    },
    Group {
        template: "type = \"replicated\"\nbackoff-policy = {}",
        values: &[
            "{ type = \"none\" }",
            "{ type = \"some\" }",
            "\"none\"",
            "{ type = \"exponential\" }",
            "{ factor = 0.5 }",
            "{ factor = \"x\" }",
            "{ max-attempts = 0 }",
            "[\"fixed-delay\", \"1s\", 3]",
            "[\"fixed-delay\", \"1s\"]",
        ],
        fatal: &[],
    },
    // Of another type's fields.
    Group {
        template: "type = \"etcd\"\naddresses = [\"a:1\"]\nobject-store-retry-policy = {}",
        values: &["5", "{ type = \"none\" }"],
        fatal: &[],
    },
];
