//! Whether a process holds a store open. A server has a write lock on the file `LOCK` as long as it runs.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{OFlags, fstatfs};
use rustix::process::{Flock, FlockType, fcntl_getlk};

/// The answer of the system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LockState {
    /// No process has the lock.
    Free,
    /// A process has it; its id, where it is one that this process could see.
    Held(Option<i32>),
    /// The system does not say it.
    Unknown(String),
}

/// File systems that may be shared with other hosts, by the numbers that Linux has for them: NFS, CIFS, SMB2, FUSE, 9P, Ceph, AFS,
/// GFS2, OCFS2, Lustre.
const SHARED: [i64; 10] = [
    0x6969,
    0xff53_4d42,
    0xfe53_4d42,
    0x6573_5546,
    0x0102_1997,
    0x00c3_6400,
    0x5346_414f,
    0x0116_1970,
    0x7461_636f,
    0x0bd0_0bd0,
];

/// Asks who holds the lock of a store, without taking it.
pub(super) fn query_lock(store: &Path) -> LockState {
    match query(&store.join("LOCK")) {
        Ok(state) => state,
        // Every server makes the file, and a running one is seen by it alone. A copy may be without it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            LockState::Unknown("the folder has no file LOCK".to_owned())
        }
        Err(error) => LockState::Unknown(error.to_string()),
    }
}

fn query(path: &Path) -> io::Result<LockState> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("LOCK is not a regular file"));
    }
    if let Some(lock) = fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))? {
        // Another pid namespace, or another host, gives none or a negative one.
        let pid = lock.pid.map(|pid| pid.as_raw_nonzero().get());
        return Ok(LockState::Held(pid.filter(|pid| *pid > 0)));
    }
    let kind = fstatfs(&file)?.f_type;
    #[allow(clippy::useless_conversion, reason = "its type differs between systems")]
    let is_shared = i64::try_from(kind).is_ok_and(|kind| SHARED.contains(&kind));
    match is_shared {
        true => {
            let reason = "its file system may be shared with hosts whose locks are not seen here";
            Ok(LockState::Unknown(reason.to_owned()))
        }
        false => Ok(LockState::Free),
    }
}
