use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::Failure;

/// A body that yields the frames it was made of, and is strict about what it says of itself.
///
/// `size_hint` is exact unless [`without_size`](Self::without_size) was called; `is_end_stream` is
/// `true` exactly when no frame is left, and for a body without size not before the end was
/// polled. [`Default`] is the empty body.
#[derive(Debug, Clone, Default)]
pub struct ProbeBody {
    steps: VecDeque<Step>,
    without_size: bool,
    ended: bool,
}

#[derive(Debug, Clone)]
enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    Pending,
    Fails,
}

impl ProbeBody {
    /// The empty body.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a frame of data.
    #[must_use]
    pub fn data(self, data: impl Into<Bytes>) -> Self {
        self.then(Step::Data(data.into()))
    }

    /// Appends trailers.
    #[must_use]
    pub fn trailers(self, trailers: HeaderMap) -> Self {
        self.then(Step::Trailers(trailers))
    }

    /// Appends a pause: `Pending` once, with the waker woken at once.
    #[must_use]
    pub fn pending(self) -> Self {
        self.then(Step::Pending)
    }

    /// Appends an error, which ends the body.
    #[must_use]
    pub fn fails(self) -> Self {
        self.then(Step::Fails)
    }

    /// Says nothing of its size and its end in advance, as a body in chunks does.
    #[must_use]
    pub fn without_size(mut self) -> Self {
        self.without_size = true;
        self
    }

    /// The data that is left, in one piece; for a layer that needs it in advance, to sign it.
    #[must_use]
    pub fn remaining_data(&self) -> Bytes {
        let mut all = BytesMut::new();
        for step in &self.steps {
            match step {
                Step::Data(data) => all.extend_from_slice(data),
                Step::Trailers(_) | Step::Pending => {}
                Step::Fails => break,
            }
        }
        all.freeze()
    }

    pub(crate) fn remaining_trailers(&self) -> Option<&HeaderMap> {
        self.steps.iter().find_map(|step| match step {
            Step::Trailers(trailers) => Some(trailers),
            _ => None,
        })
    }

    pub(crate) fn is_failing(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Fails))
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }
}

impl Body for ProbeBody {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        match self.steps.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Trailers(trailers)) => Poll::Ready(Some(Ok(Frame::trailers(trailers)))),
            Some(Step::Pending) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Step::Fails) => {
                self.steps.clear();
                Poll::Ready(Some(Err(Failure)))
            }
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && (self.ended || !self.without_size)
    }

    fn size_hint(&self) -> SizeHint {
        if self.without_size && !self.ended {
            return SizeHint::new();
        }
        SizeHint::with_exact(self.remaining_data().len() as u64)
    }
}
