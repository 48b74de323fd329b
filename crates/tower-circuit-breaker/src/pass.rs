use std::{fmt, sync::Arc};

use crate::{Classify, Verdict, circuit::Permit, service::Link};

/// A permit on its way through a call. Settled once: by a result, by a panic of the inner service,
/// else, when dropped, as ignored.
pub(crate) struct Pass<C> {
    permit: Option<Permit>,
    link: Arc<Link<C>>,
}

impl<C> Pass<C> {
    pub(crate) fn new(permit: Permit, link: Arc<Link<C>>) -> Self {
        Self {
            permit: Some(permit),
            link,
        }
    }

    pub(crate) fn judge<T, E>(&mut self, result: Result<&T, &E>)
    where
        C: Classify<T, E>,
    {
        let verdict = self.link.classifier.classify(result);
        self.settle(verdict);
    }

    /// Runs code of the inner service; if it panics, that was a failure.
    pub(crate) fn or_failure<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let guard = FailOnUnwind(self);
        let value = run();
        std::mem::forget(guard);
        value
    }

    fn settle(&mut self, verdict: Verdict) {
        if let Some(permit) = self.permit.take() {
            self.link.circuit.settle(permit, verdict);
        }
    }
}

impl<C> Drop for Pass<C> {
    fn drop(&mut self) {
        self.settle(Verdict::Ignore);
    }
}

// By hand: a closure has no `Debug`.
impl<C> fmt::Debug for Pass<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pass").field(&self.permit).finish()
    }
}

struct FailOnUnwind<'a, C>(&'a mut Pass<C>);

impl<C> Drop for FailOnUnwind<'_, C> {
    fn drop(&mut self) {
        self.0.settle(Verdict::Failure);
    }
}
