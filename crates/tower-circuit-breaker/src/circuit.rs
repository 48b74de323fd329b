//! The state word and what goes with it, shared by all services of a layer.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{
    Cause, OnCancel, State, Verdict,
    clock::Clock,
    counts::Counts,
    evidence::Evidence,
    permit::Permit,
    random::Random,
    settings::Settings,
    state::{Admission, Phase, Refusal, Snapshot},
    word::{closed_generation, is_closed},
};

pub(crate) struct Circuit {
    /// A packed [`Snapshot`]. Every state is decided by replacing it in one step.
    word: AtomicU64,
    /// When a probe was last admitted. Written before the word that admits it, so that whoever
    /// reads that word reads this time or a later one.
    last_probe: AtomicU64,
    evidence: Evidence,
    /// Held while the evidence is handed to the next closed generation.
    closing: Mutex<()>,
    random: Random,
    counts: Counts,
    /// Told after every change of state, and when a probe gave its slot back.
    changed: Arc<Notify>,
    settings: Settings,
    clock: Clock,
}

impl Circuit {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            word: AtomicU64::new(Snapshot::CLOSED.into()),
            last_probe: AtomicU64::new(0),
            evidence: Evidence::new(settings.trip),
            closing: Mutex::new(()),
            random: Random::new(settings.jitter_seed),
            counts: Counts::new(settings.name),
            changed: Arc::default(),
            settings,
            clock: Clock::new(),
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Milliseconds since the circuit was made.
    pub(crate) fn now(&self) -> u64 {
        self.clock.millis()
    }

    pub(crate) fn changed(&self) -> &Arc<Notify> {
        &self.changed
    }

    pub(crate) fn state(&self) -> State {
        self.load().state()
    }

