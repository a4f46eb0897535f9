//! The store of `--on`: an external one, of which `nodes_config` is read directly.

use std::ffi::OsStr;
use std::path::Path;

use crate::backends::Target;
use crate::blocking::run_detached;
use crate::codec;
use crate::commands::Context;
use crate::commands::input::{is_standard_input, name_input};
use crate::commands::open_store::{open_external, store_name};
use crate::commands::store_arg::{self, StoreArg};
use crate::config::{StoreConfig, StoreFile};
use crate::model::{Entry, Key};
use crate::outcome::{Code, Failure, StoreName};
use crate::pipeline::cluster_status::StoredNodes;

/// A store on which a cluster may run.
pub struct OnStore {
    file: Box<StoreFile>,
    opened: Option<Box<dyn Target>>,
}

impl OnStore {
    /// Reads the argument of `--on`, if it is there.
    ///
    /// # Errors
    /// As [`store_arg::load_store`]; [`Code::Usage`] for what no cluster runs on as an external store.
    pub async fn load_optional(
        argument: Option<&OsStr>,
        context: &Context<'_>,
    ) -> Result<Option<OnStore>, Failure> {
        let Some(argument) = argument else { return Ok(None) };
        let refuse = |what: &str| {
            let reason = format!("--on {}: {what}", name_input(argument));
            let hint = "name the TOML file of an etcd, an object store or DynamoDB";
            Err(Failure::new(Code::Usage, reason).hint(hint))
        };
        let path = Path::new(argument).to_owned();
        if !is_standard_input(argument)
            && run_detached(move || path.is_dir()).await.unwrap_or(false)
        {
            return refuse("no cluster runs on a folder");
        }
        let file = match store_arg::load_store(argument, context).await? {
            StoreArg::Config(file) => file,
            StoreArg::Backup(_) => return refuse("no cluster runs on a backup file"),
            StoreArg::Folders(_) => return refuse("no cluster runs on folders"),
        };
        if matches!(file.store, StoreConfig::Replicated(_)) {
            return refuse(&format!("it {}, which is the cluster itself", file.says_replicated()));
        }
        Ok(Some(OnStore { file, opened: None }))
    }

    /// Checks that the store can be opened as it is configured, before the cluster is asked, or waited for.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] and [`Code::Usage`].
    pub async fn check_configuration(&mut self, context: &Context<'_>) -> Result<(), Failure> {
        match self.open(context).await {
            Err(failure) if is_of_configuration(&failure) => Err(failure),
            _ => Ok(()),
        }
    }

    async fn open(&mut self, context: &Context<'_>) -> Result<&dyn Target, Failure> {
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => open_external(&self.file, context).await?,
        };
        Ok(&**self.opened.insert(opened))
    }

    /// Reads `nodes_config` of the store, or the reason why it can't be read.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`] for a store that can't be opened so.
    pub async fn read_nodes(
        &mut self,
        context: &Context<'_>,
    ) -> Result<(StoreName, Result<StoredNodes, String>), Failure> {
        let source = match self.open(context).await {
            Ok(source) => source,
            Err(failure) if is_of_configuration(&failure) => return Err(failure),
            Err(failure) => return Ok((self.unopened_name(), Err(failure.message))),
        };
        let read = source.read(&[Key::NodesConfig]).await.map_err(|error| error.to_string());
        let read = read.map(|entries| to_stored_nodes(entries.into_iter().flatten().next()));
        Ok((store_name(source), read))
    }

    /// Returns a name for the store while it can't be opened.
    fn unopened_name(&self) -> StoreName {
        let kind = match &self.file.store {
            StoreConfig::Replicated(_) => "replicated",
            StoreConfig::Etcd(_) => "etcd",
            StoreConfig::ObjectStore(_) => "object-store",
            StoreConfig::DynamoDb(_) => "dynamo-db",
        };
        let name = format!("the store of {}", self.file.file);
        StoreName { kind: kind.to_owned(), name, stopped: None }
    }
}

/// Returns whether the store can't be opened before its configuration is mended.
fn is_of_configuration(failure: &Failure) -> bool {
    matches!(failure.code, Code::ConfigInvalid | Code::Usage)
}

fn to_stored_nodes(entry: Option<Entry>) -> StoredNodes {
    let nodes = entry.as_ref().and_then(Entry::value).and_then(codec::nodes_in);
    StoredNodes { entry, nodes }
}
