use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Admission, Denied, Refusal, Refuse, statistics::Counts};

pin_project! {
    /// The future of a [`RateLimit`](crate::RateLimit) that refuses.
    pub struct ResponseFuture<S, Req, R, A>
    where
        S: Service<Req>,
        R: Refuse<S::Response, S::Error>,
    {
        #[pin]
        state: State<S, Req, R, A, S::Future, Result<S::Response, R::Error>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, R, A, F, T> {
        // Polls the store's decision; holds the inner service that was ready at the call.
        Deciding { admit: A, call: Option<(S, Req)>, refuse: R, counts: Counts },
        // Polls the inner service's future.
        Calling { #[pin] future: F },
        // Decided without the inner service; empty once that was told.
        Done { outcome: Option<T> },
    }
}

impl<S, Req, R, A> ResponseFuture<S, Req, R, A>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error>,
{
    pub(crate) const fn calling(future: S::Future) -> Self {
        Self {
            state: State::Calling { future },
        }
    }

    pub(crate) const fn done(outcome: Result<S::Response, R::Error>) -> Self {
        Self {
            state: State::Done {
                outcome: Some(outcome),
            },
        }
    }

    pub(crate) const fn deciding(
        admit: A,
        ready: S,
        request: Req,
        refuse: R,
        counts: Counts,
    ) -> Self {
        Self {
            state: State::Deciding {
                admit,
                call: Some((ready, request)),
                refuse,
                counts,
            },
        }
    }
}

impl<S, Req, R, A> Future for ResponseFuture<S, Req, R, A>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error>,
    A: Future<Output = Result<Admission, Denied>> + Unpin,
{
    type Output = Result<S::Response, R::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Deciding {
                    admit,
                    call,
                    refuse,
                    counts,
                } => {
                    let decision = ready!(Pin::new(admit).poll(cx));
                    match (decision, call.take()) {
                        (Ok(_), Some((mut ready, request))) => {
                            counts.admitted();
                            let future = ready.call(request);
                            state.set(State::Calling { future });
                        }
                        (Err(denied), _) => {
                            counts.denied();
                            let outcome = refuse.refuse(Refusal::Denied(denied));
                            state.set(State::Done { outcome: None });
                            return Poll::Ready(outcome);
                        }
                        (Ok(_), None) => return Poll::Pending,
                    }
                }
                StateProj::Calling { future } => {
                    return Poll::Ready(ready!(future.poll(cx)).map_err(R::fail));
                }
                StateProj::Done { outcome } => {
                    return outcome.take().map_or(Poll::Pending, Poll::Ready);
                }
            }
        }
    }
}

impl<S, Req, R, A> fmt::Debug for ResponseFuture<S, Req, R, A>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
