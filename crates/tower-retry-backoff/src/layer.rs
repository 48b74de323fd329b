use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tower_layer::Layer;

use crate::{Backoff, Budget, Retry, Stats, limits::Limits, metrics::Metrics};

/// Makes [`Retry`] services. Rules, costs and examples are on the [crate](crate) page.
///
/// Services made by one layer, and by its clones, share the [`Stats`].
#[derive(Clone)]
pub struct RetryLayer<P> {
    pub(crate) settings: Settings<P>,
}

impl<P> RetryLayer<P> {
    /// Retries what `policy` says, at most 3 attempts within 30 s, with the default [`Backoff`].
    pub fn new(policy: P) -> Self {
        Self {
            settings: Settings {
                policy,
                backoff: Backoff::default(),
                limits: Limits {
                    max_attempts: NonZeroU32::MIN.saturating_add(2),
                    deadline: Duration::from_secs(30),
                    hint_cap: Duration::from_secs(60),
                },
                budget: None,
                seeds: Seeds::Entropy,
                stats: Stats::default(),
                metrics: Metrics::new(""),
            },
        }
    }

    /// How long to wait between attempts; 50 ms growing to 10 s by default.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// The most attempts one call makes, the first included; 3 by default, since a failure that
    /// outlives two retries seldom ends soon. With 1 nothing is retried.
    #[must_use]
    pub fn max_attempts(mut self, max_attempts: NonZeroU32) -> Self {
        self.settings.limits.max_attempts = max_attempts;
        self
    }

    /// How long after a call began attempts may still start; 30 s by default, a common patience of
    /// callers. No delay is slept that would end at this time or later; timers of tokio may run up
    /// to 1 ms late. It counts from the first poll of the response future.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.settings.limits.deadline = deadline;
        self
    }

    /// The longest hint that is waited for; 60 s by default, the usual window of a rate limit. A
    /// longer hint ends the call with the result that carried it.
    #[must_use]
    pub fn hint_cap(mut self, hint_cap: Duration) -> Self {
        self.settings.limits.hint_cap = hint_cap;
        self
    }

    /// Holds the retries of all calls together to a share of the calls. There is none by default, as
    /// a right one is shared by all that call one upstream; with much traffic, take one.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.settings.budget = Some(budget);
        self
    }

    /// Makes the delays reproducible, for tests: the first call to be retried always draws the same
    /// delays, the second others, and so on. Clones and services of this layer share the sequence.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seeds = Seeds::Sequence(Arc::new(AtomicU64::new(seed)));
        self
    }

    /// The label `upstream` of the metrics (feature `metrics`), empty by default.
    #[must_use]
    pub fn upstream(mut self, name: &'static str) -> Self {
        self.settings.metrics = Metrics::new(name);
        self
    }

    /// A handle to the counters of all services made by this layer.
    pub fn stats(&self) -> Stats {
        self.settings.stats.clone()
    }
}

impl<S, P: Clone> Layer<S> for RetryLayer<P> {
    type Service = Retry<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Retry::new(inner, Arc::new(self.settings.clone()))
    }
}

impl<P> fmt::Debug for RetryLayer<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("settings", &self.settings)
            .finish()
    }
}

/// What a layer hands to its services.
#[derive(Clone)]
pub(crate) struct Settings<P> {
    pub(crate) policy: P,
    pub(crate) backoff: Backoff,
    pub(crate) limits: Limits,
    pub(crate) budget: Option<Budget>,
    pub(crate) seeds: Seeds,
    pub(crate) stats: Stats,
    pub(crate) metrics: Metrics,
}

// The policy is left out, so that a closure will do.
impl<P> fmt::Debug for Settings<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("backoff", &self.backoff)
            .field("limits", &self.limits)
            .field("budget", &self.budget)
            .field("stats", &self.stats)
            .field("metrics", &self.metrics)
            .finish_non_exhaustive()
    }
}

/// Where the seed of a request's delays comes from: a different one for every request.
#[derive(Debug, Clone)]
pub(crate) enum Seeds {
    Entropy,
    Sequence(Arc<AtomicU64>),
}

impl Seeds {
    pub(crate) fn draw(&self) -> u64 {
        match self {
            Self::Entropy => fastrand::u64(..),
            // Neighbouring seeds are scattered, so that no request repeats part of another's draws.
            Self::Sequence(next) => fastrand::Rng::with_seed(next.fetch_add(1, Relaxed)).u64(..),
        }
    }
}
