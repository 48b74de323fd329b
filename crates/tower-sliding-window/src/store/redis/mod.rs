//! Windows that several processes share, on a Redis or Valkey server.

mod breaker;
mod denials;
mod future;
mod leases;
mod link;
mod on_failure;
mod script;
mod shared;

use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use self::{
    breaker::Breaker,
    denials::Denials,
    leases::Leases,
    link::Link,
    on_failure::on_share,
    script::{Operation, Question},
    shared::Shared,
};
pub use self::{future::RedisAdmit, link::Connect, on_failure::OnFailure};
use super::{Adjust, Charge, MemoryStore, Store};

/// How long a decision may take before the server counts as away, unless told otherwise: 50
/// milliseconds. Some hundred times what a server in the same data centre needs, and little beside
/// what requests themselves take.
pub const DEFAULT_DEADLINE: Duration = Duration::from_millis(50);

/// Windows that several processes share, with the promises of [`SlidingWindow`] for all of them
/// together: one script on the server decides, by the server's clock.
///
/// All tiers of a key are in one value, so that a cluster keeps them in one place; it expires by
/// itself. A value is 20 bytes for each entry of the log, of which there are at most 66 for each
/// tier. Times are in microseconds, windows rounded up to them.
///
/// # Deciding without the server
///
/// A refusal is remembered until the instant it ends, so that a flood of refused requests stays in
/// this process. It may so outlast a refund made by another process.
/// [`lease`](Self::lease) prepays several requests with one question.
///
/// # When the server is away
///
/// Away is a server that fails, cannot be reached, or does not answer by the
/// [`deadline`](Self::deadline), and one that may not write: a replica, or one out of memory. Then
/// [`OnFailure`] decides, at once for everybody, and once a second one request tries the server
/// again. A question that was not answered in time may yet be charged; it is never repeated.
///
/// # Cost
///
/// A decision allocates a few times, and takes a round trip on a connection that all share. A
/// remembered refusal takes one lock.
///
/// ```no_run
/// use std::time::Duration;
/// use tower::{Layer, Service, ServiceExt, service_fn};
/// use tower_sliding_window::{Quota, RateLimitLayer, redis::{OnFailure, RedisStore}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://127.0.0.1/")?;
/// // Four processes share these quotas, and each has a quarter while the server is away.
/// let store = RedisStore::new(client, "api", |user: &u64| user.to_string())
///     .on_failure(OnFailure::local(4));
/// let quota = Quota::new(60, Duration::from_secs(30))?;
/// let mut service = RateLimitLayer::new(|user: &u64| Some(*user), quota)
///     .store(store)
///     .layer(service_fn(|user: u64| async move { Ok::<_, std::io::Error>(user) }));
/// service.ready().await?.call(7).await?;
/// # Ok(())
/// # }
/// ```
///
/// [`SlidingWindow`]: crate::SlidingWindow
pub struct RedisStore<K, C: Connect = ::redis::Client> {
    shared: Arc<Shared<K, C>>,
}

impl<K: Hash + Eq + Clone, C: Connect> RedisStore<K, C> {
    /// Windows on the server that `client` knows. `prefix` tells this limiter's keys from those of
    /// others, `name` one key from another: the server's key is `prefix:{name}`. Give names a
    /// bounded length.
    ///
    /// Connects when first asked, and again whenever the connection fails.
    #[must_use]
    pub fn new(
        client: C,
        prefix: impl Into<String>,
        name: impl Fn(&K) -> String + Send + Sync + 'static,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                link: Link::new(client),
                prefix: prefix.into(),
                name: Box::new(name),
                deadline: DEFAULT_DEADLINE,
                on_failure: OnFailure::default(),
                local: MemoryStore::new(),
                lease: NonZeroU32::MIN,
                leases: Leases::default(),
                denials: Denials::default(),
                breaker: Breaker::default(),
            }),
        }
    }
}

