use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{Verdict, pass::Pass};

pin_project! {
    /// Body of a response whose head was a success: whether the call was one shows at its end.
    ///
    /// Dropped before its end it was: the service has done its part so far, and a caller that
    /// reads no further must not keep a circuit from closing.
    pub struct ResponseBody<B, C> {
        #[pin]
        inner: B,
        call: Option<Call<C>>,
    }
}

impl<B: Body, C> ResponseBody<B, C> {
    pub(super) fn new(inner: B, pass: Option<Pass<C>>) -> Self {
        let mut call = pass.map(Call);
        if inner.is_end_stream() {
            call = None;
        }
        Self { inner, call }
    }
}

impl<B: Body, C> Body for ResponseBody<B, C> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = match this.call {
            Some(Call(pass)) => ready!(pass.watch(|| this.inner.as_mut().poll_frame(cx))),
            None => ready!(this.inner.as_mut().poll_frame(cx)),
        };
        match &frame {
            Some(Err(_)) => {
                if let Some(Call(pass)) = this.call {
                    pass.settle(Verdict::Failure, None);
                }
            }
            // Whoever knows the end from here may not ask again.
            Some(Ok(_)) if this.inner.is_end_stream() => *this.call = None,
            Some(Ok(_)) => {}
            None => *this.call = None,
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

// By hand: a closure has no `Debug`.
impl<B: fmt::Debug, C> fmt::Debug for ResponseBody<B, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

/// A call that is a success unless its body says otherwise.
struct Call<C>(Pass<C>);

impl<C> Drop for Call<C> {
    fn drop(&mut self) {
        self.0.settle(Verdict::Success, None);
    }
}
