use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{InFlight, Release};

/// A request is in flight until the body of its response has ended or is dropped: what an endpoint
/// streams is work, too.
#[derive(Debug, Clone, Copy, Default)]
pub struct AtBodyEnd;

impl<B: Body> Release<Response<B>> for AtBodyEnd {
    type Response = Response<ResponseBody<B>>;

    fn release(&self, response: Response<B>, in_flight: InFlight) -> Self::Response {
        response.map(|inner| {
            let in_flight = (!inner.is_end_stream()).then_some(in_flight);
            ResponseBody { inner, in_flight }
        })
    }
}

pin_project! {
    /// A body whose request is in flight until it ends.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        inner: B,
        in_flight: Option<InFlight>,
    }
}

impl<B: Body> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        // Who knows from this frame that it was the last does not ask for another.
        if !matches!(frame, Some(Ok(_))) || this.inner.is_end_stream() {
            *this.in_flight = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
