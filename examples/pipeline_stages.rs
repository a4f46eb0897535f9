//! Runs the pipeline stages of a migration between two stores in memory; the argument is the number of
//! keys. A test counts the instructions, which are the program's own work without any server.
#![allow(clippy::unwrap_used)]

use restatectl::backends::memory::Memory;
use restatectl::events::{NoopSink, Stage};
use restatectl::model::{Change, Key, Snapshot, Value, Version};
use restatectl::pipeline::apply::{self, Journal};
use restatectl::pipeline::plan::{self, OnExisting};
use restatectl::pipeline::soundness::check_soundness;
use restatectl::pipeline::{checks, snapshot, verify};
use serde_json::json;

struct NoopJournal;

impl Journal for NoopJournal {
    fn begin_writes(&self, _: &[Change]) {}
    fn add_not_written(&self, _: &[Change]) {}
    fn add_written(&self, _: &[Change]) {}
}

fn main() {
    let keys: u16 = std::env::args().nth(1).unwrap().parse().unwrap();
    let source = Memory::with_values((0..keys).map(|n| (Key::PartitionEpoch(n), encode_epoch())));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(migrate(&source, &Memory::default()));
}

async fn migrate(source: &Memory, target: &Memory) {
    let before = snapshot::read(source, Stage::ReadSource, &NoopSink).await.unwrap();
    checks::check_values(&before, &check_soundness(&before), &[]);
    let plan = plan::decide_plan(&before, &Snapshot::new(), OnExisting::Refuse);
    apply::carry_out(plan.changes(), target, &NoopJournal, &NoopSink).await.unwrap();
    let after = snapshot::read_beside(target, &before, Stage::ReadBack, &NoopSink).await.unwrap();
    assert!(verify::compare(&before, &after).differences(false).next().is_none());
}

fn encode_epoch() -> Value {
    let epoch = json!({"version": 1, "epoch": 1, "current": {"replica_set": [1]}, "next": null});
    let buffer = flexbuffers::to_vec(&epoch).unwrap();
    let length = u32::try_from(buffer.len()).unwrap().to_le_bytes();
    Value { version: Version(1), bytes: [&[2], &length[..], &buffer].concat().into() }
}
