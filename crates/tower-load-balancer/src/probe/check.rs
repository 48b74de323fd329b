use std::{
    collections::HashMap,
    marker::PhantomData,
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::Probe;
use crate::{Endpoints, endpoints::Shared, state::State};

/// Asks all endpoints of a set in regular intervals how they are.
///
/// One that fails 3 probes in a row is down and gets no requests; one that passes 2 in a row is up
/// again. An endpoint that was never asked is up. Each is asked every 10 s, at a time of its own and
/// up to a fifth earlier or later, so that they are not all asked at once by everybody; a probe that
/// takes longer than 2 s has failed.
///
/// Nothing happens until [`run`](Self::run) is polled.
#[derive(Debug)]
#[must_use = "nothing is asked until it runs"]
pub struct HealthCheck<K, S, P, Request> {
    // Weak: what only asks does not keep the set alive.
    shared: Weak<Shared<K, S>>,
    probe: P,
    interval: Duration,
    timeout: Duration,
    rise: NonZeroU32,
    fall: NonZeroU32,
    // Says by which kind of request, and owns none.
    request: PhantomData<fn(Request)>,
}

impl<K, S, P, Request> HealthCheck<K, S, P, Request>
where
    P: Probe<K, S, Request>,
{
    /// Asks the endpoints of this set by `probe`.
    pub fn new(endpoints: &Endpoints<K, S>, probe: P) -> Self {
        Self {
            shared: endpoints.downgrade(),
            probe,
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            rise: NonZeroU32::MIN.saturating_add(1),
            fall: NonZeroU32::MIN.saturating_add(2),
            request: PhantomData,
        }
    }

    /// How often each endpoint is asked: between a millisecond and a day.
    pub fn interval(mut self, interval: Duration) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.interval = interval.clamp(Duration::from_millis(1), DAY);
        self
    }

    /// How long a probe may take.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many probes in a row must pass for an endpoint to be up again.
    pub const fn rise(mut self, passed: NonZeroU32) -> Self {
        self.rise = passed;
        self
    }

    /// How many probes in a row must fail for an endpoint to be down.
    pub const fn fall(mut self, failed: NonZeroU32) -> Self {
        self.fall = failed;
        self
    }

    /// Asks until the last handle on the set, and the last balancer over it, is gone; to be spawned.
    /// Dropping it ends the probes that are under way. What is known of the endpoints stays.
    pub async fn run(self)
    where
        K: Clone + Send + 'static,
        S: Clone + Send + 'static,
        P: Send + Sync + 'static,
        Request: 'static,
    {
        let Self {
            shared,
            probe,
            interval,
            timeout: limit,
            rise,
            fall,
            ..
        } = self;
        let probe = Arc::new(probe);
        let mut asked: HashMap<u64, Instant> = HashMap::new();
        let mut probes = JoinSet::new();
        loop {
            let Some(set) = shared.upgrade().map(Endpoints::from_shared) else {
                return;
            };
            let pool = set.pool().clone();
            // Exists before the look at the members, so that no change after it is missed.
            let mut changed = pin!(pool.changed.notified());
            changed.as_mut().enable();
            let now = Instant::now();
            let mut next = now + interval;
            let mut before = std::mem::take(&mut asked);
            for member in &set.roster().members {
                let state = member.state.clone();
                // At first somewhere in the interval, and then around its end.
                let first = || now + interval.mul_f64(fastrand::f64());
                let mut due = before.remove(&state.id).unwrap_or_else(first);
                if due <= now {
                    due = now + interval.mul_f64(0.8 + 0.4 * fastrand::f64());
                    let (key, service) = (member.key.clone(), member.service.clone());
                    let probe = probe.clone();
                    probes.spawn(async move {
                        let passed = timeout(limit, probe.check(key, service)).await;
                        (state, passed.unwrap_or(false))
                    });
                }
                next = next.min(due);
                asked.insert(member.state.id, due);
            }
            drop(set);

            tokio::select! {
                Some(ended) = probes.join_next() => {
                    // A probe that panicked says nothing about its endpoint.
                    if let Ok((state, passed)) = ended {
                        conclude(&shared, &state, passed, rise, fall);
                    }
                }
                () = sleep_until(next) => {}
                () = changed => {}
            }
        }
    }
}

fn conclude<K, S>(
    shared: &Weak<Shared<K, S>>,
    state: &State,
    passed: bool,
    rise: NonZeroU32,
    fall: NonZeroU32,
) {
    let now = state.pool.now();
    let changed = state
        .condition()
        .probed(passed, rise.get(), fall.get(), now);
    if changed && let Some(shared) = shared.upgrade() {
        Endpoints::from_shared(shared).refresh();
    }
}
