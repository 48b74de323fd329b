use std::{
    fmt,
    future::{Future, Ready},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, Version, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{
    KeyError, Rejection, Secrets, VerifiedBody, claim::Claim, intake::Intake, metrics,
    policy::Policy,
};

/// A body that always has a frame at hand gives way to others after this many.
const FRAMES_PER_POLL: usize = 64;

pin_project! {
    /// The future of [`VerifyWebhook`](crate::VerifyWebhook).
    ///
    /// `S` is the inner service, `F` its future, `B` the body of the request, `K` the future that
    /// finds the secrets. Dropping it drops the body and whatever the inner service had given.
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct ResponseFuture<S, F, B, K = Ready<Result<Secrets, KeyError>>> {
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
        // Polls the body, and the deadline once the body has kept us waiting.
        Reading {
            #[pin]
            body: B,
            #[pin]
            deadline: Option<Sleep>,
            arriving: Option<Arriving<S>>,
        },
        // Polls the readiness of the inner service.
        Readying { inner: S, request: Option<Request<VerifiedBody>> },
        // Polls the inner service's response.
        Calling {
            #[pin]
            response: F,
        },
        // Answered by us.
        Done,
    }
}

/// What waits for the secrets.
struct Asked<S, B> {
    claim: Box<Claim>,
    head: request::Parts,
    body: B,
    inner: S,
}

/// What waits for the end of the body.
struct Arriving<S> {
    intake: Intake,
    head: request::Parts,
    inner: S,
}

impl<S, F, B, K> ResponseFuture<S, F, B, K> {
    pub(crate) fn refuse(policy: Arc<Policy>, version: Version, rejection: Rejection) -> Self {
        Self {
            state: State::Refused { rejection },
            policy,
            version,
        }
    }

    pub(crate) fn look_up(
        policy: Arc<Policy>,
        version: Version,
        keys: K,
        claim: Box<Claim>,
        head: request::Parts,
        body: B,
        inner: S,
    ) -> Self {
        let asked = Some(Asked {
            claim,
            head,
            body,
            inner,
        });
        Self {
            state: State::LookingUp { keys, asked },
            policy,
            version,
        }
    }
}

impl<S, B, K, ResB> Future for ResponseFuture<S, S::Future, B, K>
where
    K: Future<Output = Result<Secrets, KeyError>>,
    S: Service<Request<VerifiedBody>, Response = Response<ResB>>,
    B: Body<Data = Bytes>,
    ResB: Default,
{
    type Output = Result<Response<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Refused { rejection } => Err(*rejection),
                StateProj::LookingUp { keys, asked } => {
                    let keys = ready!(keys.poll(cx));
                    let Some(asked) = asked.take() else {
                        polled_again()
                    };
                    asked.read(keys, this.policy)
                }
                StateProj::Reading {
                    body,
                    deadline,
                    arriving,
                } => {
                    let Some(arrived) = arriving else {
                        polled_again()
                    };
                    let end = poll_body(
                        body,
                        deadline,
                        &mut arrived.intake,
                        this.policy.body_deadline,
                        cx,
                    );
                    let end = ready!(end);
                    let Some(arrived) = arriving.take() else {
                        polled_again()
                    };
                    end.and_then(|()| arrived.verify())
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

impl<S, B> Asked<S, B> {
    fn read<F, K>(
        mut self,
        keys: Result<Secrets, KeyError>,
        policy: &Policy,
    ) -> Result<State<S, F, B, K>, Rejection> {
        let secrets = keys.map_err(Rejection::from)?;
        if secrets.end() && !policy.scheme.is_timed() {
            self.claim.now = policy.now(true);
        }
        Ok(State::Reading {
            body: self.body,
            deadline: None,
            arriving: Some(Arriving {
                intake: Intake::new(self.claim, secrets, policy.max_body),
                head: self.head,
                inner: self.inner,
            }),
        })
    }
}

impl<S> Arriving<S> {
    fn verify<F, B, K>(self) -> Result<State<S, F, B, K>, Rejection> {
        let (verified, body) = self.intake.finish()?;
        metrics::accepted(&verified);
        let mut request = Request::from_parts(self.head, body);
        request.extensions_mut().insert(verified);
        Ok(State::Readying {
            inner: self.inner,
            request: Some(request),
        })
    }
}

fn poll_body<B>(
    mut body: Pin<&mut B>,
    mut deadline: Pin<&mut Option<Sleep>>,
    intake: &mut Intake,
    limit: Duration,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Rejection>>
where
    B: Body<Data = Bytes>,
{
    for polled in 1.. {
        let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else {
            break;
        };
        let Some(frame) = frame else {
            return Poll::Ready(Ok(()));
        };
        let Ok(frame) = frame else {
            return Poll::Ready(Err(Rejection::BodyUnreadable));
        };
        match frame.into_data() {
            Ok(data) => intake.push_data(data)?,
            Err(frame) => {
                // Trailers are the end of a body; what came after them would be unseen by the
                // hash, or hashed and out of its place.
                if let Ok(trailers) = frame.into_trailers() {
                    intake.set_trailers(trailers);
                    return Poll::Ready(Ok(()));
                }
            }
        }
        if polled == FRAMES_PER_POLL {
            cx.waker().wake_by_ref();
            break;
        }
    }
    if deadline.is_none() {
        deadline.set(Some(sleep(limit)));
    }
    match deadline.as_pin_mut() {
        Some(deadline) => deadline.poll(cx).map(|()| Err(Rejection::BodyTooSlow)),
        None => Poll::Pending,
    }
}

fn polled_again() -> ! {
    panic!("`ResponseFuture` polled after completion")
}

impl<S, F, B, K> fmt::Debug for ResponseFuture<S, F, B, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Refused { .. } => "refused",
            State::LookingUp { .. } => "looking up",
            State::Reading { .. } => "reading",
            State::Readying { .. } => "readying",
            State::Calling { .. } => "calling",
            State::Done => "done",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
