use std::{
    collections::VecDeque,
    convert::Infallible,
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

/// A body whose signature was right: the frames that came, as they came, and the trailers.
///
/// Knows its exact size and cannot fail. A clone shares the bytes.
#[derive(Clone, Default)]
pub struct VerifiedBody {
    // Most webhooks come in one frame; it needs no list.
    first: Option<Bytes>,
    rest: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    /// Sum over `first` and `rest`.
    len: u64,
}

impl VerifiedBody {
    /// Only before the first frame is taken out again.
    pub(crate) fn push_data(&mut self, data: Bytes) {
        self.len = self.len.saturating_add(data.len() as u64);
        if self.first.is_none() {
            self.first = Some(data);
        } else {
            self.rest.push_back(data);
        }
    }

    pub(crate) fn set_trailers(&mut self, trailers: HeaderMap) {
        self.trailers = Some(trailers);
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The number of data frames.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn frames(&self) -> impl Iterator<Item = &Bytes> {
        self.first.iter().chain(&self.rest)
    }

    /// Reads the bytes where they are.
    pub(crate) fn reader(&self) -> impl io::Read {
        Reader {
            frames: self.frames(),
            current: &[],
        }
    }

    /// In one piece: copied unless it came so.
    pub(crate) fn contiguous(&self) -> Bytes {
        match &self.first {
            Some(only) if self.rest.is_empty() => only.clone(),
            _ => self.frames().flatten().copied().collect(),
        }
    }
}

impl Body for VerifiedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let frame = match self.first.take().or_else(|| self.rest.pop_front()) {
            Some(data) => {
                self.len = self.len.saturating_sub(data.len() as u64);
                Some(Frame::data(data))
            }
            None => self.trailers.take().map(Frame::trailers),
        };
        Poll::Ready(frame.map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.count() == 0 && self.trailers.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len)
    }
}

impl fmt::Debug for VerifiedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedBody")
            .field("len", &self.len)
            .field("frames", &self.count())
            .field("trailers", &self.trailers.is_some())
            .finish()
    }
}

struct Reader<'a, I> {
    frames: I,
    current: &'a [u8],
}

impl<'a, I: Iterator<Item = &'a Bytes>> io::Read for Reader<'a, I> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.frames.next() {
                Some(frame) => self.current = frame,
                None => return Ok(0),
            }
        }
        self.current.read(into)
    }
}
