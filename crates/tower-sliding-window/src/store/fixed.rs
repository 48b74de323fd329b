use std::{
    fmt,
    future::{Ready, ready},
    hash::{BuildHasher, Hash, RandomState},
    marker::PhantomData,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use super::{
    Adjust, Charge, Store,
    clock::{Clock, Now},
    line::{Line, Tag, WAYS},
};
use crate::{Admission, Algorithm, ApproxWindow, Denied, Quota, Usage};

/// How many different quotas a store tells apart: a place has a byte for which.
const MAX_QUOTAS: usize = 256;

/// The windows of this process in memory of a fixed size, taken at once: for keys chosen by
/// strangers who have many.
///
/// A place has 16 bytes: the digest of a key, and a word for an [`Algorithm`] that has no more,
/// [`ApproxWindow`] or [`Gcra`](crate::Gcra). Seven places are under one lock, within which any
/// key belongs; where none is free, the least used of them is forgotten, but never one at its
/// limit. So a key whose limit is more than 1 may be forgotten while it counts. How many are, when
/// each of so many keys makes one request:
///
/// | keys for each place | forgotten |
/// |---|---|
/// | 0.25 | below 0.1 % |
/// | 0.5 | 1.1 % |
/// | 0.75 | 6 % |
/// | 1 | 15 % |
///
/// With [`MemoryStore`](crate::MemoryStore) none is before it is full, at four times the memory.
///
/// It is for many keys and few quotas: of more than 256 different ones, and for a request with
/// more than seven tiers, requests are denied. Each tier takes a place.
///
/// # Cost
///
/// 18.3 bytes a place. A decision hashes the key with SipHash, since equal digests mean a shared
/// quota, takes one of very many locks, and allocates nothing.
///
/// ```
/// use std::{num::NonZeroUsize, time::Duration};
/// use tower_sliding_window::{Charge, FixedStore, Quota, Store};
///
/// let store = FixedStore::<u64>::new(NonZeroUsize::MIN.saturating_add(1_000_000));
/// let quota = Quota::new(1, Duration::from_secs(30))?;
/// assert!(store.admit(Charge::new(&7, quota)).into_inner().is_ok());
/// assert!(store.admit(Charge::new(&7, quota)).into_inner().is_err());
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
pub struct FixedStore<K, A = ApproxWindow> {
    inner: Arc<Inner<A>>,
    /// Keys are read, not kept.
    keys: PhantomData<fn(&K)>,
}

struct Inner<A> {
    lines: Box<[Locked<A>]>,
    /// Filled from the front, never changed: the position is what places remember.
    quotas: Box<[OnceLock<Quota>]>,
    hasher: RandomState,
    clock: Clock,
}

/// Two cache lines, which are no one else's.
#[repr(align(128))]
struct Locked<A>(Mutex<Line<A>>);

impl<K: Hash> FixedStore<K> {
    /// A store of at least so many places, counting by [`ApproxWindow`].
    #[must_use]
    pub fn new(places: NonZeroUsize) -> Self {
        Self::empty(places.get().div_ceil(WAYS), Clock::tokio())
    }
}

impl<K: Hash, A: Algorithm + Copy> FixedStore<K, A> {
    /// Counts by another rule, best one that fits a word. Call it first: windows are not taken
    /// over.
    #[must_use]
    pub fn algorithm<B: Algorithm + Copy>(self) -> FixedStore<K, B> {
        let (lines, clock) = (self.inner.lines.len(), self.inner.clock);
        drop(self);
        FixedStore::empty(lines, clock)
    }

    /// Reads a clock that costs a tenth; see
    /// [`MemoryStore::coarse_clock`](crate::MemoryStore::coarse_clock).
    #[cfg(feature = "coarse-clock")]
    #[must_use]
    pub fn coarse_clock(self) -> Self {
        let lines = self.inner.lines.len();
        drop(self);
        Self::empty(lines, Clock::coarse())
    }

    fn empty(lines: usize, clock: Clock) -> Self {
        let inner = Inner {
            lines: (0..lines).map(|_| Locked(Mutex::default())).collect(),
            quotas: (0..MAX_QUOTAS).map(|_| OnceLock::new()).collect(),
            hasher: RandomState::new(),
            clock,
        };
        Self {
            inner: Arc::new(inner),
            keys: PhantomData,
        }
    }

    /// How full the quota of `key` is: of several tiers, the tightest. `None` for a key that is
    /// not held.
    #[must_use]
    pub fn usage(&self, key: &K) -> Option<Usage> {
        let digest = self.inner.hasher.hash_one(key);
        let (now, line) = (self.inner.clock.now(), self.inner.line(digest));
        let usage = |tier| line.usage(now.at, Tag::new(digest, tier), &self.inner.quotas);
        let mut tightest = (0..WAYS).filter_map(usage).max_by(|one, other| {
            let longer = one.next_admission.cmp(&other.next_admission);
            longer.then(one.percentage().total_cmp(&other.percentage()))
        })?;
        if !tightest.next_admission.is_zero() {
            let tick = Duration::from_nanos(now.tick);
            tightest.next_admission = tightest.next_admission.saturating_add(tick);
        }
        Some(tightest)
    }
}

impl<K: Hash, A: Algorithm + Copy> Store<K> for FixedStore<K, A> {
    type Admit = Ready<Result<Admission, Denied>>;

    fn admit(&self, charge: Charge<'_, K>) -> Self::Admit {
        let digest = self.inner.hasher.hash_one(charge.key);
        let now = self.inner.clock.now();
        let Some((tags, quotas)) = self.inner.tiers(digest, now, &charge) else {
            return ready(Err(Denied::new(charge.quota, Duration::MAX)));
        };
        let known = &self.inner.quotas;
        let mut line = self.inner.line(digest);
        let decision = line.admit(now.at, charge.cost, &tags, &quotas, known);
        drop(line);
        if now.tick == 0 {
            return ready(decision);
        }
        // Told of the quota itself, and to wait until the clock has ticked.
        ready(match decision {
            Ok(admission) => {
                let quota = admission.quota.shorter_by(now.tick);
                Ok(Admission::new(quota, admission.remaining).stamped(admission.stamp()))
            }
            Err(denied) => {
                let wait = denied
                    .retry_after
                    .saturating_add(Duration::from_nanos(now.tick));
                Err(Denied::new(denied.quota.shorter_by(now.tick), wait))
            }
        })
    }
}

impl<K: Hash, A: Algorithm + Copy> Adjust<K> for FixedStore<K, A> {
    fn charge(&self, charge: Charge<'_, K>) {
        let digest = self.inner.hasher.hash_one(charge.key);
        let now = self.inner.clock.now();
        if let Some((tags, quotas)) = self.inner.tiers(digest, now, &charge) {
            let known = &self.inner.quotas;
            let mut line = self.inner.line(digest);
            // Where all places are at their limit there is nowhere to note it.
            let _ = line.charge(now.at, charge.cost, &tags, &quotas, known);
        }
    }

    fn refund(&self, charge: Charge<'_, K>, stamp: u64) {
        let digest = self.inner.hasher.hash_one(charge.key);
        let now = self.inner.clock.now();
        if let Some((tags, quotas)) = self.inner.tiers(digest, now, &charge) {
            let mut line = self.inner.line(digest);
            line.refund(now.at, stamp, charge.cost, &tags, &quotas);
        }
    }
}

/// The places and the quotas of a charge's tiers; unused ones at the end.
type Tiers = ([Option<Tag>; WAYS], [Quota; WAYS]);

impl<A> Inner<A> {
    /// Windows are longer by the clock's tick, so that the limit holds in true time.
    fn tiers<K>(&self, digest: u64, now: Now, charge: &Charge<'_, K>) -> Option<Tiers> {
        let mut tags = [None; WAYS];
        let mut quotas = [charge.quota; WAYS];
        if charge.further.len() >= WAYS {
            return None;
        }
        let tiers = std::iter::once(&charge.quota).chain(charge.further);
        for (position, quota) in tiers.enumerate() {
            let quota = quota.longer_by(now.tick);
            tags[position] = Some(Tag::new(digest, position).under(self.position_of(quota)?));
            quotas[position] = quota;
        }
        Some((tags, quotas))
    }

    /// Where a quota is kept, from now on if it is new.
    fn position_of(&self, quota: Quota) -> Option<u8> {
        let position = self
            .quotas
            .iter()
            .position(|place| *place.get_or_init(|| quota) == quota)?;
        u8::try_from(position).ok()
    }

    fn line(&self, digest: u64) -> MutexGuard<'_, Line<A>> {
        // The upper bits of the product spread evenly over any number of lines.
        let lines = self.lines.len() as u128;
        let position = (u128::from(digest) * lines) >> 64;
        let line = &self.lines[usize::try_from(position).unwrap_or(0)];
        // Nothing of the user's runs under this lock.
        line.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// By hand, since sharing needs no `Clone` of what is shared.
impl<K, A> Clone for FixedStore<K, A> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            keys: PhantomData,
        }
    }
}

impl<K, A> fmt::Debug for FixedStore<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedStore")
            .field("places", &(self.inner.lines.len() * WAYS))
            .finish_non_exhaustive()
    }
}
