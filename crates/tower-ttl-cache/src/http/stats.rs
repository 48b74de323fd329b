use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use super::{
    outcome::{BypassReason, CacheOutcome},
    store::Usage,
};

/// What a cache has done since it was made, and what it holds now.
///
/// The counters are read one after the other: a snapshot taken under load may be off by the calls
/// that ended in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Stats {
    /// Requests answered from the store.
    pub hits: u64,
    /// Requests answered from the store with a response past its lifetime.
    pub stale: u64,
    /// Requests answered from the store after the inner service has confirmed the response.
    pub revalidated: u64,
    /// Requests answered with the response to an equal one that was under way.
    pub coalesced: u64,
    /// Requests that might have been answered from the store and were not.
    pub misses: u64,
    /// Requests that went past the store.
    pub bypassed: u64,
    /// The same by reason.
    pub bypassed_for: Bypassed,
    /// Responses put into the store.
    pub stores: u64,
    /// Responses that were fit to be stored and were not: too large, too many under way, or their
    /// URI was invalidated meanwhile.
    pub refused: u64,
    /// Operations of the store that failed. The requests went on without it.
    pub store_errors: u64,
    /// Entries pushed out to keep the bounds of the store.
    pub evictions: u64,
    /// Entries in the store, those past their lifetime included. A response that varies takes one
    /// more for the list of headers it varies on.
    pub entries: u64,
    /// Bytes of all entries, as [`Entry::size`](crate::store::Entry::size) counts them.
    pub bytes: u64,
}

/// Requests that went past the store, by [`BypassReason`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Bypassed {
    /// [`BypassReason::Method`]
    pub method: u64,
    /// [`BypassReason::Range`]
    pub range: u64,
    /// [`BypassReason::Conditional`]
    pub conditional: u64,
    /// [`BypassReason::Content`]
    pub content: u64,
    /// [`BypassReason::Upgrade`]
    pub upgrade: u64,
    /// [`BypassReason::NoStore`]
    pub no_store: u64,
    /// [`BypassReason::Override`]
    pub overridden: u64,
}

impl Stats {
    /// Answers without a call of the inner service, fresh or stale, as a share of all requests
    /// that asked for one, from 0 to 1; 0 before the first. Requests that waited for an equal one
    /// asked and had none; bypassed requests did not ask.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let answered = self.hits.saturating_add(self.stale);
        let asked = [self.revalidated, self.coalesced, self.misses]
            .into_iter()
            .fold(answered, u64::saturating_add);
        if asked == 0 {
            0.0
        } else {
            answered as f64 / asked as f64
        }
    }
}

/// On one line: for a log or a status page.
impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hits, {} stale, {} revalidated, {} coalesced, {} misses ({:.1} % hits), \
             {} bypassed, {} refused, {} store errors; {} entries, {} bytes, {} evicted",
            self.hits,
            self.stale,
            self.revalidated,
            self.coalesced,
            self.misses,
            self.hit_ratio() * 100.0,
            self.bypassed,
            self.refused,
            self.store_errors,
            self.entries,
            self.bytes,
            self.evictions,
        )
    }
}

/// Counters only, nothing is ordered by them: relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    hits: Counter,
    stale: Counter,
    revalidated: Counter,
    coalesced: Counter,
    misses: Counter,
    unavailable: Counter,
    method: Counter,
    range: Counter,
    conditional: Counter,
    content: Counter,
    upgrade: Counter,
    no_store: Counter,
    overridden: Counter,
    pub(crate) stores: Counter,
    pub(crate) refused: Counter,
    pub(crate) store_errors: Counter,
}

impl Counters {
    pub(crate) fn count(&self, outcome: CacheOutcome) {
        match outcome {
            CacheOutcome::Hit => &self.hits,
            CacheOutcome::Stale(_) => &self.stale,
            CacheOutcome::Revalidated => &self.revalidated,
            CacheOutcome::Coalesced => &self.coalesced,
            CacheOutcome::Miss => &self.misses,
            CacheOutcome::Unavailable => &self.unavailable,
            CacheOutcome::Bypass(reason) => match reason {
                BypassReason::Method => &self.method,
                BypassReason::Range => &self.range,
                BypassReason::Conditional => &self.conditional,
                BypassReason::Content => &self.content,
                BypassReason::Upgrade => &self.upgrade,
                BypassReason::NoStore => &self.no_store,
                BypassReason::Override => &self.overridden,
            },
        }
        .add_one();
    }

    pub(crate) fn snapshot(&self, usage: Usage) -> Stats {
        let bypassed_for = Bypassed {
            method: self.method.read(),
            range: self.range.read(),
            conditional: self.conditional.read(),
            content: self.content.read(),
            upgrade: self.upgrade.read(),
            no_store: self.no_store.read(),
            overridden: self.overridden.read(),
        };
        Stats {
            hits: self.hits.read(),
            stale: self.stale.read(),
            revalidated: self.revalidated.read(),
            coalesced: self.coalesced.read(),
            // Nothing could answer, whether or not somebody else might have.
            misses: self.misses.read() + self.unavailable.read(),
            bypassed: bypassed_for.total(),
            bypassed_for,
            stores: self.stores.read(),
            refused: self.refused.read(),
            store_errors: self.store_errors.read(),
            evictions: usage.evictions,
            entries: usage.entries,
            bytes: usage.bytes,
        }
    }
}

impl Bypassed {
    const fn total(&self) -> u64 {
        self.method
            + self.range
            + self.conditional
            + self.content
            + self.upgrade
            + self.no_store
            + self.overridden
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
