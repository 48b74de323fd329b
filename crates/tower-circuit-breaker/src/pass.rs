use std::{fmt, sync::Arc, time::Duration};

use crate::{Classify, Verdict, circuit::Circuit, permit::Permit};

/// One per clone of a service: its calls then count references here, where no other thread does,
/// instead of at the circuit all threads share.
pub(crate) struct Link<C> {
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) classifier: Arc<C>,
}

// By hand: the classifier is shared, not cloned.
impl<C> Clone for Link<C> {
    fn clone(&self) -> Self {
        Self {
            circuit: Arc::clone(&self.circuit),
            classifier: Arc::clone(&self.classifier),
        }
    }
}

/// A permit on its way through a call. Settled once: by a result, by a panic of the inner service,
/// else, when dropped, as cancelled.
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

    #[inline]
    pub(crate) fn judge<T, E>(&mut self, result: Result<&T, &E>)
    where
        C: Classify<T, E>,
    {
        let verdict = self.link.classifier.classify(result);
        self.settle_result(verdict, result);
    }

    /// Settles unless the result is a success; then says that it is.
    #[cfg(feature = "http")]
    pub(crate) fn judge_head<T, E>(&mut self, result: Result<&T, &E>) -> bool
    where
        C: Classify<T, E>,
    {
        let verdict = self.link.classifier.classify(result);
        let success = verdict == Verdict::Success;
        if !success {
            self.settle_result(verdict, result);
        }
        success
    }

    /// Runs code of the inner service; if it panics, the call ends with the verdict set for that.
    #[inline]
    pub(crate) fn watch<T>(&mut self, run: impl FnOnce() -> T) -> T {
        let guard = OnUnwind(self);
        let value = run();
        std::mem::forget(guard);
        value
    }

    #[inline]
    pub(crate) fn settle(&mut self, verdict: Verdict, hint: Option<Duration>) {
        if let Some(permit) = self.permit.take() {
            self.link.circuit.settle(permit, verdict, hint);
        }
    }

    #[inline]
    fn settle_result<T, E>(&mut self, verdict: Verdict, result: Result<&T, &E>)
    where
        C: Classify<T, E>,
    {
        let hint = match verdict {
            Verdict::Failure | Verdict::Throttled => self.link.classifier.retry_after(result),
            Verdict::Success | Verdict::Ignore => None,
        };
        self.settle(verdict, hint);
    }
}

impl<C> Drop for Pass<C> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.link.circuit.cancel(permit);
        }
    }
}

// By hand: a closure has no `Debug`.
impl<C> fmt::Debug for Pass<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pass").field(&self.permit).finish()
    }
}

struct OnUnwind<'a, C>(&'a mut Pass<C>);

impl<C> Drop for OnUnwind<'_, C> {
    fn drop(&mut self) {
        let verdict = self.0.link.circuit.settings().on_panic;
        self.0.settle(verdict, None);
    }
}
