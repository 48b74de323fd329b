//! Closing a connection without losing its last answer.
//!
//! A socket closed with bytes unread is reset, and the reset may overtake the answer: who sends a
//! body that is refused before its end would see a broken connection instead of the refusal.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// How long a caller who is still sending is listened to after the last answer.
const LINGER: Duration = Duration::from_secs(5);

/// Whether the latest request of a connection has a body whose end nobody has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

impl Unread {
    /// The body of the next request of the connection.
    pub(crate) fn watch(&self, body: Incoming) -> Watched {
        self.0.store(!body.is_end_stream(), Ordering::Relaxed);
        Watched {
            body,
            unread: self.clone(),
        }
    }
}

/// A body that tells its [`Unread`] when it has come to its end.
#[derive(Debug)]
pub(crate) struct Watched {
    body: Incoming,
    unread: Unread,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || self.body.is_end_stream() {
            self.unread.0.store(false, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that at its end reads and throws away what is still coming, until that ends or
/// [`LINGER`] is over. Where nothing is, closing takes no time.
#[derive(Debug)]
pub(crate) struct Lingering<S> {
    stream: S,
    unread: Unread,
    half_closed: bool,
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Lingering<S> {
    pub(crate) const fn new(stream: S, unread: Unread) -> Self {
        Self {
            stream,
            unread,
            half_closed: false,
            until: None,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self {
            stream,
            unread,
            half_closed,
            until,
        } = &mut *self;
        if !*half_closed {
            ready!(Pin::new(&mut *stream).poll_shutdown(cx))?;
            *half_closed = true;
            if unread.0.load(Ordering::Relaxed) {
                *until = Some(Box::pin(sleep(LINGER)));
            }
        }
        let mut thrown_away = [0; 16 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut thrown_away);
            let read = Pin::new(&mut *stream).poll_read(cx, &mut buffer);
            match (read, &mut *until) {
                (Poll::Ready(Ok(())), _) if !buffer.filled().is_empty() => {
                    // Without a request (a head that was refused), bytes alone tell of more.
                    let until = until.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                    // Also looked at while there is always more to read.
                    if until.as_mut().poll(cx).is_ready() {
                        return Poll::Ready(Ok(()));
                    }
                }
                (Poll::Pending, Some(until)) => return until.as_mut().poll(cx).map(Ok),
                // The caller has ended too, or has nothing to send.
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}
