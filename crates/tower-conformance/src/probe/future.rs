use std::{
    fmt,
    future::Future,
    marker::PhantomPinned,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{
    Answer, Failure,
    shared::{InFlight, Permit, panic_as_told},
};

pin_project! {
    /// The future of a [`Probe`](crate::Probe).
    ///
    /// # Panics
    ///
    /// When polled after it has finished.
    pub struct ResponseFuture<Res> {
        in_flight: InFlight,
        permit: Permit,
        // What this call alone was told; `None` follows `Control::set_answer`.
        own: Option<Answer>,
        finished: bool,
        respond: Arc<dyn Fn() -> Res + Send + Sync>,
        // A layer must not ask for `Unpin`, so the probe does not offer it.
        #[pin]
        pinned: PhantomPinned,
    }
}

impl<Res> ResponseFuture<Res> {
    pub(super) fn new(
        in_flight: InFlight,
        permit: Permit,
        own: Option<Answer>,
        respond: Arc<dyn Fn() -> Res + Send + Sync>,
    ) -> Self {
        Self {
            in_flight,
            permit,
            own: own.filter(|answer| *answer != Answer::Held),
            finished: false,
            respond,
            pinned: PhantomPinned,
        }
    }
}

impl<Res> Future for ResponseFuture<Res> {
    type Output = Result<Res, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        assert!(
            !*this.finished,
            "the probe's future was polled after it had finished"
        );
        let InFlight { shared, id } = this.in_flight;
        match this
            .own
            .unwrap_or_else(|| shared.poll_answer(*id, cx.waker()))
        {
            Answer::Held => Poll::Pending,
            // Too late to panic in `call`: a future held at that time panics here.
            Answer::PanicsInCall | Answer::PanicsInPoll => panic_as_told(),
            Answer::AtOnce => {
                *this.finished = true;
                Poll::Ready(Ok((this.respond)()))
            }
            Answer::Fails => {
                *this.finished = true;
                Poll::Ready(Err(Failure))
            }
        }
    }
}

impl<Res> fmt::Debug for ResponseFuture<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("own", &self.own)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
