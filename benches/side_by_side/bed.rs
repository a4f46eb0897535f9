//! A source cluster in migration mode, empty targets, and migrations between them.

use std::cell::{Cell, OnceCell};

use tempfile::TempDir;

use crate::measure::{Cost, measure};
use crate::support::dynamo::{Table, create_table_on, dynoxide};
use crate::support::etcd::{Etcd, etcd_section};
use crate::support::restate::Cluster;
use crate::support::s3::{Bucket, seaweed};
use crate::support::store_toml::write_file;
use crate::support::tool::{official_program, program};

/// The tool that migrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Official,
    Ours,
}

impl Tool {
    pub const BOTH: [Tool; 2] = [Tool::Official, Tool::Ours];

    pub fn name(self) -> &'static str {
        match self {
            Tool::Official => "official",
            Tool::Ours => "ours",
        }
    }

    pub fn path(self) -> String {
        let program = match self {
            Tool::Official => official_program(),
            Tool::Ours => program(),
        };
        program.to_str().unwrap().to_owned()
    }
}

/// The kind of target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    Etcd,
    S3,
    DynamoDb,
}

impl Store {
    /// Those that the official tool is measured with.
    pub const BOTH: [Store; 2] = [Store::Etcd, Store::S3];

    pub fn name(self) -> &'static str {
        match self {
            Store::Etcd => "etcd",
            Store::S3 => "S3",
            Store::DynamoDb => "DynamoDB",
        }
    }
}

pub struct Bed {
    pub cluster: Cluster,
    pub etcd: Etcd,
    pub bucket: Bucket,
    table: OnceCell<Table>,
    pub folder: TempDir,
    prefixes: Cell<u32>,
}

impl Bed {
    pub fn new(partitions: usize) -> Bed {
        Bed {
            cluster: Cluster::large_with_roles(&["metadata-server", "admin"], partitions),
            etcd: Etcd::start(),
            bucket: seaweed().bucket(),
            table: OnceCell::new(),
            folder: TempDir::new().unwrap(),
            prefixes: Cell::new(0),
        }
    }

    /// Returns a prefix that no run has used.
    pub fn prefix(&self) -> String {
        self.prefixes.set(self.prefixes.get() + 1);
        format!("run-{}", self.prefixes.get())
    }

    /// Writes the TOML file of an empty target and returns its path.
    pub fn write_empty_target(&self, store: Store) -> String {
        let endpoint = self.bucket.s3.endpoint.clone();
        self.write_empty_target_at(store, &self.etcd.address(), &endpoint)
    }

    /// Writes the TOML file of an empty target that is reached at these addresses.
    pub fn write_empty_target_at(&self, store: Store, etcd: &str, s3: &str) -> String {
        let section = match store {
            Store::Etcd => {
                self.etcd.clear();
                etcd_section(&[etcd.to_owned()])
            }
            Store::S3 => self.bucket.section_at(s3, &self.prefix()),
            Store::DynamoDb => {
                let table = self.table.get_or_init(|| create_table_on(dynoxide()));
                table.section(&self.prefix())
            }
        };
        write_file(&self.folder, "target.toml", &section)
    }

    /// Migrates to this target and returns the cost. The time-out is long enough for the official tool.
    pub fn migrate(&self, tool: Tool, toml: &str) -> Cost {
        self.migrate_from(tool, &["-s", &self.cluster.address()], toml)
    }

    /// Migrates from the source that these options name.
    pub fn migrate_from(&self, tool: Tool, source: &[&str], toml: &str) -> Cost {
        run(tool, source, &["migrate", "--toml", toml])
    }
}

/// Runs a command of `metadata` after these options, and returns its cost.
pub fn run(tool: Tool, options: &[&str], command: &[&str]) -> Cost {
    let program = tool.path();
    let fixed = ["--request-timeout", "600000", "metadata"];
    measure(&[&[program.as_str()], options, &fixed, command].concat())
}
