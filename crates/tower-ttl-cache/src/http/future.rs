use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{
    ask::{Ask, Step},
    body::CacheBody,
    cache_status::Forwarded,
    key::{Key, Resource},
    location::{Target, named_resources},
    outcome::{BypassReason, CacheOutcome, StaleReason},
    refresh::Refresh,
    shared::{Settings, Shared},
    spawn::{NoSpawn, Spawn},
    store::{MemoryStore, Store},
};
use crate::flight::{Boarding, Waiter, Word};

pin_project! {
    /// The future of [`HttpCache`](crate::HttpCache): a lookup, and where that does not answer, a
    /// call of the inner service.
    ///
    /// # Panics
    ///
    /// When polled again after it has completed.
    pub struct ResponseFuture<S, B, St = MemoryStore, Sp = NoSpawn>
    where
        S: Service<Request<B>>,
        St: Store,
    {
        shared: Arc<Shared<St>>,
        settings: Arc<Settings>,
        spawn: Sp,
        inner: Option<S>,
        request: Option<Request<B>>,
        purpose: Purpose,
        // Somebody has asked for it.
        counted: bool,
        #[pin]
        state: State<S::Future, S::Response, St::Get, St::Done>,
    }
}

/// What a call is for.
pub(crate) enum Purpose {
    /// Pass the request on.
    Forward(BypassReason),
    /// Pass the request on and, if it succeeds, forget what it makes invalid.
    Invalidate(Target),
    Answer(Ask),
    /// There is an answer.
    Done,
}

