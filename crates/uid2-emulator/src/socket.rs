//! A connection that can be made to fail.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Why a response does not go on.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cut off on purpose")
    }
}

impl std::error::Error for Cut {}

/// A body that may end before its end.
pub(crate) struct FaultyBody {
    whole_len: u64,
    next: Option<Bytes>,
    then: Then,
}

/// What comes after what is sent.
#[derive(Clone, Copy)]
enum Then {
    End,
    /// First a pause, in which what came before is sent, then the cut.
    PauseAndCut,
    Cut,
    Stall,
}

impl FaultyBody {
    pub(crate) fn whole(body: Bytes) -> Self {
        Self::new(body, usize::MAX, Then::End)
    }

    pub(crate) fn truncated(body: Bytes, bytes: usize) -> Self {
        Self::new(body, bytes, Then::PauseAndCut)
    }

    pub(crate) fn stalled(body: Bytes, bytes: usize) -> Self {
        Self::new(body, bytes, Then::Stall)
    }

    fn new(mut body: Bytes, bytes: usize, then: Then) -> Self {
        let whole_len = body.len() as u64;
        body.truncate(bytes);
        Self {
            whole_len,
            next: Some(body).filter(|body| !body.is_empty()),
            then,
        }
    }
}

impl Body for FaultyBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match (self.next.take(), self.then) {
            (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            (None, Then::End) => Poll::Ready(None),
            (None, Then::PauseAndCut) => {
                self.then = Then::Cut;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            (None, Then::Cut) => Poll::Ready(Some(Err(Cut))),
            // For good: only the end of the connection ends it.
            (None, Then::Stall) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!((&self.next, self.then), (None, Then::End))
    }

    /// What the whole would have: the caller is promised more than comes.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole_len)
    }
}

/// A TCP stream that is reset, rather than closed, if asked to.
pub(crate) struct Socket {
    stream: TcpStream,
    reset: Reset,
}

/// Asks a [`Socket`] to be reset when it is dropped.
#[derive(Clone, Default)]
pub(crate) struct Reset(Arc<AtomicBool>);

impl Reset {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> (Self, Reset) {
        let reset = Reset::default();
        let socket = Self {
            stream,
            reset: reset.clone(),
        };
        (socket, reset)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.0.load(Ordering::Relaxed) {
            // Without it the caller sees a close, which is nearly as bad.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
