use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Admission, Bill, Denied, Refusal, Refuse, Reject, statistics::Counts};

pin_project! {
    /// The future of a [`RateLimit`](crate::RateLimit) that refuses.
    pub struct ResponseFuture<S, Req, R, A, P>
    where
        S: Service<Req>,
        R: Refuse<S::Response, S::Error>,
    {
        #[pin]
        state: State<S, Req, R, A, S::Future, P, Result<S::Response, R::Error>>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, Req, R, A, F, P, T> {
        // Polls the store's decision; holds the inner service that was ready at the call.
        Deciding { admit: A, call: Option<(S, Req, P)>, mode: Reject<R>, counts: Counts },
        // Polls the inner service's future; what it answers is told of the admission, if any.
        Calling { #[pin] future: F, admitted: Option<(R, Admission, P)> },
        // Decided without the inner service; empty once that was told.
        Done { outcome: Option<T> },
    }
}

impl<S, Req, R, A, P> ResponseFuture<S, Req, R, A, P>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error>,
{
    /// The call counts for nobody, or passes in spite of its quota.
    pub(crate) const fn unlimited(future: S::Future) -> Self {
        Self {
            state: State::Calling {
                future,
                admitted: None,
            },
        }
    }

    pub(crate) const fn calling(
        future: S::Future,
        refuse: R,
        admission: Admission,
        bill: P,
    ) -> Self {
        Self {
            state: State::Calling {
                future,
                admitted: Some((refuse, admission, bill)),
            },
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
        call: (S, Req, P),
        mode: Reject<R>,
        counts: Counts,
    ) -> Self {
        Self {
            state: State::Deciding {
                admit,
                call: Some(call),
                mode,
                counts,
            },
        }
    }
}

impl<S, Req, R, A, P> Future for ResponseFuture<S, Req, R, A, P>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error> + Clone,
    A: Future<Output = Result<Admission, Denied>> + Unpin,
    P: Bill<S::Response, S::Error>,
{
    type Output = Result<S::Response, R::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProj::Deciding {
                    admit,
                    call,
                    mode,
                    counts,
                } => {
                    let decision = ready!(Pin::new(admit).poll(cx));
                    let Some((mut ready, request, mut bill)) = call.take() else {
                        return Poll::Pending;
                    };
                    let admitted = match decision {
                        Ok(admission) => {
                            counts.admitted();
                            bill.admitted(admission.stamp());
                            Some((mode.refuse.clone(), admission, bill))
                        }
                        Err(_) if mode.shadow => {
                            counts.shadowed();
                            None
                        }
                        Err(denied) => {
                            counts.denied();
                            let outcome = mode.refuse.refuse(Refusal::Denied(denied));
                            state.set(State::Done { outcome: None });
                            return Poll::Ready(outcome);
                        }
                    };
                    let future = ready.call(request);
                    state.set(State::Calling { future, admitted });
                }
                StateProj::Calling { future, admitted } => {
                    let mut outcome = ready!(future.poll(cx));
                    if let Some((refuse, admission, bill)) = admitted.take() {
                        bill.settle(outcome.as_ref());
                        if let Ok(response) = &mut outcome {
                            refuse.admitted(response, &admission);
                        }
                    }
                    return Poll::Ready(outcome.map_err(R::fail));
                }
                StateProj::Done { outcome } => {
                    return outcome.take().map_or(Poll::Pending, Poll::Ready);
                }
            }
        }
    }
}

impl<S, Req, R, A, P> fmt::Debug for ResponseFuture<S, Req, R, A, P>
where
    S: Service<Req>,
    R: Refuse<S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
