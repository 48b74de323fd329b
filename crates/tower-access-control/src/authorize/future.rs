use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use pin_project_lite::pin_project;

use crate::{Rejection, refusal::refusal};

pin_project! {
    /// The future of [`Authorize`](crate::Authorize).
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct AuthorizeFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
        // Polls the inner service's response.
        Calling { #[pin] response: F },
        // Empty once it was told.
        Refused { rejection: Option<Rejection> },
    }
}

impl<F> AuthorizeFuture<F> {
    pub(super) const fn call(response: F) -> Self {
        Self {
            state: State::Calling { response },
        }
    }

    pub(super) const fn refuse(rejection: Rejection) -> Self {
        Self {
            state: State::Refused {
                rejection: Some(rejection),
            },
        }
    }
}

impl<F, E, ResB> Future for AuthorizeFuture<F>
where
    F: Future<Output = Result<Response<ResB>, E>>,
    ResB: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().state.project() {
            StateProj::Calling { response } => response.poll(cx),
            StateProj::Refused { rejection } => match rejection.take() {
                Some(rejection) => Poll::Ready(Ok(refusal(rejection, None))),
                None => panic!("`AuthorizeFuture` polled after completion"),
            },
        }
    }
}

impl<F> fmt::Debug for AuthorizeFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizeFuture").finish_non_exhaustive()
    }
}
