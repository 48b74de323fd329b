use std::{
    fmt,
    future::poll_fn,
    hash::Hash,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_core::Stream;

use crate::{
    Ejection, Endpoint, EndpointStatus, Health, metrics::Metrics, pool::Pool, roster::Roster,
    snapshot::Snapshot, state::State,
};

/// A set of endpoints that may change at any time, and what is known of them. Clones are handles on
/// the same set, which any number of balancers may share.
///
/// Changes take a lock among themselves; requests don't wait for them.
pub struct Endpoints<K, S> {
    shared: Arc<Shared<K, S>>,
}

pub(crate) struct Shared<K, S> {
    pub(crate) pool: Arc<Pool>,
    roster: Mutex<Roster<K, S>>,
    current: ArcSwap<Snapshot<K, S>>,
}

impl<K, S> Endpoints<K, S> {
    /// An empty set that [ejects](Ejection) endpoints that fail.
    #[must_use]
    pub fn new() -> Self {
        Self {
            shared: Arc::new(Shared {
                pool: Arc::new(Pool::new()),
                roster: Mutex::new(Roster::new()),
                current: ArcSwap::from_pointee(Snapshot::empty()),
            }),
        }
    }

    /// Another rule for ejecting endpoints that fail.
    #[must_use]
    pub fn ejection(self, rule: Ejection) -> Self {
        self.shared.pool.set_ejection(Some(rule));
        self
    }

    /// Endpoints that fail go on getting requests, unless a probe says otherwise.
    #[must_use]
    pub fn without_ejection(self) -> Self {
        self.shared.pool.set_ejection(None);
        self
    }

    /// With less than so many percent of the endpoints of every priority healthy, health is left out
    /// of account and all get requests: those few would not bear the load, and when most are down,
    /// it may be the way they are judged that is broken.
    ///
    /// The default is 50. With 0 that happens only when no endpoint is healthy; more than 100 counts
    /// as 100.
    #[must_use]
    pub fn panic_threshold(self, percent: u8) -> Self {
        self.shared.pool.settings().panic_threshold = percent.min(100);
        self.refresh();
        self
    }

    /// An endpoint that is new or comes back gets its share bit by bit over this time: a tenth of it
    /// at first. By default it has all of it at once.
    ///
    /// It is without effect on [`InOrder`](crate::InOrder), and on where keys belong under
    /// [`ConsistentHash`](crate::ConsistentHash).
    #[must_use]
    pub fn slow_start(self, over: Duration) -> Self {
        self.shared.pool.settings().slow_start = over;
        self.refresh();
        self
    }

    /// What the set is called in metrics. By default nothing.
    #[must_use]
    pub fn name(self, name: &'static str) -> Self {
        self.shared.pool.settings().metrics = Metrics::new(Some(name));
        self
    }

    /// Whether so few endpoints are healthy that [all of them get
    /// requests](Self::panic_threshold).
    #[must_use]
    pub fn is_panicking(&self) -> bool {
        self.up_to_date();
        self.shared.current.load().panic
    }

    pub(crate) fn downgrade(&self) -> std::sync::Weak<Shared<K, S>> {
        Arc::downgrade(&self.shared)
    }

    pub(crate) fn from_shared(shared: Arc<Shared<K, S>>) -> Self {
        Self { shared }
    }

    pub(crate) fn pool(&self) -> &Arc<Pool> {
        &self.shared.pool
    }

    /// The members at this moment are as they were before a panic at worst: each change is one step.
    pub(crate) fn roster(&self) -> MutexGuard<'_, Roster<K, S>> {
        self.shared
            .roster
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What requests see, brought up to date when something is due and nobody else is at it.
    pub(crate) fn snapshot(&self) -> arc_swap::Guard<Arc<Snapshot<K, S>>> {
        if self.shared.pool.is_due()
            && let Ok(roster) = self.shared.roster.try_lock()
        {
            self.publish(&roster);
        }
        self.shared.current.load()
    }

    pub(crate) fn refresh(&self) {
        self.publish(&self.roster());
    }

    fn up_to_date(&self) {
        if self.shared.pool.is_due() {
            self.refresh();
        }
    }

    /// With the lock held, so that snapshots come in the order of the changes.
    fn publish(&self, roster: &Roster<K, S>) {
        self.shared
            .current
            .store(Arc::new(roster.snapshot(&self.shared.pool)));
        self.shared.pool.changed.notify_waiters();
    }

    fn change<T>(&self, change: impl FnOnce(&mut Roster<K, S>) -> T) -> T {
        let mut roster = self.roster();
        let outcome = change(&mut roster);
        roster.settle();
        self.publish(&roster);
        outcome
    }
}

impl<K: Eq + Hash, S> Endpoints<K, S> {
    /// Puts an endpoint in; one with the same key is replaced, and whatever is known of it stays.
    /// Whether there was one.
    pub fn insert(&self, endpoint: Endpoint<K, S>) -> bool {
        self.change(|roster| roster.insert(endpoint, &self.shared.pool))
    }

    /// Takes an endpoint out; whether it was in. Requests that it works on are not touched.
    pub fn remove(&self, key: &K) -> bool {
        self.change(|roster| {
            let before = roster.members.len();
            roster.members.retain(|member| member.key != *key);
            roster.members.len() < before
        })
    }

    /// Makes these endpoints the set, in one step: as [`insert`](Self::insert) for each, and
    /// [`remove`](Self::remove) for all others.
    pub fn replace_all(&self, endpoints: impl IntoIterator<Item = Endpoint<K, S>>) {
        // Foreign code runs before the lock is taken.
        let endpoints: Vec<_> = endpoints.into_iter().collect();
        self.change(|roster| {
            roster
                .members
                .retain(|member| endpoints.iter().any(|endpoint| endpoint.key == member.key));
            for endpoint in endpoints {
                roster.insert(endpoint, &self.shared.pool);
            }
        });
    }

    /// Lets an endpoint finish what it has and gives it nothing new; `None` when it is not in. It
    /// stays in the set until it is [removed](Self::remove); put in again, it serves again.
    pub fn drain(&self, key: &K) -> Option<Draining> {
        let state = self.change(|roster| {
            let member = roster.find(key)?;
            member.state.condition().draining = true;
            Some(member.state.clone())
        })?;
        Some(Draining { state })
    }
}

impl<K: Eq + Hash, S> Endpoints<K, S> {
    /// Makes the changes that a stream says, one after the other, until it ends: what a discovery
    /// finds, for example.
    ///
    /// ```
    /// # use tower_load_balancer::{Change, Endpoint, Endpoints};
    /// # async fn discover(found: impl futures_core::Stream<Item = Change<u16, ()>> + Send + 'static) {
    /// let endpoints = Endpoints::new();
    /// let followed = endpoints.clone();
    /// tokio::spawn(async move { followed.follow(found).await });
    /// # }
    /// ```
    pub async fn follow(&self, changes: impl Stream<Item = Change<K, S>>) {
        let mut changes = pin!(changes);
        while let Some(change) = poll_fn(|cx| changes.as_mut().poll_next(cx)).await {
            match change {
                Change::Insert(endpoint) => self.insert(endpoint),
                Change::Remove(key) => self.remove(&key),
            };
        }
    }
}

impl<K: Clone, S> Endpoints<K, S> {
    /// How each endpoint is, in the order in which they were put in.
    #[must_use]
    pub fn status(&self) -> Vec<EndpointStatus<K>> {
        self.up_to_date();
        let now = self.shared.pool.now();
        let roster = self.roster();
        let status = roster.members.iter().map(|member| EndpointStatus {
            key: member.key.clone(),
            health: health(&member.state, now),
            weight: member.weight,
            priority: member.priority,
            in_flight: member.state.in_flight(),
            failures: member.state.failures(),
            latency: member.state.latency().map(|ewma| ewma.latency()),
        });
        status.collect()
    }
}

fn health(state: &State, now: Duration) -> Health {
    let condition = state.condition();
    if condition.draining {
        Health::Draining
    } else if condition.is_down() {
        Health::Down
    } else if let Some(until) = condition.ejected_until() {
        Health::Ejected {
            for_another: until.saturating_sub(now),
        }
    } else {
        Health::Up
    }
}

/// One change of a set.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Change<K, S> {
    /// An endpoint comes, or takes the place of the one with its key.
    Insert(Endpoint<K, S>),
    /// The endpoint with this key goes.
    Remove(K),
}

impl<K, S> Clone for Endpoints<K, S> {
    // Not derived: neither keys nor services have to be `Clone`.
    fn clone(&self) -> Self {
        Self {
            shared: self.shared.clone(),
        }
    }
}

impl<K, S> Default for Endpoints<K, S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash, S> FromIterator<Endpoint<K, S>> for Endpoints<K, S> {
    fn from_iter<I: IntoIterator<Item = Endpoint<K, S>>>(endpoints: I) -> Self {
        let set = Self::new();
        set.replace_all(endpoints);
        set
    }
}

impl<K, S> fmt::Debug for Endpoints<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let snapshot = self.shared.current.load();
        let serving: usize = snapshot.tiers.iter().map(|tier| tier.members.len()).sum();
        f.debug_struct("Endpoints")
            .field("serving", &serving)
            .field("panic", &snapshot.panic)
            .finish_non_exhaustive()
    }
}

/// An endpoint that finishes what it has.
#[derive(Debug)]
#[must_use = "the endpoint drains anyway; this tells when it is done"]
pub struct Draining {
    state: Arc<State>,
}

impl Draining {
    /// Returns when it has no request in flight any more.
    pub async fn idle(&self) {
        self.state.idle().await;
    }
}
