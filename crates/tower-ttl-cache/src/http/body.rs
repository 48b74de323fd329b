use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{
    fill::Fill,
    store::{MemoryStore, Store},
};

pin_project! {
    /// The body of a response that came through the cache: a stored one, or that of the inner
    /// service, which is collected for the store while it passes.
    ///
    /// Frames pass on as soon as they come. A body is stored when it has ended as it announced;
    /// one that is dropped before, fails, is too long or has trailers is not.
    pub struct CacheBody<B, St = MemoryStore> {
        #[pin]
        kind: Kind<B, St>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<B, St> {
        // Yields the stored bytes once.
        Stored { body: Option<Bytes> },
        // Polls the body of the inner service.
        Inner { #[pin] body: B, fill: Option<Box<Fill<St>>> },
    }
}

impl<B, St> CacheBody<B, St> {
    pub(crate) fn stored(body: Bytes) -> Self {
        let body = (!body.is_empty()).then_some(body);
        Self {
            kind: Kind::Stored { body },
        }
    }

    pub(crate) const fn passing(body: B) -> Self {
        Self {
            kind: Kind::Inner { body, fill: None },
        }
    }
}

impl<B: Body, St: Store> CacheBody<B, St> {
    pub(crate) fn collected(body: B, fill: Fill<St>) -> Self {
        if body.is_end_stream() {
            // Nobody has to poll it then.
            fill.finish();
            return Self::passing(body);
        }
        Self {
            kind: Kind::Inner {
                body,
                fill: Some(Box::new(fill)),
            },
        }
    }
}

impl<B: Body, St: Store> Body for CacheBody<B, St> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let (mut body, fill) = match self.project().kind.project() {
            KindProj::Stored { body } => {
                return Poll::Ready(body.take().map(|body| Ok(Frame::data(body))));
            }
            KindProj::Inner { body, fill } => (body, fill),
        };
        let polled = ready!(body.as_mut().poll_frame(cx));
        // Out of its place meanwhile: whatever ends early here stores nothing.
        let filling = fill.take();
        let Some(frame) = polled.transpose()? else {
            if let Some(fill) = filling {
                fill.finish();
            }
            return Poll::Ready(None);
        };
        // `Bytes` come out as they are; other buffers are copied.
        let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        if let (Some(filling), Some(data)) = (filling, frame.data_ref()) {
            *fill = filling.push(data);
        }
        // Whoever asks `is_end_stream` will not poll for the end.
        if body.is_end_stream()
            && let Some(fill) = fill.take()
        {
            fill.finish();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Stored { body } => body.is_none(),
            Kind::Inner { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Stored { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64)
            }
            Kind::Inner { body, .. } => body.size_hint(),
        }
    }
}

// Bodies may hold secrets.
impl<B, St> fmt::Debug for CacheBody<B, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CacheBody");
        match &self.kind {
            Kind::Stored { body } => debug.field("stored", &body.as_ref().map_or(0, Bytes::len)),
            Kind::Inner { fill, .. } => debug.field("fill", fill),
        };
        debug.finish_non_exhaustive()
    }
}