impl<K, C: Connect> RedisStore<K, C> {
    /// How long a decision may take. Default: [`DEFAULT_DEADLINE`].
    #[must_use]
    pub fn deadline(self, deadline: Duration) -> Self {
        self.with(|shared| shared.deadline = deadline)
    }

    /// Who decides while the server is away. Default: [`OnFailure::Deny`].
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        self.with(|shared| shared.on_failure = on_failure)
    }

    /// Takes up to `requests` of a key's quota at once, if there is room, and pays further
    /// requests from it without asking. Requests that come while the server is asked are part of
    /// the same question. Default: 1.
    ///
    /// What is taken counts as used at the end of the lease, which is 1/64 of the key's shortest
    /// window; what is left by then is lost. So the limit holds as it does without, and
    /// each process may leave a lease unused: choose it well below `limit / processes`.
    #[must_use]
    pub fn lease(self, requests: NonZeroU32) -> Self {
        self.with(|shared| shared.lease = requests)
    }

    fn with(mut self, change: impl FnOnce(&mut Shared<K, C>)) -> Self {
        // Nobody else has it before it is given to a layer; afterwards it stays as it is.
        if let Some(shared) = Arc::get_mut(&mut self.shared) {
            change(shared);
        }
        self
    }
}

impl<K, C> Store<K> for RedisStore<K, C>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    C: Connect,
{
    type Admit = RedisAdmit;

    fn admit(&self, charge: Charge<'_, K>) -> RedisAdmit {
        let shared = &self.shared;
        if let Some(denied) = shared.denials.known(&charge) {
            return RedisAdmit::done(Err(denied));
        }
        let lease = (shared.lease > NonZeroU32::MIN)
            .then(|| shared.leases.of(charge.key))
            .flatten();
        match &lease {
            Some(lease) => {
                if let Some(admission) = lease.pay(&charge) {
                    shared.count_beside(&charge);
                    return RedisAdmit::done(Ok(admission));
                }
            }
            None if !shared.breaker.allows() => {
                return RedisAdmit::done(shared.without_server(&charge));
            }
            None => {}
        }
        let shared = Arc::clone(shared);
        let (key, cost) = (charge.key.clone(), charge.cost);
        let question = shared.question(
            &charge,
            Operation::Admit {
                take: cost,
                later: Duration::ZERO,
            },
        );
        RedisAdmit::asking(async move {
            match lease {
                Some(lease) => shared.decide_leased(&key, question, &lease).await,
                None => shared.decide(&key, question).await,
            }
        })
    }
}

/// Sent on their way as tasks of the runtime; what the server does not take is lost.
impl<K, C> Adjust<K> for RedisStore<K, C>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    C: Connect,
{
    fn charge(&self, charge: Charge<'_, K>) {
        let shared = &self.shared;
        if let OnFailure::Local { share } = shared.on_failure {
            on_share(&charge, share, |charge| {
                Adjust::charge(&shared.local, charge);
            });
        }
        self.send(shared.question(&charge, Operation::Charge));
    }

    fn refund(&self, charge: Charge<'_, K>, stamp: u64) {
        let shared = &self.shared;
        if let OnFailure::Local { .. } = shared.on_failure {
            shared.local.refund(charge.key, charge.cost);
        }
        shared.denials.forget(charge.key);
        self.send(shared.question(&charge, Operation::Refund { stamp }));
    }
}

impl<K, C> RedisStore<K, C>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    C: Connect,
{
    fn send(&self, question: Question) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        if self.shared.breaker.allows() {
            let shared = Arc::clone(&self.shared);
            runtime.spawn(async move { shared.ask(&question).await });
        }
    }
}

/// By hand, since sharing needs no `K: Clone`.
impl<K, C: Connect> Clone for RedisStore<K, C> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// Without the address, which may hold a password, and the keys, which name people.
impl<K, C: Connect> fmt::Debug for RedisStore<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("prefix", &self.shared.prefix)
            .field("deadline", &self.shared.deadline)
            .field("on_failure", &self.shared.on_failure)
            .finish_non_exhaustive()
    }
}