pin_project! {
    #[project = StateProj]
    enum State<F, R, Get, Done> {
        // Polls the store for the entry, or for its variant.
        Lookup { #[pin] get: Get },
        // Polls the end of an equal request that is under way, and for how long that is waited for.
        Wait { waiter: Waiter<Key>, #[pin] limit: Sleep },
        // Polls the readiness of the inner service.
        Ready,
        // Polls the response of the inner service.
        Inner { #[pin] future: F },
        // Polls the store for the end of the invalidation, before the response goes out: whoever
        // has it must not be answered with what it made invalid.
        Invalidate { #[pin] done: Done, more: Vec<Resource>, response: Option<R> },
    }
}

impl<S, B, St, Sp> ResponseFuture<S, B, St, Sp>
where
    S: Service<Request<B>>,
    St: Store,
{
    #[inline]
    pub(crate) fn new(
        inner: S,
        shared: Arc<Shared<St>>,
        settings: Arc<Settings>,
        spawn: Sp,
        request: Request<B>,
        purpose: Purpose,
    ) -> Self {
        let state = match &purpose {
            Purpose::Answer(ask) => State::Lookup {
                get: shared.store.get(ask.target()),
            },
            Purpose::Forward(_) | Purpose::Invalidate(_) | Purpose::Done => State::Ready,
        };
        Self {
            shared,
            settings,
            spawn,
            inner: Some(inner),
            request: Some(request),
            purpose,
            counted: true,
            state,
        }
    }

    /// Without a lookup: that has been.
    pub(crate) fn refreshing(
        inner: S,
        shared: Arc<Shared<St>>,
        settings: Arc<Settings>,
        spawn: Sp,
        request: Request<B>,
        ask: Ask,
    ) -> Self {
        Self {
            shared,
            settings,
            spawn,
            inner: Some(inner),
            request: Some(request),
            purpose: Purpose::Answer(ask),
            counted: false,
            state: State::Ready,
        }
    }
}

impl<S, B, St, Sp, ResB> Future for ResponseFuture<S, B, St, Sp>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
    Sp: Spawn<Refresh<S, B, ResB, St>>,
    ResB: Body,
{
    type Output = Result<Response<CacheBody<ResB, St>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let (shared, settings) = (&*this.shared, &*this.settings);
        let counted = *this.counted;
        let finish = |response, outcome, forwarded| {
            if counted {
                shared.counters.count(outcome);
            }
            Poll::Ready(Ok(settings.told(response, outcome, forwarded)))
        };
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Lookup { get } => {
                    let looked_up = ready!(get.poll(cx));
                    let (ask, request) = asking(this.purpose, this.request);
                    let now = Instant::now();
                    let step = match looked_up {
                        Ok(found) => {
                            let refreshes = this.spawn.is_available();
                            ask.found(found, request.headers(), now, refreshes)
                        }
                        Err(_) => {
                            shared.counters.store_errors.add_one();
                            ask.forgo_storing();
                            Step::Fetch
                        }
                    };
                    match step {
                        Step::Answer(response, outcome) => {
                            *this.request = None;
                            let response = response.map(CacheBody::stored);
                            return finish(response, outcome, Forwarded::no());
                        }
                        Step::Refresh(response) => {
                            let ask = std::mem::replace(this.purpose, Purpose::Done);
                            let parts = (ask, this.request.take(), this.inner.take());
                            if let (Purpose::Answer(ask), Some(request), Some(inner)) = parts
                                && let Some(leader) = shared.flights.start(ask.target(), now)
                            {
                                let (ask, request) = ask.refresh(request, leader);
                                let shared = Arc::clone(shared);
                                let settings = Arc::clone(settings);
                                this.spawn.spawn(Refresh::new(ResponseFuture::refreshing(
                                    inner, shared, settings, NoSpawn, request, ask,
                                )));
                            }
                            let outcome = CacheOutcome::Stale(StaleReason::WhileRevalidate);
                            let response = response.map(CacheBody::stored);
                            return finish(response, outcome, Forwarded::no());
                        }
                        Step::Unavailable => {
                            *this.request = None;
                            let mut response = Response::new(CacheBody::stored(Bytes::new()));
                            *response.status_mut() = StatusCode::GATEWAY_TIMEOUT;
                            return finish(response, CacheOutcome::Unavailable, Forwarded::no());
                        }
                        Step::Select => State::Lookup {
                            get: shared.store.get(ask.target()),
                        },
                        Step::Fetch => board(shared, settings, ask, request.headers(), now),
                    }
                }
                StateProj::Wait { waiter, limit } => {
                    let word = match Pin::new(waiter).poll(cx) {
                        Poll::Ready(word) => word,
                        Poll::Pending => {
                            ready!(limit.poll(cx));
                            Word::Scattered
                        }
                    };
                    let (ask, request) = asking(this.purpose, this.request);
                    match word {
                        Word::Landed => {
                            ask.look_again();
                            State::Lookup {
                                get: shared.store.get(ask.target()),
                            }
                        }
                        Word::Lead(leader) => {
                            ask.lead(leader);
                            State::Ready
                        }
                        Word::Failed => {
                            let stale = ask.instead_of_error(request.headers(), Instant::now());
                            if let Some(response) = stale {
                                *this.request = None;
                                let outcome = CacheOutcome::Stale(StaleReason::IfError);
                                let response = response.map(CacheBody::stored);
                                return finish(response, outcome, Forwarded::no());
                            }
                            ask.go_alone();
                            State::Ready
                        }
                        Word::Scattered => {
                            ask.go_alone();
                            State::Ready
                        }
                    }
                }
                StateProj::Ready => {
                    let Some(inner) = this.inner else {
                        panic!("polled after completion");
                    };
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        return match failed(this.purpose, this.request.as_ref()) {
                            Some(response) => {
                                let outcome = CacheOutcome::Stale(StaleReason::IfError);
                                let response = response.map(CacheBody::stored);
                                finish(response, outcome, Forwarded::no())
                            }
                            None => Poll::Ready(Err(error)),
                        };
                    }
                    let Some(mut request) = this.request.take() else {
                        panic!("polled after completion");
                    };
                    if let Purpose::Answer(ask) = this.purpose {
                        ask.leaves(request.headers_mut(), Instant::now());
                    }
                    State::Inner {
                        future: inner.call(request),
                    }
                }
                StateProj::Inner { future } => {
                    let response = match ready!(future.poll(cx)) {
                        Ok(response) => response,
                        Err(error) => {
                            return match failed(this.purpose, this.request.as_ref()) {
                                Some(response) => {
                                    let outcome = CacheOutcome::Stale(StaleReason::IfError);
                                    let response = response.map(CacheBody::stored);
                                    finish(response, outcome, Forwarded::no())
                                }
                                None => Poll::Ready(Err(error)),
                            };
                        }
                    };
                    match this.purpose {
                        Purpose::Answer(ask) => {
                            let (now, wall) = (Instant::now(), SystemTime::now());
                            let reason = ask.forward_reason();
                            let status = response.status();
                            let learned = ask.learn(shared, response, now, wall);
                            let forwarded = Forwarded::because(reason, status, learned.stored);
                            return finish(learned.response, learned.outcome, forwarded);
                        }
                        Purpose::Invalidate(target) if is_non_error(&response) => {
                            let more = named_resources(target, response.headers());
                            State::Invalidate {
                                done: shared.store.invalidate(&target.resource()),
                                more,
                                response: Some(response),
                            }
                        }
                        Purpose::Invalidate(_) => {
                            let outcome = CacheOutcome::Bypass(BypassReason::Method);
                            let forwarded = Forwarded::past(&outcome, response.status());
                            return finish(response.map(CacheBody::passing), outcome, forwarded);
                        }
                        Purpose::Forward(reason) => {
                            let outcome = CacheOutcome::Bypass(*reason);
                            let forwarded = Forwarded::past(&outcome, response.status());
                            return finish(response.map(CacheBody::passing), outcome, forwarded);
                        }
                        Purpose::Done => panic!("polled after completion"),
                    }
                }
                StateProj::Invalidate {
                    done,
                    more,
                    response,
                } => {
                    if ready!(done.poll(cx)).is_err() {
                        shared.counters.store_errors.add_one();
                    }
                    if let Some(resource) = more.pop() {
                        State::Invalidate {
                            done: shared.store.invalidate(&resource),
                            more: std::mem::take(more),
                            response: response.take(),
                        }
                    } else {
                        let Some(response) = response.take() else {
                            panic!("polled after completion");
                        };
                        let outcome = CacheOutcome::Bypass(BypassReason::Method);
                        let forwarded = Forwarded::past(&outcome, response.status());
                        return finish(response.map(CacheBody::passing), outcome, forwarded);
                    }
                }
            };
            this.state.set(next);
        }
    }
}

