use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{HeaderName, HeaderValue};

use super::{
    key::Key,
    policy::{Mode, Policy},
    seed::Seed,
    stats::Counters,
    vary::Normalize,
};
use crate::flight::Flights;

/// What all clones of a layer, its services, bodies and handles have in common.
#[derive(Debug)]
pub(crate) struct Shared<St> {
    pub(crate) store: St,
    pub(crate) counters: Counters,
    pub(crate) flights: Flights<Key>,
    /// Bytes of bodies on their way into the store.
    in_flight: AtomicUsize,
}

impl<St> Shared<St> {
    pub(crate) fn new(store: St) -> Self {
        Self {
            store,
            counters: Counters::default(),
            flights: Flights::new(),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Takes `bytes` of the budget for bodies under way, unless that is spent.
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize, most: usize) -> bool {
        let reserved = |held: usize| held.checked_add(bytes).filter(|held| *held <= most);
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, reserved)
            .is_ok()
    }

    pub(crate) fn release(&self, bytes: usize) {
        self.in_flight.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// How one layer uses what it shares.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) policy: Policy,
    pub(crate) seed: Seed,
    /// How long to wait for an equal request; zero for not at all.
    pub(crate) coalesce: Duration,
    pub(crate) max_variants: usize,
    pub(crate) normalize: Option<Normalize>,
    pub(crate) max_in_flight_bytes: usize,
    pub(crate) generate_etag: bool,
    pub(crate) tag_header: Option<HeaderName>,
    /// The name this cache has in `Cache-Status`.
    pub(crate) cache_status: Option<HeaderValue>,
}

impl Settings {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            policy: Policy::new(mode),
            seed: Seed::random(),
            coalesce: Duration::from_secs(5),
            max_variants: 16,
            normalize: None,
            max_in_flight_bytes: 64 * 1024 * 1024,
            generate_etag: false,
            tag_header: None,
            cache_status: None,
        }
    }
}

// The seed stays out: with it, digests of weak credentials could be searched for.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("policy", &self.policy)
            .field("coalesce", &self.coalesce)
            .field("max_variants", &self.max_variants)
            .field("max_in_flight_bytes", &self.max_in_flight_bytes)
            .field("generate_etag", &self.generate_etag)
            .field("tag_header", &self.tag_header)
            .field("cache_status", &self.cache_status)
            .finish_non_exhaustive()
    }
}
