//! The file beside a store that names the cluster of the node.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;
use serde_json::Value as Json;

/// The most bytes of the file; it has about 200.
const LARGEST_MARKER: u64 = 64 << 10;

/// A cluster by name and fingerprint; clusters of older servers have none.
pub(super) type ClusterName = (String, Option<u64>);

/// Reads the marker; `None` where there is none, as beside a copy of the store alone.
///
/// # Errors
/// Why it can't be read.
pub(super) fn read_marker(path: &Path) -> Result<Option<ClusterName>, String> {
    let bytes = match read_bounded(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("failed to read .cluster-marker: {error}")),
    };
    let marker = serde_json::from_slice::<Json>(&bytes).ok();
    let name = marker.as_ref().and_then(|marker| marker.get("cluster_name")?.as_str());
    let name = name.ok_or(".cluster-marker does not name a cluster")?;
    let fingerprint =
        marker.as_ref().and_then(|marker| marker.get("cluster_fingerprint")?.as_u64());
    Ok(Some((name.to_owned(), fingerprint)))
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let mut bytes = Vec::new();
    file.take(LARGEST_MARKER).read_to_end(&mut bytes)?;
    Ok(bytes)
}
