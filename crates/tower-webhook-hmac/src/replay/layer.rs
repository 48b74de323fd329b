use std::time::Duration;

use tower_layer::Layer;

use super::ReplayGuard;

/// GitHub lets a delivery be sent again for three days.
const KEEP: Duration = Duration::from_secs(72 * 3600);

/// Longer than any provider waits for an answer.
const LEASE: Duration = Duration::from_secs(60);

/// Lets each verified delivery through to the inner service once.
///
/// Stands inside [`VerifyWebhookLayer`](crate::VerifyWebhookLayer). See the [crate](crate)
/// documentation.
#[derive(Debug, Clone)]
pub struct ReplayGuardLayer<R> {
    store: R,
    terms: Terms,
}

/// What a guard does with its store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) lease: Duration,
    pub(super) keep: Duration,
    pub(super) forward: bool,
}

impl<R> ReplayGuardLayer<R> {
    /// Remembers deliveries in `store`: a [`ReplayStore`](super::ReplayStore).
    pub fn new(store: R) -> Self {
        Self {
            store,
            terms: Terms {
                lease: LEASE,
                keep: KEEP,
                forward: false,
            },
        }
    }

    /// How long a handled delivery is remembered: at least twice the tolerance where a timestamp is
    /// signed, and where none is, as long as you want to be safe.
    ///
    /// Default: 72 h, the time within which GitHub repeats a delivery.
    #[must_use]
    pub fn keep(mut self, keep: Duration) -> Self {
        self.terms.keep = keep;
        self
    }

    /// How long a handler may take before another attempt at the same delivery is let through.
    ///
    /// Default: 60 s, longer than any provider waits.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.terms.lease = lease;
        self
    }

    /// Duplicates reach the inner service too, with [`Replay::Duplicate`](super::Replay) among their
    /// extensions, for it to answer in its own way.
    #[must_use]
    pub fn forward_duplicates(mut self) -> Self {
        self.terms.forward = true;
        self
    }
}

impl<R: Clone, S> Layer<S> for ReplayGuardLayer<R> {
    type Service = ReplayGuard<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        ReplayGuard::new(inner, self.store.clone(), self.terms)
    }
}
