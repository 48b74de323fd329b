use std::{
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{
    layer::Terms,
    store::{Alone, Shared},
};
use crate::flight::{Boarding, Leader, Waiter, Word};

pin_project! {
    /// The future of [`Memo`](super::Memo): a lookup, and where that does not answer, a call of
    /// the inner service.
    ///
    /// # Panics
    ///
    /// When polled again after it has completed.
    pub struct ResponseFuture<S, Request, K, V>
    where
        S: Service<Request>,
        K: Hash,
        K: Eq,
        K: Clone,
    {
        inner: S,
        request: Option<Request>,
        key: Option<Alone<K>>,
        terms: Terms<V>,
        shared: Arc<Shared<K, V>>,
        epoch: u32,
        leader: Option<Leader<Alone<K>>>,
        waited: bool,
        #[pin]
        state: State<S::Future, K>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F, K>
    where
        K: Hash,
        K: Eq,
        K: Clone,
    {
        // Looks up the key.
        Lookup,
        // Polls the end of an equal request that is under way, and for how long that is waited for.
        Wait { waiter: Waiter<Alone<K>>, #[pin] limit: Sleep },
        // Polls the readiness of the inner service.
        Ready,
        // Polls the response of the inner service.
        Inner { #[pin] future: F },
    }
}

impl<S, Request, K, V> ResponseFuture<S, Request, K, V>
where
    S: Service<Request>,
    K: Hash + Eq + Clone,
{
    pub(crate) const fn new(
        inner: S,
        request: Request,
        key: Option<Alone<K>>,
        terms: Terms<V>,
        shared: Arc<Shared<K, V>>,
    ) -> Self {
        Self {
            inner,
            request: Some(request),
            key,
            terms,
            shared,
            epoch: 0,
            leader: None,
            waited: false,
            state: State::Lookup,
        }
    }
}

impl<S, Request, K, V> Future for ResponseFuture<S, Request, K, V>
where
    S: Service<Request, Response = V>,
    K: Hash + Eq + Clone,
    V: Clone,
{
    type Output = Result<V, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Shared {
            flights, counters, ..
        } = &**this.shared;
        loop {
            let next = match this.state.as_mut().project() {
                StateProj::Lookup => match &this.key {
                    None => {
                        counters.bypassed.add_one();
                        State::Ready
                    }
                    Some(key) => {
                        let now = Instant::now();
                        let found = this.shared.get(key, now);
                        *this.epoch = found.epoch;
                        if let Some(value) = found.value {
                            *this.request = None;
                            if *this.waited {
                                counters.coalesced.add_one();
                            } else {
                                counters.hits.add_one();
                            }
                            return Poll::Ready(Ok(V::clone(&value)));
                        }
                        let wait = this.terms.coalesce;
                        if wait.is_zero() || *this.waited {
                            counters.misses.add_one();
                            State::Ready
                        } else {
                            match flights.board(key, now, wait) {
                                Boarding::Wait(waiter) => State::Wait {
                                    waiter,
                                    limit: sleep(wait),
                                },
                                Boarding::Lead(leader) => {
                                    counters.misses.add_one();
                                    *this.leader = Some(leader);
                                    State::Ready
                                }
                                Boarding::Alone => {
                                    counters.misses.add_one();
                                    State::Ready
                                }
                            }
                        }
                    }
                },
                StateProj::Wait { waiter, limit } => {
                    let word = match Pin::new(waiter).poll(cx) {
                        Poll::Ready(word) => word,
                        Poll::Pending => {
                            ready!(limit.poll(cx));
                            Word::Scattered
                        }
                    };
                    *this.waited = true;
                    match word {
                        Word::Landed => State::Lookup,
                        Word::Lead(leader) => {
                            counters.misses.add_one();
                            *this.leader = Some(leader);
                            State::Ready
                        }
                        Word::Scattered | Word::Failed => {
                            counters.misses.add_one();
                            State::Ready
                        }
                    }
                }
                StateProj::Ready => {
                    if let Err(error) = ready!(this.inner.poll_ready(cx)) {
                        fail(this.leader);
                        return Poll::Ready(Err(error));
                    }
                    let Some(request) = this.request.take() else {
                        panic!("polled after completion");
                    };
                    State::Inner {
                        future: this.inner.call(request),
                    }
                }
                StateProj::Inner { future } => {
                    let value = match ready!(future.poll(cx)) {
                        Ok(value) => value,
                        Err(error) => {
                            fail(this.leader);
                            return Poll::Ready(Err(error));
                        }
                    };
                    if let Some(key) = this.key.take() {
                        let leader = this.leader.take();
                        keep(this.shared, *this.terms, key, &value, *this.epoch, leader);
                    }
                    return Poll::Ready(Ok(value));
                }
            };
            this.state.set(next);
        }
    }
}

/// Whoever waits calls on its own: an error is the caller's alone.
fn fail<K: Hash + Eq + Clone>(leader: &mut Option<Leader<K>>) {
    if let Some(leader) = leader.take() {
        leader.fail();
    }
}

fn keep<K: Hash + Eq + Clone, V: Clone>(
    shared: &Shared<K, V>,
    terms: Terms<V>,
    key: Alone<K>,
    value: &V,
    epoch: u32,
    leader: Option<Leader<Alone<K>>>,
) {
    let now = Instant::now();
    let ttl = terms.ttl_of.map_or(terms.ttl, |ttl_of| ttl_of(value));
    let weight = terms.weigh.map_or(0, |weigh| weigh(value));
    // A lifetime past the end of the clock is one of thirty years.
    const LONG: u64 = 30 * 365 * 86_400;
    let until = now
        .checked_add(ttl)
        .unwrap_or(now + std::time::Duration::from_secs(LONG));
    let kept = !ttl.is_zero() && {
        let taken = shared.put(key, value.clone(), weight, until, epoch);
        if taken {
            shared.counters.stores.add_one();
        } else {
            shared.counters.refused.add_one();
        }
        taken
    };
    match leader {
        Some(leader) if kept => leader.land(),
        Some(leader) => leader.scatter(now),
        None => {}
    }
}

impl<S, Request, K, V> fmt::Debug for ResponseFuture<S, Request, K, V>
where
    S: Service<Request>,
    K: Hash + Eq + Clone,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Lookup => "Lookup",
            State::Wait { .. } => "Wait",
            State::Ready => "Ready",
            State::Inner { .. } => "Inner",
        };
        f.debug_struct("ResponseFuture")
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