/// The request that is being answered, and what is asked for it.
fn asking<'a, B>(
    purpose: &'a mut Purpose,
    request: &'a Option<Request<B>>,
) -> (&'a mut Ask, &'a Request<B>) {
    match (purpose, request) {
        (Purpose::Answer(ask), Some(request)) => (ask, request),
        _ => panic!("polled after completion"),
    }
}

/// After a miss: whether to wait for an equal request, or have equal ones wait for this.
fn board<St, F, R, Get, Done>(
    shared: &Shared<St>,
    settings: &Settings,
    ask: &mut Ask,
    request: &HeaderMap,
    now: Instant,
) -> State<F, R, Get, Done> {
    if !ask.may_share(request) {
        return State::Ready;
    }
    match shared.flights.board(ask.target(), now, settings.coalesce) {
        Boarding::Lead(leader) => {
            ask.lead(leader);
            State::Ready
        }
        Boarding::Wait(waiter) => State::Wait {
            waiter,
            limit: sleep(settings.coalesce),
        },
        Boarding::Alone => State::Ready,
    }
}

/// What answers in place of an error; the request is at hand unless it has left.
fn failed<B>(purpose: &mut Purpose, request: Option<&Request<B>>) -> Option<Response<Bytes>> {
    match purpose {
        Purpose::Answer(ask) => ask.failed(request.map(Request::headers), Instant::now()),
        _ => None,
    }
}

/// RFC 9111 section 4.4: a status of 2xx or 3xx.
fn is_non_error<B>(response: &Response<B>) -> bool {
    response.status().is_success() || response.status().is_redirection()
}

impl<S, B, St, Sp> fmt::Debug for ResponseFuture<S, B, St, Sp>
where
    S: Service<Request<B>>,
    St: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Lookup { .. } => "Lookup",
            State::Wait { .. } => "Wait",
            State::Ready => "Ready",
            State::Inner { .. } => "Inner",
            State::Invalidate { .. } => "Invalidate",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
