//! A file that gets its name only once its content is complete and on the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, IntoInnerError, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::place::folder_of;
use crate::shell::quote_word;

/// What is done with a file that has the name already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and the new one is not stored.
    Keep,
    /// The new one takes its name.
    Replace,
}

/// A file under a temporary name in the folder where it is to be; readable by its owner only. It is
/// removed where it is dropped without its name.
#[derive(Debug)]
pub struct PendingFile {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl PendingFile {
    /// Creates the file beside `path`, the name that it is to have. Links are not followed.
    ///
    /// # Errors
    /// Where the folder is absent, can't be written, or is on a full disk.
    pub fn create(path: &Path) -> io::Result<PendingFile> {
        // A file of `tempfile` would bring its own path into each error.
        let open =
            |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(".restatectl-").suffix(".partial");
        let temporary = builder.make_in(folder_of(path), open)?;
        Ok(PendingFile { temporary, path: path.to_owned() })
    }

    /// Takes the space of so many bytes, so that content of that size finds room later.
    ///
    /// Zeros are written, since not every file system can reserve blocks without.
    ///
    /// # Errors
    /// Where the disk is full, and any other failure to write.
    pub fn take_space(&mut self, bytes: u64) -> io::Result<()> {
        let file = self.temporary.as_file_mut();
        io::copy(&mut io::repeat(0).take(bytes), file)?;
        file.sync_all()
    }

    /// Writes the content, over the space that was taken, and gives the file its name. Returns a warning
    /// where the file is there, but may be gone after a loss of power.
    ///
    /// # Errors
    /// [`io::ErrorKind::AlreadyExists`] if the name is taken and `existing` is kept; any failure to write.
    /// The temporary file is then removed.
    pub fn store(self, content: &[u8], existing: Existing) -> io::Result<Option<String>> {
        self.store_stream(existing, |file| file.write_all(content)).map(|((), warning)| warning)
    }

    /// Stores what `write` writes, as [`PendingFile::store`] does: large content is never in memory as a whole. Returns
    /// also what `write` returns.
    ///
    /// # Errors
    /// As [`PendingFile::store`].
    pub fn store_stream<T>(
        mut self,
        existing: Existing,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<(T, Option<String>)> {
        let file = self.temporary.as_file_mut();
        file.rewind()?;
        let mut buffered = BufWriter::with_capacity(64 << 10, &mut *file);
        let returned = write(&mut buffered)?;
        buffered.into_inner().map_err(IntoInnerError::into_error)?;
        let length = file.stream_position()?;
        file.set_len(length)?;
        file.sync_all()?;
        match existing {
            Existing::Replace => {
                self.temporary.persist(&self.path).map_err(|failed| failed.error)?;
            }
            Existing::Keep => name_without_replacing(self.temporary, &self.path)?,
        }
        Ok((returned, sync_folder(&self.path).err()))
    }
}

/// Stores a whole file at once, as [`PendingFile::store`] does.
///
/// # Errors
/// As [`PendingFile::create`] and [`PendingFile::store`].
pub fn store_file(path: &Path, content: &[u8], existing: Existing) -> io::Result<Option<String>> {
    PendingFile::create(path)?.store(content, existing)
}

/// Gives the file its name if nothing has it.
fn name_without_replacing(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    match temporary.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Err(failed.error),
        Err(failed) => rename_if_absent(failed.file, path),
    }
}

/// Renames where the file system has neither hard links nor a rename that refuses to replace, such as
/// some network and FUSE file systems.
///
/// What remains is the moment between the look and the rename, in which another program could create a
/// file of the same name, which would be replaced. To create the name first would leave an empty file
/// after a crash.
fn rename_if_absent(temporary: NamedTempFile, path: &Path) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    temporary.persist(path).map(drop).map_err(|failed| failed.error)
}

/// Makes the new name durable.
///
/// # Errors
/// A warning: a folder may be closed to readers (mode 0300), or be on a file system that can't sync
/// folders (CIFS answers EINVAL). The file has its name all the same.
fn sync_folder(path: &Path) -> Result<(), String> {
    let folder = folder_of(path);
    File::open(folder).and_then(|opened| opened.sync_all()).map_err(|error| {
        format!(
            "{} is written, but its folder could not be synced ({error}): after a loss of power, the file \
             may be missing",
            quote_word(path)
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn stored_file_is_private_and_replaces_only_when_asked() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("file");
        let mut pending = PendingFile::create(&path).unwrap();
        pending.take_space(200_000).unwrap();
        assert!(!path.exists());
        assert_eq!(pending.store(b"first", Existing::Keep).unwrap(), None);
        let refused = store_file(&path, b"second", Existing::Keep).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        store_file(&path, b"third", Existing::Replace).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"third");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        drop(PendingFile::create(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(PendingFile::create(&folder.path().join("absent/file")).is_err());
    }

    #[test]
    fn file_is_renamed_without_replacing_where_links_are_not_supported() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("file");
        let pending = || PendingFile::create(&path).unwrap().temporary;
        rename_if_absent(pending(), &path).unwrap();
        assert!(path.exists());
        let refused = rename_if_absent(pending(), &path).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
