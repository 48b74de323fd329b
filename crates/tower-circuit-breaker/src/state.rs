//! The state of a circuit. Here is decided when it is closed, open or half-open: every transition is
//! a pure function of (state, event, now).
//!
//! | from | event | to |
//! |---|---|---|
//! | closed | the trip rule is met | open |
//! | open | a call after the open time | half-open, that call is the first probe |
//! | half-open | a call, fewer than `probes` issued | half-open, one more probe |
//! | half-open | a call, all issued, none admitted for the length of a lease | half-open, unsettled probes replaced |
//! | half-open | the last of `probes` successes | closed |
//! | half-open | a probe failed | open, for longer |
//! | half-open | a probe was ignored or dropped | half-open, its slot is free again |
//!
//! Every line that changes the state's meaning also starts a new generation, and a result is
//! accepted only by the generation that admitted its call.

use std::{fmt, num::NonZeroU16};

use crate::{
    Verdict,
    open_time::OpenTime,
    word::{GENERATION_MAX, STREAK_MAX},
};

/// The state of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls pass and their results are recorded.
    Closed,
    /// Calls are refused until the open time is over. The first call after that makes the circuit
    /// half-open; without calls it stays open.
    Open,
    /// A fixed number of calls pass as probes, all others are refused.
    HalfOpen,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        })
    }
}

/// What the transitions depend on besides the state itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) probes: NonZeroU16,
    /// In milliseconds.
    pub(crate) lease: u64,
    pub(crate) open_time: OpenTime,
}

/// One value of the state word, unpacked. The packing is in `word.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// At most [`GENERATION_MAX`]; wraps.
    pub(crate) generation: u32,
    /// How often the circuit opened again without having closed; at most [`STREAK_MAX`].
    pub(crate) streak: u8,
    pub(crate) phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    /// `until` is the low half of a time in milliseconds.
    Open {
        until: u32,
    },
    /// `issued` counts the probes running and the probes passed.
    HalfOpen {
        issued: u16,
        passed: u16,
    },
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Go ahead; nothing changes.
    Pass,
    /// Go ahead as a probe, provided this snapshot replaces the one that was judged.
    Probe(Snapshot),
    /// Not now; worth another try after this many milliseconds.
    Refuse(u64),
}

impl Snapshot {
    pub(crate) const CLOSED: Self = Self {
        generation: 0,
        streak: 0,
        phase: Phase::Closed,
    };

