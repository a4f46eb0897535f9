//! What a path leads to, with symbolic links followed, before anything is created or replaced there.

use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// The most links that are followed, as on Linux.
const MOST_LINKS: usize = 40;

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// No file yet. A file that gets this name is found by the path, also where a link leads here.
    Absent(PathBuf),
    /// A regular file, which has this name.
    Regular(PathBuf),
    /// An open file of this process, by its number, such as `/dev/stdout` or `/dev/fd/3`.
    OwnStream(u32),
    /// A FIFO or a character device: bytes that are written go to whoever reads them.
    Pipe(&'static str),
    /// Something that takes no file's content, such as a folder.
    Other(&'static str),
}

impl Place {
    /// Returns what it is, in words, for a place that is not a name for a regular file.
    pub fn describe_special(&self) -> Option<&'static str> {
        match self {
            Place::Absent(_) | Place::Regular(_) => None,
            Place::OwnStream(_) => Some("a stream of this program"),
            Place::Pipe(kind) | Place::Other(kind) => Some(kind),
        }
    }
}

/// Finds what the path leads to.
///
/// Links are followed by hand, since a link to a name that does not exist yet is good for creating the
/// file there, and since links below `/proc` lead to open files, whatever name they show.
///
/// # Errors
/// Where the path can't be examined, and for links that lead in a circle.
pub fn find_place(path: &Path) -> io::Result<Place> {
    if path.as_os_str().is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "the name is empty"));
    }
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") && !path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "the name ends with a slash"));
    }
    let mut place = path.to_owned();
    for _ in 0..=MOST_LINKS {
        let metadata = match place.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Place::Absent(place));
            }
            metadata => metadata?,
        };
        if !metadata.is_symlink() {
            return Ok(describe_type(metadata.file_type(), place));
        }
        if let Some(number) = find_own_stream(&place) {
            return Ok(Place::OwnStream(number));
        }
        let target = place.read_link()?;
        place = folder_of(&place).join(target);
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Returns the folder that holds the name.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Returns the number of the open file that the link is, if it is one of this process.
fn find_own_stream(link: &Path) -> Option<u32> {
    let own = Path::new("/proc").join(std::process::id().to_string());
    let folder = folder_of(link).canonicalize().ok()?;
    let is_own = folder.starts_with(own) && folder.ends_with("fd");
    if is_own { link.file_name()?.to_str()?.parse().ok() } else { None }
}

fn describe_type(kind: FileType, place: PathBuf) -> Place {
    match kind {
        kind if kind.is_file() => Place::Regular(place),
        kind if kind.is_fifo() => Place::Pipe("a FIFO"),
        kind if kind.is_char_device() => Place::Pipe("a character device"),
        kind if kind.is_dir() => Place::Other("a directory"),
        kind if kind.is_socket() => Place::Other("a socket"),
        kind if kind.is_block_device() => Place::Other("a block device"),
        _ => Place::Other("not a regular file"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_what_is_there_or_will_be() {
        let folder = tempfile::TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/file"), "x").unwrap();
        symlink("sub/file", at("to-file")).unwrap();
        symlink("sub/later", at("to-later")).unwrap();
        symlink(at("to-later"), at("twice")).unwrap();
        symlink("circle", at("circle")).unwrap();
        symlink("/dev/stdout", at("to-stdout")).unwrap();
        let found = |name: &str| find_place(&at(name)).unwrap();
        assert_eq!(found("to-file"), Place::Regular(at("sub/file")));
        assert_eq!(found("absent"), Place::Absent(at("absent")));
        assert_eq!(found("twice"), Place::Absent(at("sub/later")));
        assert_eq!(found("to-stdout"), Place::OwnStream(1));
        assert_eq!(found("sub"), Place::Other("a directory"));
        assert_eq!(find_place(Path::new("/dev/stderr")).unwrap(), Place::OwnStream(2));
        assert_eq!(find_place(Path::new("/dev/null")).unwrap(), Place::Pipe("a character device"));
        assert!(find_place(&at("circle")).is_err());
        assert!(find_place(Path::new("")).is_err());
        assert!(find_place(&at("later/")).is_err());
        assert_eq!(find_place(&at("sub/")).unwrap(), Place::Other("a directory"));
    }
}
