//! A connection without TLS that detects a server that expects it: such a server answers with an
//! alert, and hangs up while the request is still being sent. If it hangs up without one, that is remembered, so
//! that the next connection can find out why.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connect_error;
use super::quick_ack::QuickAck;

pub(super) struct TlsDetectingStream {
    stream: QuickAck,
    peer: DetectedPeer,
    /// Set to `true` once the server hangs up before it has sent anything.
    hung_up: Arc<AtomicBool>,
}

/// The kind of server that the first bytes reveal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum DetectedPeer {
    Unheard,
    SpeaksTls,
    HungUp,
    Fine,
}

impl DetectedPeer {
    /// Returns the error of a wrong peer, again and again: whoever uses the connection may miss it
    /// the first time.
    fn error(self) -> Option<io::Error> {
        match self {
            DetectedPeer::SpeaksTls => Some(connect_error::speaks_tls()),
            DetectedPeer::HungUp => Some(connect_error::hung_up(false)),
            DetectedPeer::Unheard | DetectedPeer::Fine => None,
        }
    }
}

impl TlsDetectingStream {
    pub(super) fn new(stream: QuickAck, hung_up: Arc<AtomicBool>) -> Self {
        TlsDetectingStream { stream, peer: DetectedPeer::Unheard, hung_up }
    }

    fn set_peer(&mut self, peer: DetectedPeer) {
        self.peer = peer;
        if peer == DetectedPeer::HungUp {
            self.hung_up.store(true, Ordering::Relaxed);
        }
    }

    /// Replaces a failed write by what the server sent before it hung up.
    fn reason(&mut self, cx: &mut Context<'_>, error: io::Error) -> io::Error {
        if self.peer == DetectedPeer::Unheard {
            let mut bytes = [0; 2];
            let mut buf = ReadBuf::new(&mut bytes);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) => {
                    let peer = detect_peer(buf.filled());
                    self.set_peer(peer);
                }
                _ => self.hung_up.store(true, Ordering::Relaxed),
            }
        }
        self.peer.error().unwrap_or(error)
    }
}

/// Detects the peer by its first bytes; an alert of TLS begins with its record type and the major
/// version.
fn detect_peer(bytes: &[u8]) -> DetectedPeer {
    match bytes {
        [] => DetectedPeer::HungUp,
        [21, 3, ..] => DetectedPeer::SpeaksTls,
        _ => DetectedPeer::Fine,
    }
}

impl AsyncRead for TlsDetectingStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(error) = self.peer.error() {
            return Poll::Ready(Err(error));
        }
        let (before, has_room) = (buf.filled().len(), buf.remaining() > 0);
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.peer != DetectedPeer::Unheard || !has_room {
            return polled;
        }
        match polled {
            Poll::Ready(Ok(())) => {
                let peer = detect_peer(buf.filled().get(before..).unwrap_or_default());
                self.set_peer(peer);
                self.peer.error().map_or(Poll::Ready(Ok(())), |error| Poll::Ready(Err(error)))
            }
            Poll::Ready(Err(error)) => {
                self.hung_up.store(true, Ordering::Relaxed);
                Poll::Ready(Err(error))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncWrite for TlsDetectingStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        polled.map_err(|error| self.reason(cx, error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        polled.map_err(|error| self.reason(cx, error))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
