use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::{Rejection, Verified, challenge::Challenges, refusal::refusal};

pin_project! {
    /// The future of [`Authenticate`](crate::Authenticate).
    ///
    /// `S` is the inner service, `F` its future, `B` the body of the request, `V` the decision and
    /// `P` the principal.
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct AuthenticateFuture<S, F, B, V, P> {
        #[pin]
        state: State<S, F, B, V, P>,
        challenges: Arc<Challenges>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B, V, P> {
        // Polls the authenticator's decision; holds the inner service that was ready at the call.
        Deciding { #[pin] decision: V, call: Option<(S, Request<B>)> },
        // Polls the inner service's response.
        Calling { #[pin] response: F, principal: Option<P> },
        // Decided by what the request carries; empty once that was told.
        Refused { rejection: Option<Rejection> },
    }
}

impl<S, F, B, V, P> AuthenticateFuture<S, F, B, V, P> {
    pub(super) const fn decide(
        decision: V,
        ready: S,
        request: Request<B>,
        challenges: Arc<Challenges>,
    ) -> Self {
        Self {
            state: State::Deciding {
                decision,
                call: Some((ready, request)),
            },
            challenges,
        }
    }

    pub(super) const fn refuse(rejection: Rejection, challenges: Arc<Challenges>) -> Self {
        Self {
            state: State::Refused {
                rejection: Some(rejection),
            },
            challenges,
        }
    }
}

impl<S, B, V, P, ResB> Future for AuthenticateFuture<S, S::Future, B, V, P>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    V: Future<Output = Result<Verified<P>, Rejection>>,
    P: Clone + Send + Sync + 'static,
    ResB: Default,
{
    type Output = Result<Response<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.state.as_mut().project() {
                StateProj::Deciding { decision, call } => {
                    let decided = ready!(decision.poll(cx));
                    let Some((mut ready, mut request)) = call.take() else {
                        polled_again()
                    };
                    this.state.set(match decided {
                        Ok(Verified { principal, .. }) => {
                            request.extensions_mut().insert(principal.clone());
                            State::Calling {
                                response: ready.call(request),
                                principal: Some(principal),
                            }
                        }
                        Err(rejection) => State::Refused {
                            rejection: Some(rejection),
                        },
                    });
                }
                StateProj::Calling {
                    response,
                    principal,
                } => {
                    let mut response = ready!(response.poll(cx));
                    if let (Ok(response), Some(principal)) = (&mut response, principal.take()) {
                        response.extensions_mut().insert(principal);
                    }
                    return Poll::Ready(response);
                }
                StateProj::Refused { rejection } => {
                    let Some(rejection) = rejection.take() else {
                        polled_again()
                    };
                    let challenge = this.challenges.answer(&rejection);
                    return Poll::Ready(Ok(refusal(rejection, challenge)));
                }
            }
        }
    }
}

fn polled_again() -> ! {
    panic!("`AuthenticateFuture` polled after completion")
}

impl<S, F, B, V, P> fmt::Debug for AuthenticateFuture<S, F, B, V, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Deciding { .. } => "deciding",
            State::Calling { .. } => "calling",
            State::Refused { .. } => "refused",
        };
        f.debug_struct("AuthenticateFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
