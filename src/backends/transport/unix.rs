//! Connections to unix sockets, and the reasons why one can't be used.

use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use tokio::net::UnixStream;

use super::connect_error::protocol_error;

/// Connects to a socket; a failure that waiting would not help against is a `ConnectError`.
pub(super) async fn connect_socket(path: &Path) -> io::Result<UnixStream> {
    UnixStream::connect(path).await.map_err(|error| match error.kind() {
        ErrorKind::ConnectionRefused if !is_socket(path) => {
            protocol_error("it is not a socket; a node's is called fabric.sock, in its base-dir")
        }
        ErrorKind::ConnectionRefused => {
            io::Error::other("nothing listens on this socket: is the server running?")
        }
        ErrorKind::PermissionDenied => {
            protocol_error("this user may not use it: run as the user of the server")
        }
        ErrorKind::NotADirectory => protocol_error("no such socket"),
        ErrorKind::InvalidInput => protocol_error(
            "the path is longer than one of a socket may be (107 bytes on Linux); a relative one may \
             be shorter",
        ),
        _ => error,
    })
}

/// Returns whether the path is a socket; one that can't be inspected counts as one.
fn is_socket(path: &Path) -> bool {
    path.metadata().map_or(true, |metadata| metadata.file_type().is_socket())
}
