use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Cause, State, metrics::Metrics};

/// What happened to a circuit, for its handle and for the metrics.
#[derive(Debug)]
pub(crate) struct Counts {
    opened: AtomicU64,
    rejected: AtomicU64,
    late: AtomicU64,
    metrics: Metrics,
}

impl Counts {
    pub(crate) fn new(name: Option<&'static str>) -> Self {
        Self {
            opened: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            late: AtomicU64::new(0),
            metrics: Metrics::new(name),
        }
    }

    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn late_results(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    pub(crate) fn changed(&self, from: State, to: State) {
        if to == State::Open {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        if from != to {
            self.metrics.changed(from, to);
        }
    }

    pub(crate) fn refused(&self, cause: Cause) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        self.metrics.refused(cause);
    }

    pub(crate) fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
        self.metrics.late();
    }

    /// The circuit ends in this state.
    pub(crate) fn gone(&self, state: State) {
        self.metrics.gone(state);
    }
}
