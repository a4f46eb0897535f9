//! `docs/documents.schema.json`, against which every document that a test reads is validated.

use boon::{Compiler, Schemas};
use serde_json::Value as Json;

use super::project;

/// Validates the document; fails with the violations of the schema.
#[track_caller]
pub fn check(document: &Json) {
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let text = std::fs::read_to_string(project().join("docs/documents.schema.json")).unwrap();
    let name = "file:///documents.schema.json";
    compiler.add_resource(name, serde_json::from_str(&text).unwrap()).unwrap();
    let schema = compiler.compile(name, &mut schemas).unwrap();
    if let Err(error) = schemas.validate(document, schema) {
        panic!("the document is not as docs/documents.schema.json has it: {error:#}\n{document:#}");
    }
}
