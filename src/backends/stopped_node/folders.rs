//! The folders that an argument means: the base directory of a node, the folder in it that bears the node's name, or the
//! folder of the store itself; several of them by comma.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::shell::quote_word;

/// The folder of the store in that of a node.
const STORE: &str = "replicated-metadata-server";

/// The most folders that are read. A cluster has seldom more than seven metadata servers.
const MOST_FOLDERS: usize = 100;

/// The most entries of a base directory that are looked at.
const MOST_ENTRIES: usize = 10_000;

/// The folder of one node's store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoreFolder {
    pub(super) path: PathBuf,
}

impl StoreFolder {
    /// Returns the name of the store in messages.
    pub(super) fn describe(&self) -> String {
        format!("stopped node at {}", quote_word(&self.path))
    }

    /// Returns the path of the file that names the cluster: it lies beside the store.
    pub(super) fn cluster_marker(&self) -> Option<PathBuf> {
        let absolute = self.path.canonicalize().ok()?;
        absolute.parent().map(|parent| parent.join(".cluster-marker"))
    }
}

/// Finds the folders that an argument means; `None` if it means no folder.
///
/// # Errors
/// Why a folder that it means holds no store, or can't be looked into.
pub(super) fn find_folders(argument: &OsStr) -> Result<Option<Vec<StoreFolder>>, String> {
    let whole = Path::new(argument);
    let parts: Vec<&Path> = match whole.symlink_metadata() {
        Ok(_) => vec![whole],
        Err(_) => {
            let parts = argument.as_bytes().split(|byte| *byte == b',');
            parts.map(|part| Path::new(OsStr::from_bytes(part))).collect()
        }
    };
    // A file, or a name that is not there, is for others to read or to complain about.
    if !parts.iter().any(|part| part.is_dir()) || parts.len() == 1 && !whole.is_dir() {
        return Ok(None);
    }
    let mut found = Vec::new();
    for part in parts {
        found.extend(find_in(part)?);
        if found.len() > MOST_FOLDERS {
            return Err(format!("more than {MOST_FOLDERS} folders are not read"));
        }
    }
    Ok(Some(found))
}

/// Finds the stores that one folder means.
fn find_in(folder: &Path) -> Result<Vec<StoreFolder>, String> {
    let failed = |error: io::Error| format!("failed to look into {}: {error}", quote_word(folder));
    if !fs::metadata(folder).map_err(failed)?.is_dir() {
        return Err(format!("{} is not a folder", quote_word(folder)));
    }
    if is_there(&folder.join("CURRENT")).map_err(failed)? {
        return Ok(vec![StoreFolder { path: folder.to_owned() }]);
    }
    let own = folder.join(STORE);
    if is_there(&own).map_err(failed)? {
        return Ok(vec![check_inside(folder, own)?]);
    }
    let mut found = Vec::new();
    for (count, entry) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        if count >= MOST_ENTRIES {
            return Err(format!("{} has more than {MOST_ENTRIES} entries", quote_word(folder)));
        }
        let store = entry.map_err(failed)?.path().join(STORE);
        // A folder that is passed over may be that of a node, which runs.
        let failed = |error| format!("failed to look into {}: {error}", quote_word(&store));
        if is_there(&store).map_err(failed)? {
            found.push(check_inside(folder, store)?);
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    match found.is_empty() {
        false => Ok(found),
        true => Err(format!(
            "{} holds no store of a metadata server: neither CURRENT, nor {STORE}, nor a folder with {STORE} in it",
            quote_word(folder)
        )),
    }
}

fn is_there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

/// Refuses a store that a link leads to, out of the folder that was named.
fn check_inside(folder: &Path, store: PathBuf) -> Result<StoreFolder, String> {
    let failed = |error: io::Error| format!("failed to look into {}: {error}", quote_word(&store));
    let (outer, inner) =
        (folder.canonicalize().map_err(failed)?, store.canonicalize().map_err(failed)?);
    match inner.starts_with(&outer) {
        true => Ok(StoreFolder { path: store }),
        false => Err(format!(
            "{} is a link out of {}: name the folder that it leads to",
            quote_word(&store),
            quote_word(folder)
        )),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn node(base: &Path, name: &str) -> PathBuf {
        let store = base.join(name).join(STORE);
        fs::create_dir_all(&store).unwrap();
        fs::write(store.join("CURRENT"), "MANIFEST-000005\n").unwrap();
        store
    }

    fn found(argument: impl AsRef<OsStr>) -> Vec<PathBuf> {
        let folders = find_folders(argument.as_ref()).unwrap().unwrap();
        folders.into_iter().map(|folder| folder.path).collect()
    }

    #[test]
    fn store_is_found_from_each_folder_that_leads_to_it() {
        let base = TempDir::new().unwrap();
        let base = base.path();
        let (one, two) = (node(base, "n1"), node(base, "n2,x"));
        let only = |path: &PathBuf| vec![path.clone()];
        assert_eq!(found(&one), only(&one));
        assert_eq!(found(base.join("n1")), only(&one));
        assert_eq!(found(base), [one.clone(), two.clone()]);
        // What exists is not split.
        assert_eq!(found(base.join("n2,x")), only(&two));
        let several = format!("{},{}", base.join("n1").display(), one.display());
        assert_eq!(found(several), [one.clone(), one]);
    }

    #[test]
    fn other_names_are_no_folders() {
        let base = TempDir::new().unwrap();
        let file = base.path().join("etcd.toml");
        fs::write(&file, "").unwrap();
        for argument in [
            file.as_os_str(),
            OsStr::new("absent"),
            OsStr::new("a,b"),
            OsStr::new("-"),
            OsStr::new(""),
        ] {
            assert_eq!(find_folders(argument).unwrap(), None, "{argument:?}");
        }
        assert!(find_folders(base.path().as_os_str()).unwrap_err().contains("holds no store"));
        let absent = format!("{},absent", base.path().display());
        assert!(find_folders(OsStr::new(&absent)).is_err());
    }

    #[test]
    fn base_directory_that_is_not_seen_as_a_whole_is_refused() {
        let base = TempDir::new().unwrap();
        node(base.path(), "n1");
        // A link to itself stands for a folder without permission, which root would have all the same.
        let link = base.path().join("n2");
        std::os::unix::fs::symlink(&link, &link).unwrap();
        let error = find_folders(base.path().as_os_str()).unwrap_err();
        assert!(error.contains("failed to look into") && error.contains("n2"), "{error}");
        fs::remove_file(&link).unwrap();
        for number in 0..MOST_ENTRIES {
            fs::write(base.path().join(number.to_string()), "").unwrap();
        }
        let error = find_folders(base.path().as_os_str()).unwrap_err();
        assert!(error.contains("has more than 10000 entries"), "{error}");
    }

    #[test]
    fn link_out_of_the_folder_is_refused() {
        let (base, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let store = node(other.path(), "n1");
        let own = base.path().join("n1");
        fs::create_dir(&own).unwrap();
        std::os::unix::fs::symlink(&store, own.join(STORE)).unwrap();
        assert!(find_folders(own.as_os_str()).unwrap_err().contains("is a link out of"));
        assert!(find_folders(base.path().as_os_str()).unwrap_err().contains("is a link out of"));
    }
}
