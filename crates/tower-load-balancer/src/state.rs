use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{Verdict, condition::Condition, ewma::Ewma, pool::Pool};

/// What is known of one endpoint. It belongs to the key: it outlives snapshots, and an endpoint that
/// is put in again under its key finds it as it was.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) id: u64,
    pub(crate) hash: u64,
    priority: AtomicU8,
    in_flight: AtomicU32,
    /// Failures in a row.
    failures: AtomicU32,
    latency: AtomicU64,
    condition: Mutex<Condition>,
    /// Somebody waits for the last request to end.
    watched: AtomicBool,
    idle: Notify,
    pub(crate) pool: Arc<Pool>,
}

impl State {
    pub(crate) fn new(id: u64, hash: u64, priority: u8, pool: Arc<Pool>) -> Self {
        Self {
            id,
            hash,
            priority: AtomicU8::new(priority),
            in_flight: AtomicU32::new(0),
            failures: AtomicU32::new(0),
            latency: AtomicU64::new(Ewma::UNKNOWN),
            condition: Mutex::new(Condition::new(pool.now())),
            watched: AtomicBool::new(false),
            idle: Notify::new(),
            pool,
        }
    }

    /// Nothing is half done when a thread panics with the lock: transitions don't panic.
    pub(crate) fn condition(&self) -> MutexGuard<'_, Condition> {
        self.condition
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn priority(&self) -> u8 {
        self.priority.load(Ordering::Relaxed)
    }

    pub(crate) fn set_priority(&self, priority: u8) {
        self.priority.store(priority, Ordering::Relaxed);
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn latency(&self) -> Option<Ewma> {
        Ewma::from_word(self.latency.load(Ordering::Relaxed))
    }

    /// One more request in flight, unless there are `limit`.
    pub(crate) fn enter(&self, limit: u32) -> bool {
        if limit == u32::MAX {
            self.in_flight.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let more = |in_flight| (in_flight < limit).then_some(in_flight + 1);
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .is_ok()
    }

    pub(crate) fn leave(&self) {
        // In one order with `idle`: either this sees the flag, or the other sees the zero.
        let before = self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if before == 1 && self.watched.load(Ordering::SeqCst) {
            self.idle.notify_waiters();
        }
    }

    pub(crate) async fn idle(&self) {
        self.watched.store(true, Ordering::SeqCst);
        loop {
            // Exists before the look at the number, so that no wake-up after it is missed.
            let idle = self.idle.notified();
            if self.in_flight.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }

    pub(crate) fn record(&self, verdict: Verdict) {
        match verdict {
            Verdict::Success => {
                if self.failures() != 0 {
                    self.failures.store(0, Ordering::Relaxed);
                }
            }
            Verdict::Failure => self.fail(None),
            Verdict::Unavailable(wait) => self.fail(Some(wait).filter(|wait| !wait.is_zero())),
        }
    }

    fn fail(&self, hint: Option<Duration>) {
        let more = |failures: u32| Some(failures.saturating_add(1));
        let before = self
            .failures
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .unwrap_or_else(|failures| failures);
        let Some(consecutive) = self.pool.consecutive() else {
            return;
        };
        if hint.is_some() || before.saturating_add(1) >= consecutive {
            self.pool.eject(self, hint);
        }
    }

    /// Back from an ejection: the next failure is enough for another one.
    pub(crate) fn on_probation(&self) {
        let failures = self
            .pool
            .consecutive()
            .map_or(0, |consecutive| consecutive - 1);
        self.failures.store(failures, Ordering::Relaxed);
    }

    /// Takes note of an answer that took `took`.
    pub(crate) fn observe(&self, took: Duration, now: Duration, decay: Duration) {
        let update = |word| {
            let after = Ewma::observe(Ewma::from_word(word), took, now, decay);
            Some(after.to_word())
        };
        // The closure always has an answer.
        let _ = self
            .latency
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
    }
}