    pub(crate) fn state(self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    /// Decides whether a call may pass at `now`. This is where the half-open state is decided: when
    /// an open circuit becomes half-open, and how many probes it admits then.
    ///
    /// `last_probe` is when a probe was last admitted. Times are milliseconds of one clock.
    pub(crate) fn admit(self, now: u64, last_probe: u64, rules: &Rules) -> Admission {
        match self.phase {
            Phase::Closed => Admission::Pass,
            Phase::Open { until } => match remaining(until, now, rules.open_time.cap()) {
                0 => Admission::Probe(self.half_open(1, 0)),
                wait => Admission::Refuse(wait.into()),
            },
            Phase::HalfOpen { issued, passed } if issued < rules.probes.get() => {
                Admission::Probe(Self {
                    phase: Phase::HalfOpen {
                        issued: issued + 1,
                        passed,
                    },
                    ..self
                })
            }
            Phase::HalfOpen { passed, .. } => {
                match last_probe.saturating_add(rules.lease).saturating_sub(now) {
                    // The probes still running had their time: a new generation makes them late.
                    // Those that passed keep counting.
                    0 => Admission::Probe(self.half_open(passed.saturating_add(1), passed)),
                    // Nobody knows when the running probes settle. If they fail, the circuit opens
                    // for at least about this long; if they pass, it is closed by then.
                    left => Admission::Refuse(left.min(rules.open_time.base().into())),
                }
            }
        }
    }

    /// A probe of this generation ended with `verdict`.
    pub(crate) fn settle_probe(
        self,
        verdict: Verdict,
        now: u64,
        rules: &Rules,
        random: u64,
    ) -> Self {
        let Phase::HalfOpen { issued, passed } = self.phase else {
            return self;
        };
        let (issued, passed) = match verdict {
            Verdict::Failure | Verdict::Throttled => return self.open(now, rules, random),
            Verdict::Success if passed.saturating_add(1) >= rules.probes.get() => {
                return self.close();
            }
            Verdict::Success => (issued, passed.saturating_add(1)),
            Verdict::Ignore => (issued.saturating_sub(1), passed),
        };
        Self {
            phase: Phase::HalfOpen { issued, passed },
            ..self
        }
    }

    /// Opens the circuit: from closed for the base time, from half-open for longer each time.
    pub(crate) fn open(self, now: u64, rules: &Rules, random: u64) -> Self {
        let streak = match self.phase {
            Phase::Closed => 0,
            Phase::Open { .. } | Phase::HalfOpen { .. } => (self.streak + 1).min(STREAK_MAX),
        };
        let until = now.saturating_add(rules.open_time.draw(streak, random).into());
        Self {
            generation: next_generation(self.generation),
            streak,
            phase: Phase::Open {
                until: low_half(until),
            },
        }
    }

    pub(crate) fn close(self) -> Self {
        Self {
            generation: next_generation(self.generation),
            streak: 0,
            phase: Phase::Closed,
        }
    }

    fn half_open(self, issued: u16, passed: u16) -> Self {
        Self {
            generation: next_generation(self.generation),
            streak: self.streak,
            phase: Phase::HalfOpen { issued, passed },
        }
    }
}

/// How much of the open time is left.
///
/// `until` lost its upper half, so a circuit nobody called for 49.7 days can look open again. An
/// open time is never longer than `cap`: what looks longer is over, and the mistake is at most one
/// more open time.
fn remaining(until: u32, now: u64, cap: u32) -> u32 {
    match until.wrapping_sub(low_half(now)) {
        left if left <= cap => left,
        _ => 0,
    }
}

fn low_half(millis: u64) -> u32 {
    (millis & u64::from(u32::MAX)) as u32
}

fn next_generation(generation: u32) -> u32 {
    (generation + 1) & GENERATION_MAX
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rules() -> Rules {
        Rules {
            probes: NonZeroU16::new(3).unwrap(),
            lease: 30_000,
            open_time: OpenTime::new(Duration::from_secs(5), Duration::from_secs(120)),
        }
    }

    fn open(until: u32) -> Snapshot {
        Snapshot {
            generation: 1,
            streak: 0,
            phase: Phase::Open { until },
        }
    }

    #[test]
    fn a_circuit_opens_and_becomes_half_open_across_the_wrap_of_the_low_half() {
        let now = u64::from(u32::MAX) - 1_000;
        let snapshot = Snapshot::CLOSED.open(now, &rules(), u64::MAX);
        let wait = 5_000;
        for (at, expected) in [
            (now, Admission::Refuse(wait)),
            (now + wait - 1, Admission::Refuse(1)),
            (now + wait, Admission::Probe(snapshot.half_open(1, 0))),
            (now + wait + 1, Admission::Probe(snapshot.half_open(1, 0))),
        ] {
            assert_eq!(snapshot.admit(at, 0, &rules()), expected, "at {at}");
        }
    }

    #[test]
    fn a_circuit_left_alone_for_weeks_is_due_and_never_shut_for_longer_than_the_cap() {
        let cap = u64::from(rules().open_time.cap());
        for days in [1, 24, 25, 49, 50, 100, 1_000] {
            if let Admission::Refuse(wait) = open(5_000).admit(days * 86_400_000, 0, &rules()) {
                panic!("still shut for {wait} ms after {days} days");
            }
        }
        let wrapped = (1 << 32) + 5_000 - cap;
        assert_eq!(
            open(5_000).admit(wrapped, 0, &rules()),
            Admission::Refuse(cap)
        );
    }

    #[test]
    fn replaced_probes_leave_those_that_passed_counted() {
        let full = Snapshot::CLOSED.half_open(3, 2);
        let shut = Admission::Refuse(1);
        assert_eq!(full.admit(30_999, 1_000, &rules()), shut);
        assert_eq!(
            full.admit(31_000, 1_000, &rules()),
            Admission::Probe(full.half_open(3, 2))
        );
    }
}
