//! The state word and what goes with it, shared by all services of a layer.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    num::NonZeroU16,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    State, Trip, Verdict,
    evidence::Evidence,
    open_time::OpenTime,
    state::{Admission, Rules, Snapshot},
};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) trip: Trip,
    pub(crate) rules: Rules,
    pub(crate) jitter_seed: Option<u64>,
}

const OPEN_BASE: Duration = Duration::from_secs(5);
const OPEN_CAP: Duration = Duration::from_secs(120);
const PROBES: NonZeroU16 = NonZeroU16::new(3).unwrap();
const LEASE: u64 = 30_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            trip: Trip::default(),
            rules: Rules {
                probes: PROBES,
                lease: LEASE,
                open_time: OpenTime::new(OPEN_BASE, OPEN_CAP),
            },
            jitter_seed: None,
        }
    }
}

/// The right to make one call; to be settled once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit {
    generation: u32,
    probe: bool,
}

pub(crate) struct Circuit {
    /// A packed [`Snapshot`]. Every state is decided by replacing it in one step.
    word: AtomicU64,
    /// When a probe was last admitted. Written before the word that admits it, so that whoever
    /// reads that word reads this time or a later one.
    last_probe: AtomicU64,
    evidence: Evidence,
    /// Held while the evidence is handed to the next closed generation.
    closing: Mutex<()>,
    jitter: AtomicU64,
    counts: Counts,
    settings: Settings,
    epoch: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    opened: AtomicU64,
    rejected: AtomicU64,
    late: AtomicU64,
}

impl Counts {
    pub(crate) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    pub(crate) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }
}

impl Circuit {
    pub(crate) fn new(settings: Settings) -> Self {
        let seed = settings
            .jitter_seed
            .unwrap_or_else(|| RandomState::new().build_hasher().finish());
        Self {
            word: AtomicU64::new(Snapshot::CLOSED.into()),
            last_probe: AtomicU64::new(0),
            evidence: Evidence::new(settings.trip),
            closing: Mutex::new(()),
            jitter: AtomicU64::new(seed),
            counts: Counts::default(),
            settings,
            epoch: Instant::now(),
        }
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    pub(crate) fn state(&self) -> State {
        self.load().state()
    }

    /// How long a call would have to wait now; `None` while closed.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self.judge(self.load(), || self.now()) {
            Admission::Pass => None,
            Admission::Probe(_) => Some(Duration::ZERO),
            Admission::Refuse(wait) => Some(Duration::from_millis(wait)),
        }
    }

    /// Whether a call would be refused now.
    pub(crate) fn is_shut(&self) -> bool {
        matches!(self.judge(self.load(), || self.now()), Admission::Refuse(_))
    }

    /// Lets a call pass, or says how long it has to wait.
    pub(crate) fn admit(&self) -> Result<Permit, Duration> {
        loop {
            let current = self.load();
            let mut now = None;
            match self.judge(current, || *now.insert(self.now())) {
                Admission::Pass => {
                    return Ok(Permit {
                        generation: current.generation,
                        probe: false,
                    });
                }
                Admission::Probe(next) => {
                    self.last_probe
                        .fetch_max(now.unwrap_or_default(), Ordering::Relaxed);
                    if self.replace(current, next) {
                        return Ok(Permit {
                            generation: next.generation,
                            probe: true,
                        });
                    }
                }
                Admission::Refuse(wait) => {
                    return Err(self.refuse(Duration::from_millis(wait)));
                }
            }
        }
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, retry_after: Duration) -> Duration {
        self.counts.rejected.fetch_add(1, Ordering::Relaxed);
        retry_after
    }

    pub(crate) fn settle(&self, permit: Permit, verdict: Verdict) {
        let settled = if permit.probe {
            self.settle_probe(permit.generation, verdict)
        } else {
            self.record(permit.generation, verdict)
        };
        if !settled && verdict != Verdict::Ignore {
            self.counts.late.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn reset(&self) {
        loop {
            let current = self.load();
            if self.replace(current, current.close()) {
                return;
            }
        }
    }

    /// False when the generation is over.
    fn settle_probe(&self, generation: u32, verdict: Verdict) -> bool {
        let (now, random) = (self.now(), self.random());
        loop {
            let current = self.load();
            if current.generation != generation {
                return false;
            }
            let next = current.settle_probe(verdict, now, &self.settings.rules, random);
            if self.replace(current, next) {
                return true;
            }
        }
    }

    /// False when the generation is over.
    fn record(&self, generation: u32, verdict: Verdict) -> bool {
        let current = self.load();
        if current.generation != generation {
            return false;
        }
        let Some(crossed) = self.evidence.record(generation, verdict) else {
            return false;
        };
        if crossed {
            let (now, random) = (self.now(), self.random());
            // Fails only if the closed state is over, be it that another failure ended it.
            self.replace(current, current.open(now, &self.settings.rules, random));
        }
        true
    }

    fn judge(&self, current: Snapshot, now: impl FnOnce() -> u64) -> Admission {
        if current.state() == State::Closed {
            return Admission::Pass;
        }
        // After the word, never before: the word that admitted a probe brings its time with it.
        let last_probe = self.last_probe.load(Ordering::Relaxed);
        current.admit(now(), last_probe, &self.settings.rules)
    }

    fn load(&self) -> Snapshot {
        self.word.load(Ordering::Acquire).into()
    }

    /// Publishes `next` if nobody was faster.
    fn replace(&self, current: Snapshot, next: Snapshot) -> bool {
        let _closing = if next.state() == State::Closed {
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
        if replaced && next.state() == State::Open {
            self.counts.opened.fetch_add(1, Ordering::Relaxed);
        }
        replaced
    }

    /// Milliseconds since the circuit was made.
    fn now(&self) -> u64 {
        let age = Instant::now().saturating_duration_since(self.epoch);
        u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
    }

    /// A step of SplitMix64.
    fn random(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self
            .jitter
            .fetch_add(STEP, Ordering::Relaxed)
            .wrapping_add(STEP);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
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
