use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::{Claimed, Replay, ReplayStore, Ticket, layer::Terms};
use crate::{ReplayKey, metrics};

pin_project! {
    /// The future of [`ReplayGuard`](super::ReplayGuard).
    ///
    /// Dropping it before the inner service has answered releases the claim.
    ///
    /// # Panics
    ///
    /// When polled after it has completed.
    pub struct ReplayFuture<S, R, B>
    where
        S: Service<Request<B>>,
        R: ReplayStore,
    {
        #[pin]
        state: State<S, R, B, S::Response>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, R, B, Res>
    where
        S: Service<Request<B>>,
        R: ReplayStore,
    {
        // Answered by us; polls nothing.
        Answered { replay: Replay },
        // Polls the store.
        Claiming {
            #[pin]
            claiming: R::Claiming,
            waiting: Option<Waiting<S, R, B>>,
        },
        // Polls the inner service. The claim is released with the guard.
        Calling {
            #[pin]
            response: S::Future,
            guard: Option<Guard<R>>,
        },
        // Polls the store; the response waits.
        Committing {
            #[pin]
            committing: R::Committing,
            response: Option<Res>,
        },
        Done,
    }
}

struct Waiting<S, R, B> {
    store: R,
    key: ReplayKey,
    terms: Terms,
    inner: S,
    request: Request<B>,
}

/// A claim that is released unless it is committed.
struct Guard<R: ReplayStore> {
    store: R,
    key: ReplayKey,
    /// Taken by the commit.
    ticket: Option<Ticket>,
    terms: Terms,
}

impl<R: ReplayStore> Guard<R> {
    fn commit(mut self) -> Option<R::Committing> {
        let ticket = self.ticket.take()?;
        Some(self.store.commit(self.key, ticket, self.terms.keep))
    }
}

impl<R: ReplayStore> Drop for Guard<R> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.store.release(self.key, ticket);
        }
    }
}

impl<S, R, B> ReplayFuture<S, R, B>
where
    S: Service<Request<B>>,
    R: ReplayStore,
{
    pub(super) fn answer(replay: Replay) -> Self {
        Self {
            state: State::Answered { replay },
        }
    }

    pub(super) fn claim(
        store: R,
        key: ReplayKey,
        terms: Terms,
        inner: S,
        request: Request<B>,
    ) -> Self {
        Self {
            state: State::Claiming {
                claiming: store.claim(key, terms.lease),
                waiting: Some(Waiting {
                    store,
                    key,
                    terms,
                    inner,
                    request,
                }),
            },
        }
    }
}

impl<S, R, B, ResB> Future for ReplayFuture<S, R, B>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    R: ReplayStore,
    ResB: Default,
{
    type Output = Result<Response<ResB>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Answered { replay } => {
                    let replay = *replay;
                    this.state.set(State::Done);
                    metrics::replay(replay);
                    return Poll::Ready(Ok(replay.answer()));
                }
                StateProj::Claiming { claiming, waiting } => {
                    let claimed = ready!(claiming.poll(cx));
                    let Some(waiting) = waiting.take() else {
                        polled_again()
                    };
                    match claimed {
                        Ok(claimed) => waiting.call(claimed),
                        Err(error) => State::Answered {
                            replay: error.into(),
                        },
                    }
                }
                StateProj::Calling { response, guard } => {
                    let response = ready!(response.poll(cx));
                    let guard = guard.take();
                    let succeeded = matches!(&response, Ok(it) if it.status().is_success());
                    // What the provider will take for a failure it sends again; that attempt has
                    // to find the claim free, and does: the guard is dropped here.
                    let committing = guard.filter(|_| succeeded).and_then(Guard::commit);
                    match (committing, response) {
                        (Some(committing), Ok(response)) => State::Committing {
                            committing,
                            response: Some(response),
                        },
                        (_, response) => {
                            this.state.set(State::Done);
                            return Poll::Ready(response);
                        }
                    }
                }
                StateProj::Committing {
                    committing,
                    response,
                } => {
                    // It was handled, whatever becomes of the note. Without it a repetition is let
                    // through when the lease has ended.
                    if ready!(committing.poll(cx)).is_err() {
                        metrics::not_committed();
                    }
                    let Some(response) = response.take() else {
                        polled_again()
                    };
                    this.state.set(State::Done);
                    return Poll::Ready(Ok(response));
                }
                StateProj::Done => polled_again(),
            };
            this.state.set(next);
        }
    }
}

impl<S, R, B> Waiting<S, R, B>
where
    S: Service<Request<B>>,
    R: ReplayStore,
{
    fn call(self, claimed: Claimed) -> State<S, R, B, S::Response> {
        let Self {
            store,
            key,
            terms,
            mut inner,
            mut request,
        } = self;
        let guard = match claimed {
            // Before the call, which may panic.
            Claimed::Fresh(ticket) => Some(Guard {
                store,
                key,
                ticket: Some(ticket),
                terms,
            }),
            Claimed::Done if terms.forward => {
                metrics::replay(Replay::Duplicate);
                request.extensions_mut().insert(Replay::Duplicate);
                None
            }
            Claimed::Done => {
                return State::Answered {
                    replay: Replay::Duplicate,
                };
            }
            Claimed::InFlight => {
                return State::Answered {
                    replay: Replay::InFlight,
                };
            }
        };
        State::Calling {
            response: inner.call(request),
            guard,
        }
    }
}

fn polled_again() -> ! {
    panic!("`ReplayFuture` polled after completion")
}

impl<S, R, B> fmt::Debug for ReplayFuture<S, R, B>
where
    S: Service<Request<B>>,
    R: ReplayStore,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Answered { .. } => "answered",
            State::Claiming { .. } => "claiming",
            State::Calling { .. } => "calling",
            State::Committing { .. } => "committing",
            State::Done => "done",
        };
        f.debug_struct("ReplayFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
