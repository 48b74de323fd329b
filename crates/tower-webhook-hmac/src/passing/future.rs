use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::{Request, Response, Version, request};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::PassingBody;
use crate::{KeyError, Rejection, Secrets, Verifier, claim::Claim, metrics, policy::Policy};

/// What waits for the secrets.
type Asked<S, B> = (Box<Claim>, request::Parts, B, S);

pin_project! {
    /// The future of [`PassWebhook`](super::PassWebhook).
    ///
    /// `S` is the inner service, `F` its future, `B` the body of the request, `K` the future that
    /// finds the secrets.
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct PassFuture<S, F, B, K> {
        #[pin]
        state: State<S, F, B, K>,
        policy: Arc<Policy>,
        version: Version,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, F, B, K> {
        // Judged by its headers; polls nothing. The body is already dropped.
        Refused { rejection: Rejection },
        // Polls the secrets. The body has not been polled yet.
        LookingUp {
            #[pin]
            keys: K,
            asked: Option<Asked<S, B>>,
        },
        // Polls the readiness of the inner service.
        Readying { inner: S, request: Option<Request<PassingBody<B>>> },
        // Polls the inner service's response.
        Calling {
            #[pin]
            response: F,
        },
        Done,
    }
}

impl<S, F, B, K> PassFuture<S, F, B, K> {
    pub(super) fn refuse(policy: Arc<Policy>, version: Version, rejection: Rejection) -> Self {
        Self {
            state: State::Refused { rejection },
            policy,
            version,
        }
    }

    pub(super) fn look_up(
        policy: Arc<Policy>,
        version: Version,
        keys: K,
        asked: Asked<S, B>,
    ) -> Self {
        Self {
            state: State::LookingUp {
                keys,
                asked: Some(asked),
            },
            policy,
            version,
        }
    }
}

impl<S, B, K, ResB> Future for PassFuture<S, S::Future, B, K>
where
    K: Future<Output = Result<Secrets, KeyError>>,
    S: Service<Request<PassingBody<B>>, Response = Response<ResB>>,
    ResB: Default,
{
    type Output = Result<Response<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Refused { rejection } => Err(*rejection),
                StateProj::LookingUp { keys, asked } => {
                    let secrets = ready!(keys.poll(cx));
                    let Some((mut claim, head, body, inner)) = asked.take() else {
                        polled_again()
                    };
                    secrets.map_err(Rejection::from).map(|secrets| {
                        if secrets.end() && !this.policy.scheme.is_timed() {
                            claim.now = this.policy.now(true);
                        }
                        let verifier = Verifier::new(claim, secrets);
                        let body = PassingBody::new(body, verifier, this.policy);
                        let verification = body.verification();
                        let mut request = Request::from_parts(head, body);
                        request.extensions_mut().insert(verification);
                        State::Readying {
                            inner,
                            request: Some(request),
                        }
                    })
                }
                StateProj::Readying { inner, request } => {
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        this.state.set(State::Done);
                        return Poll::Ready(Err(error));
                    }
                    let Some(request) = request.take() else {
                        polled_again()
                    };
                    Ok(State::Calling {
                        response: inner.call(request),
                    })
                }
                StateProj::Calling { response } => return response.poll(cx),
                StateProj::Done => polled_again(),
            };
            match next {
                Ok(next) => this.state.set(next),
                Err(rejection) => {
                    this.state.set(State::Done);
                    metrics::refused(this.policy.scheme.name(), rejection);
                    return Poll::Ready(Ok(this.policy.refusal(rejection, *this.version)));
                }
            }
        }
    }
}

fn polled_again() -> ! {
    panic!("`PassFuture` polled after completion")
}

impl<S, F, B, K> fmt::Debug for PassFuture<S, F, B, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused { .. } => "refused",
            State::LookingUp { .. } => "looking up",
            State::Readying { .. } => "readying",
            State::Calling { .. } => "calling",
            State::Done => "done",
        };
        f.debug_struct("PassFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