    /// How long a call would have to wait now; `None` while closed.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let current = self.load();
        if passes_all(current) {
            return None;
        }
        Some(match self.judge(current, self.now()) {
            Admission::Refuse(refusal) => Duration::from_millis(refusal.wait.into()),
            _ => Duration::ZERO,
        })
    }

    /// Why a call would be refused now. On a ramp nobody knows before the call.
    #[inline]
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        match closed_generation(self.word.load(Ordering::Acquire)) {
            Some(_) => None,
            None => self.refusal_unless_closed(),
        }
    }

    fn refusal_unless_closed(&self) -> Option<Refusal> {
        let current = self.load();
        if passes_all(current) {
            return None;
        }
        match self.judge(current, self.now()) {
            Admission::Refuse(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Lets a call pass, or says how long it has to wait.
    #[inline]
    pub(crate) fn admit(&self) -> Result<Permit, Refusal> {
        match closed_generation(self.word.load(Ordering::Acquire)) {
            Some(generation) => Ok(Permit::new(generation, false, self.start())),
            None => self.admit_unless_closed(),
        }
    }

    fn admit_unless_closed(&self) -> Result<Permit, Refusal> {
        loop {
            let current = self.load();
            let now = self.now();
            match self.judge(current, now) {
                Admission::Pass => return Ok(self.permit(current, false)),
                Admission::PassAs(next) => {
                    // Whoever was faster did the same, or the next look tells.
                    if self.replace(current, next) {
                        return Ok(self.permit(next, false));
                    }
                }
                Admission::Probe(next) => {
                    self.last_probe.fetch_max(now, Ordering::Relaxed);
                    if self.replace(current, next) {
                        return Ok(self.permit(next, true));
                    }
                }
                Admission::Refuse(refusal) => {
                    self.counts.refused(refusal.cause);
                    return Err(refusal);
                }
            }
        }
    }

    /// Whether results under this permit would still count.
    pub(crate) fn is_current(&self, permit: Permit) -> bool {
        self.load().generation == permit.generation()
    }

    /// Starts the time of the call now.
    pub(crate) fn restart(&self, permit: Permit) -> Permit {
        permit.started(self.start())
    }

    /// `hint` is how long the service asks to be left alone.
    #[inline]
    pub(crate) fn settle(&self, permit: Permit, verdict: Verdict, hint: Option<Duration>) {
        let generation = permit.generation();
        if verdict == Verdict::Success
            && is_closed(self.word.load(Ordering::Acquire), generation)
            && self.evidence.is_healthy(generation)
        {
            return;
        }
        self.settle_unless_healthy(permit, verdict, hint);
    }

    fn settle_unless_healthy(&self, permit: Permit, verdict: Verdict, hint: Option<Duration>) {
        if verdict == Verdict::Ignore && !permit.is_probe() {
            return;
        }
        let hint = hint.map_or(0, |hint| {
            u64::try_from(hint.as_millis()).unwrap_or(u64::MAX)
        });
        let slow = self.is_slow(permit);
        let settled = if permit.is_probe() {
            self.settle_probe(permit.generation(), verdict, slow, hint)
        } else {
            self.record(permit.generation(), verdict, slow, hint)
        };
        if !settled && verdict != Verdict::Ignore {
            self.counts.late();
        }
    }

    pub(crate) fn cancel(&self, permit: Permit) {
        let failed = match self.settings.on_cancel {
            OnCancel::Ignore => false,
            OnCancel::Failure => true,
            OnCancel::FailureIfSlow => self.is_slow(permit),
        };
        let verdict = if failed {
            Verdict::Failure
        } else {
            Verdict::Ignore
        };
        self.settle(permit, verdict, None);
    }

    /// Changes the state from outside.
    pub(crate) fn change(&self, change: impl Fn(Snapshot) -> Snapshot) {
        loop {
            let current = self.load();
            if self.replace(current, change(current)) {
                return;
            }
        }
    }

    pub(crate) fn force_open(&self) {
        let (now, random) = (self.now(), self.random.draw());
        let rules = &self.settings.rules;
        self.change(|current| current.open(Cause::Forced, 0, now, random, rules));
    }

    /// False when the generation is over.
    fn settle_probe(&self, generation: u32, verdict: Verdict, slow: bool, hint: u64) -> bool {
        let passes = match verdict {
            Verdict::Success => Some(!slow),
            Verdict::Failure | Verdict::Throttled => Some(false),
            Verdict::Ignore => None,
        };
        let (now, random) = (self.now(), self.random.draw());
        loop {
            let current = self.load();
            if current.generation != generation {
                return false;
            }
            let rules = &self.settings.rules;
            let next = current.settle_probe(passes, hint, now, random, rules);
            if self.replace(current, next) {
                if passes.is_none() {
                    self.changed.notify_waiters();
                }
                return true;
            }
        }
    }

    /// False when the generation is over.
    fn record(&self, generation: u32, verdict: Verdict, slow: bool, hint: u64) -> bool {
        let mut current = self.load();
        if current.generation != generation {
            return false;
        }
        if current.phase == Phase::Disabled {
            return true;
        }
        let now = if self.evidence.is_timed() {
            self.now()
        } else {
            0
        };
        let Some(met) = self.evidence.record(generation, verdict, slow, now) else {
            return false;
        };
        if let Some(cause) = met {
            let (now, random) = (self.now(), self.random.draw());
            // Fails if the closed state is over, be it that another failure ended it, or if only
            // its ramp is.
            while current.generation == generation {
                let next = current.open(cause, hint, now, random, &self.settings.rules);
                if self.replace(current, next) {
                    break;
                }
                current = self.load();
            }
        }
        true
    }

    fn is_slow(&self, permit: Permit) -> bool {
        (self.settings.trip.slow).is_some_and(|slow| {
            u128::from(permit.elapsed(self.clock.micros())) >= slow.after.as_micros()
        })
    }

    fn permit(&self, admitted: Snapshot, probe: bool) -> Permit {
        Permit::new(admitted.generation, probe, self.start())
    }

    #[inline]
    fn start(&self) -> u64 {
        match self.settings.trip.slow {
            Some(_) => self.clock.micros(),
            None => 0,
        }
    }

    fn judge(&self, current: Snapshot, now: u64) -> Admission {
        // After the word, never before: the word that admitted a probe brings its time with it.
        let last_probe = self.last_probe.load(Ordering::Relaxed);
        let random = match current.phase {
            Phase::Ramping { .. } => self.random.draw(),
            _ => 0,
        };
        current.admit(now, last_probe, random, &self.settings.rules)
    }

    pub(crate) fn load(&self) -> Snapshot {
        self.word.load(Ordering::Acquire).into()
    }

    /// Publishes `next` if nobody was faster.
    fn replace(&self, current: Snapshot, next: Snapshot) -> bool {
        let opens_the_record =
            next.state() == State::Closed && next.generation != current.generation;
        let _closing = if opens_the_record {
            // The lock guards no data, so a poisoned one is as good.
            let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            // Under the lock nobody else closes: if the word is still ours, the generation about
            // to be cleared has not begun.
            if self.load() != current {
                return false;
            }
            self.evidence.clear(next.generation);
            Some(closing)
        } else {
            None
        };
        let replaced = (self.word)
            .compare_exchange(
                current.into(),
                next.into(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_ok();
        if replaced && next.generation != current.generation {
            self.counts.changed(current.state(), next.state());
            self.changed.notify_waiters();
        }
        replaced
    }
}

/// Nobody needs to wait: closed, be it on a ramp, or disabled.
fn passes_all(snapshot: Snapshot) -> bool {
    matches!(snapshot.state(), State::Closed | State::Disabled)
}

impl Drop for Circuit {
    fn drop(&mut self) {
        self.counts.gone(self.state());
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit")
            .field("state", &self.state())
            .field("counts", &self.counts)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
