use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower_service::Service;

use super::{
    ask::{Ask, Step},
    body::CacheBody,
    key::Resource,
    outcome::{BypassReason, CacheOutcome},
    shared::Shared,
    store::{MemoryStore, Store},
};

pin_project! {
    /// The future of [`HttpCache`](crate::HttpCache): a lookup, and where that does not answer, a
    /// call of the inner service.
    ///
    /// # Panics
    ///
    /// When polled again after it has completed.
    pub struct ResponseFuture<S, B, St = MemoryStore>
    where
        S: Service<Request<B>>,
        St: Store,
    {
        shared: Arc<Shared<St>>,
        inner: S,
        request: Option<Request<B>>,
        purpose: Purpose,
        #[pin]
        state: State<S::Future, S::Response, St::Get, St::Done>,
    }
}

/// What a call is for.
pub(crate) enum Purpose {
    /// Pass the request on.
    Forward(BypassReason),
    /// Pass the request on and, if it succeeds, forget what is stored for its URI.
    Invalidate(Resource),
    Answer(Ask),
}

pin_project! {
    #[project = StateProj]
    enum State<F, R, Get, Done> {
        // Polls the store for the entry, or for its variant.
        Lookup { #[pin] get: Get },
        // Polls the readiness of the inner service.
        Ready,
        // Polls the response of the inner service.
        Inner { #[pin] future: F },
        // Polls the store for the end of the invalidation, before the response goes out: whoever
        // has it must not be answered with what it made invalid.
        Invalidate { #[pin] done: Done, response: Option<R> },
    }
}

impl<S, B, St> ResponseFuture<S, B, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    pub(crate) fn new(
        inner: S,
        shared: Arc<Shared<St>>,
        request: Request<B>,
        purpose: Purpose,
    ) -> Self {
        let state = match &purpose {
            Purpose::Answer(ask) => State::Lookup {
                get: shared.store.get(ask.key()),
            },
            Purpose::Forward(_) | Purpose::Invalidate(_) => {
                shared.counters.bypassed.add_one();
                State::Ready
            }
        };
        Self {
            shared,
            inner,
            request: Some(request),
            purpose,
            state,
        }
    }
}

impl<S, B, St, ResB> Future for ResponseFuture<S, B, St>
where
    S: Service<Request<B>, Response = Response<ResB>>,
    St: Store,
    ResB: Body,
{
    type Output = Result<Response<CacheBody<ResB, St>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Shared {
            store,
            counters,
            seed,
        } = &**this.shared;
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Lookup { get } => {
                    let looked_up = ready!(get.poll(cx));
                    let (Some(request), Purpose::Answer(ask)) = (&this.request, &mut *this.purpose)
                    else {
                        panic!("polled after completion");
                    };
                    let step = match looked_up {
                        Ok(found) => ask.found(&found, request.headers(), seed, Instant::now()),
                        Err(_) => {
                            counters.store_errors.add_one();
                            ask.forgo_storing();
                            Step::Fetch
                        }
                    };
                    match step {
                        Step::Answer(response) => {
                            counters.hits.add_one();
                            *this.request = None;
                            let response = response.map(CacheBody::stored);
                            return Poll::Ready(Ok(tagged(response, CacheOutcome::Hit)));
                        }
                        Step::Select(key) => State::Lookup {
                            get: store.get(&key),
                        },
                        Step::Fetch => {
                            counters.misses.add_one();
                            State::Ready
                        }
                    }
                }
                StateProj::Ready => {
                    ready!(this.inner.poll_ready(cx))?;
                    let Some(request) = this.request.take() else {
                        panic!("polled after completion");
                    };
                    if let Purpose::Answer(ask) = this.purpose {
                        ask.sent(request.headers(), Instant::now());
                    }
                    State::Inner {
                        future: this.inner.call(request),
                    }
                }
                StateProj::Inner { future } => {
                    let response = ready!(future.poll(cx))?;
                    match this.purpose {
                        Purpose::Answer(ask) => {
                            let (now, wall) = (Instant::now(), SystemTime::now());
                            let response = ask.received(this.shared, response, now, wall);
                            return Poll::Ready(Ok(tagged(response, CacheOutcome::Miss)));
                        }
                        Purpose::Invalidate(resource) if is_non_error(&response) => {
                            State::Invalidate {
                                done: store.invalidate(resource),
                                response: Some(response),
                            }
                        }
                        Purpose::Invalidate(_) => {
                            return Poll::Ready(Ok(bypassed(response, BypassReason::Method)));
                        }
                        Purpose::Forward(reason) => {
                            return Poll::Ready(Ok(bypassed(response, *reason)));
                        }
                    }
                }
                StateProj::Invalidate { done, response } => {
                    if ready!(done.poll(cx)).is_err() {
                        counters.store_errors.add_one();
                    }
                    let Some(response) = response.take() else {
                        panic!("polled after completion");
                    };
                    return Poll::Ready(Ok(bypassed(response, BypassReason::Method)));
                }
            };
            this.state.set(next);
        }
    }
}

/// RFC 9111 section 4.4: a status of 2xx or 3xx.
fn is_non_error<B>(response: &Response<B>) -> bool {
    response.status().is_success() || response.status().is_redirection()
}

fn bypassed<B, St>(response: Response<B>, reason: BypassReason) -> Response<CacheBody<B, St>> {
    tagged(
        response.map(CacheBody::passing),
        CacheOutcome::Bypass(reason),
    )
}

fn tagged<B>(mut response: Response<B>, outcome: CacheOutcome) -> Response<B> {
    response.extensions_mut().insert(outcome);
    response
}

impl<S, B, St> fmt::Debug for ResponseFuture<S, B, St>
where
    S: Service<Request<B>>,
    St: Store,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Lookup { .. } => "Lookup",
            State::Ready => "Ready",
            State::Inner { .. } => "Inner",
            State::Invalidate { .. } => "Invalidate",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
