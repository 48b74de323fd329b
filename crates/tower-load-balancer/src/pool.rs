use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

use crate::{Ejection, metrics::Metrics, state::State};

const NEVER: u64 = u64::MAX;

/// What all endpoints of a set share, whatever their type.
#[derive(Debug)]
pub(crate) struct Pool {
    start: Instant,
    /// When the snapshot has to be made anew, in nanoseconds since `start`: an endpoint was ejected,
    /// comes back, or has come a step further in its slow start. All that a request looks at while
    /// nothing happens.
    due: AtomicU64,
    /// Failures in a row that eject, as in `settings`; zero when nothing does.
    consecutive: AtomicU32,
    /// Requests in flight; counted only under policies that ask for it.
    pub(crate) in_flight: AtomicUsize,
    settings: Mutex<Settings>,
    /// Endpoints came or went, or something about them changed.
    pub(crate) changed: Notify,
}

#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) ejection: Option<Ejection>,
    pub(crate) panic_threshold: u8,
    pub(crate) slow_start: Duration,
    pub(crate) metrics: Metrics,
    /// By priority.
    pub(crate) tally: BTreeMap<u8, Tally>,
}

#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) members: usize,
    pub(crate) ejected: usize,
}

impl Pool {
    pub(crate) fn new() -> Self {
        let ejection = Ejection::new();
        Self {
            start: Instant::now(),
            due: AtomicU64::new(NEVER),
            consecutive: AtomicU32::new(ejection.consecutive()),
            in_flight: AtomicUsize::new(0),
            settings: Mutex::new(Settings {
                ejection: Some(ejection),
                panic_threshold: 50,
                slow_start: Duration::ZERO,
                metrics: Metrics::new(None),
                tally: BTreeMap::new(),
            }),
            changed: Notify::new(),
        }
    }

    /// Time since the set was made.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Nothing is half done when a thread panics with the lock: each field stands for itself.
    pub(crate) fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_ejection(&self, ejection: Option<Ejection>) {
        let consecutive = ejection.as_ref().map_or(0, Ejection::consecutive);
        self.consecutive.store(consecutive, Ordering::Relaxed);
        self.settings().ejection = ejection;
    }

    /// Failures in a row after which [`eject`](Self::eject) is to be asked; `None` for never.
    pub(crate) fn consecutive(&self) -> Option<u32> {
        Some(self.consecutive.load(Ordering::Relaxed)).filter(|consecutive| *consecutive > 0)
    }

    /// Ejects the endpoint, when the rule allows one more.
    pub(crate) fn eject(&self, state: &State, hint: Option<Duration>) {
        let now = self.now();
        let mut settings = self.settings();
        let Settings {
            ejection: Some(rule),
            tally,
            metrics,
            ..
        } = &mut *settings
        else {
            return;
        };
        let mut condition = state.condition();
        let tally = tally.entry(state.priority()).or_default();
        if condition.ejected_until().is_some() || !rule.allows(tally.ejected, tally.members) {
            return;
        }
        condition.eject(now, rule, hint, fastrand::f64());
        tally.ejected += 1;
        metrics.ejected();
        self.due.store(0, Ordering::Release);
    }

    pub(crate) fn is_due(&self) -> bool {
        match self.due.load(Ordering::Acquire) {
            NEVER => false,
            0 => true,
            due => u128::from(due) <= self.now().as_nanos(),
        }
    }

    /// Whoever makes the snapshot anew says so before it looks at the first endpoint, so that what
    /// happens meanwhile makes it due again.
    pub(crate) fn begin(&self) {
        self.due.swap(NEVER, Ordering::AcqRel);
    }

    pub(crate) fn due_at(&self, at: Duration) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(NEVER);
        self.due.fetch_min(nanos, Ordering::AcqRel);
    }
}
