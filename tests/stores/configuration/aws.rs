//! Object stores and tables of AWS.

use super::section::{Fatal, Group};

const NO_STORE: &str = "failed to initialize metadata store client";

const fn refused(reason: &'static str) -> Fatal {
    Fatal { words: NO_STORE, reason }
}

const EMPTY: Fatal = refused("an empty segment");
const FORBIDDEN: Fatal = refused("a character that a name of an object may not have");
const HALF_KEY: Fatal = refused("a key without its secret");

const NO_URL: Fatal = Fatal { words: "panicked", reason: "an endpoint that is not a URL" };

/// It starts, asks nobody, and ends after `initialization-timeout`.
const NEVER_REACHED: Fatal =
    Fatal { words: "deadline has elapsed", reason: "an endpoint that it can't send a request to" };

const URLS: &[&str] = &[
    "\"http://a:1\"",
    "\"HTTP://a:1\"",
    "\"https://a\"",
    "\"http://u:p@a:1\"",
    "\"http://a:1/path\"",
    "\"http://[::1]:1\"",
    "5",
];

pub(super) const GROUPS: &[Group] = &[
    Group {
        template: "type = \"object-store\"\npath = {}",
        values: &[
            "\"s3://b\"",
            "\"s3://b/\"",
            "\"s3://b/a\"",
            "\"s3://b/a/b/\"",
            "\"s3://b/my prefix\"",
            "\"s3://b/é\"",
            "\"s3://b/a/./b/../c\"",
            "\"s3://b/a?query\"",
            "\"s3://b/a#f\"",
            "\"S3://b/a\"",
            "\"s3://B/a\"",
            "\"s3://b.c/a\"",
            "\"s3://b/%20\"",
            "\"s3://b/%C3%A9\"",
            "\"s3://b/a%2E\"",
            "\"s3://b/%2E%2E/x\"",
            "\"s3://b/%25\"",
            "\"s3://b/%zz\"",
            "\"s3://b/a%2fb\"",
            "\"s3://b/a%2F\"",
            "\"s3://b/%C2%80\"",
            "\"s3://b/+\"",
            "\"s3://b/a\\\\b\"",
            "\"s3://b/..\"",
            "\"s3://b/.\"",
            "\"s3://b/a*\"",
            "\"s3://b/~\"",
            "\"s3://b/a:b\"",
            "\"s3://b:99/a\"",
            "\"s3://u:p@b/a\"",
            "\" s3://b/a\"",
            "\"s3://b/a \"",
            "\"s3://b/ a\"",
            "\"s3://b/%2e\"",
            "\"s3://b/a%3Fb\"",
            "\"s3://b/a%23b\"",
            "\"s3://b/\\ta\"",
            "\"s3://b_c/a\"",
            "\"s3://127.0.0.1/a\"",
            "5",
            "[\"s3://b\"]",
            "true",
            "{}",
            "\"s3://b/a%5Cb\"",
            "\"s3://b/%\"",
            "\"s3://b/日本\"",
            "\"s3://é/a\"",
            "\"s3://b/%2E/x\"",
        ],
        fatal: &[
            ("\"\"", refused("not a URL")),
            ("\"b/a\"", refused("not a URL")),
            ("\"/tmp/a\"", refused("not a URL")),
            ("\"s3:\"", refused("no bucket")),
            ("\"s3://\"", refused("no bucket")),
            ("\"s3:b/a\"", refused("no bucket")),
            ("\"s3:///a\"", refused("no bucket")),
            ("\"gs://b/a\"", refused("not s3://")),
            ("\"s3a://b/a\"", refused("not s3://")),
            ("\"az://b/a\"", refused("not s3://")),
            ("\"file:///a\"", refused("not s3://")),
            ("\"https://b.s3.amazonaws.com/a\"", refused("not s3://")),
            ("\"s3://b/a//b\"", EMPTY),
            ("\"s3://b//a\"", EMPTY),
            ("\"s3://b//\"", EMPTY),
            ("\"s3://b/%FF\"", FORBIDDEN),
            ("\"s3://b/a%80b\"", FORBIDDEN),
            ("\"s3://b/%00\"", FORBIDDEN),
            ("\"s3://b/a%0Ab\"", FORBIDDEN),
            ("\"s3://b/a%2F%2Fb\"", FORBIDDEN),
            ("\"s3://b/%01\"", FORBIDDEN),
            ("\"s3://b/%7F\"", FORBIDDEN),
            ("\"s3://b/a%2F.%2Fb\"", FORBIDDEN),
            ("\"s3://b/%2F\"", EMPTY),
            ("\"s3://b/%2e%2e%2fx\"", FORBIDDEN),
        ],
    },
    Group {
        template: "type = \"object-store\"{}",
        values: &[
            "\npath = \"s3://b\"\ntable = 5",
            "\npaths = \"s3://b\"",
            "",
            "\nPath = \"s3://b\"",
        ],
        fatal: &[],
    },
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\naws-region = \"r\"\n{}",
        values: &[
            "aws-allow-http = true",
            "aws-allow-http = false",
            "aws-allow-http = \"true\"",
            "aws-allow-http = 1",
            "aws_allow_http = true",
            "aws-region2 = 5",
            "aws-profile = \"p\"",
            "aws-profile = 5",
            "aws-profile = [\"p\"]",
            "aws-access-key-id = 5",
            "aws-access-key-id = \"k\"\naws-secret-access-key = \"s\"",
            "aws-access-key-id = \"k\"\naws-secret-access-key = 5",
            "aws-access-key-id = \"k\"\naws-secret-access-key = \"s\"\naws-session-token = \"t\"",
            "aws-access-key-id = \"k\"\naws-secret-access-key = \"s\"\naws-session-token = 5",
            "aws-profile = \"p\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"",
            "aws-profile = \"p\"\naws-access-key-id = \"k\"",
            "aws-secret-access-key = \"s\"",
            "aws-session-token = \"t\"",
            "aws-secret-access-key = 5",
            "aws-endpoint-url = \"http://a:1\"",
            "aws-endpoint-url = \"https://a:1/path\"",
            "aws-endpoint-url = 5",
            "aws-endpoint-url = [\"http://a:1\"]",
            "aws-endpoint-url = true",
        ],
        fatal: &[("aws-access-key-id = \"k\"", HALF_KEY)],
    },
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\naws-region = {}",
        values: &["\"r\"", "5", "true", "[\"r\"]"],
        fatal: &[],
    },
    Group {
        template: "type = \"dynamo-db\"\n{}",
        values: &[
            "table = \"t\"",
            "table = \"a.b-c_d\"",
            "table = 5",
            "table = [\"t\"]",
            "",
            "tables = \"t\"",
            "Table = \"t\"",
            "table = \"t\"\nkey-prefix = \"p\"",
            "table = \"t\"\nkey-prefix = \"\"",
            "table = \"t\"\nkey-prefix = \" \"",
            "table = \"t\"\nkey-prefix = 5",
            "table = \"t\"\nkey_prefix = 5",
            "table = \"t\"\npath = 5",
            "table = \"t\"\naws-allow-http = 5",
            "table = \"t\"\naws-profile = \"p\"",
            "table = \"t\"\naws-profile = 5",
            "table = \"t\"\naws-region = 5",
            "table = \"t\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"",
            "table = \"t\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"\naws-session-token = \"t\"",
            "table = \"t\"\naws-session-token = \"t\"",
            "table = \"t\"\naws-secret-access-key = \"s\"",
            "table = \"t\"\naws-profile = \"p\"\naws-secret-access-key = \"s\"",
            "table = \"t\"\naws-session-token = 5",
            "table = \"t\"\naws-endpoint-url = \"http://a:1\"",
            "table = \"t\"\naws-endpoint-url = 5",
            "table = \"arn:aws:dynamodb:us-east-1:123456789012:table/t\"",
        ],
        fatal: &[
            ("table = \"t\"\naws-access-key-id = \"k\"", HALF_KEY),
            (
                "table = \"t\"\naws-profile = \"p\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"",
                refused("a profile and a key"),
            ),
            (
                "table = \"\"\naws-region = \"r\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"",
                Fatal { words: "failed to construct request", reason: "a table without a name" },
            ),
        ],
    },
    Group {
        template: "type = \"object-store\"\npath = \"s3://b\"\naws-region = \"r\"\naws-access-key-id = \"k\"\n\
                   aws-secret-access-key = \"s\"\naws-allow-http = true\naws-endpoint-url = {}",
        values: URLS,
        fatal: &[
            ("\"\"", NO_URL),
            ("\"x\"", NO_URL),
            ("\"http://\"", NO_URL),
            ("\" http://a:1\"", NO_URL),
            ("\"http://[::1\"", NO_URL),
            ("\"http://:80\"", NO_URL),
            ("\"//a:1\"", NO_URL),
            ("\"ftp://a:1\"", NEVER_REACHED),
        ],
    },
    Group {
        template: "type = \"dynamo-db\"\ntable = \"t\"\naws-region = \"r\"\naws-access-key-id = \"k\"\n\
                   aws-secret-access-key = \"s\"\naws-endpoint-url = {}",
        values: URLS,
        fatal: &[
            ("\"x\"", NEVER_REACHED),
            ("\"127.0.0.1:1\"", NEVER_REACHED),
            ("\"http://\"", NEVER_REACHED),
            ("\" http://a:1\"", NEVER_REACHED),
            ("\"ftp://a:1\"", NEVER_REACHED),
        ],
    },
    Group {
        template: "type = \"dynamo-db\"\ntable = \"t\"\naws-access-key-id = \"k\"\naws-secret-access-key = \"s\"\naws-region = {}",
        values: &["\"r\"", "[\"r\"]"],
        fatal: &[(
            "\"\"",
            Fatal { words: "failed to construct request", reason: "a region without a name" },
        )],
    },
];
