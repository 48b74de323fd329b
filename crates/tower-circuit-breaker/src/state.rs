//! The state of a circuit. Here is decided when it is closed, open or half-open: every transition is
//! a pure function of (state, event, now).
//!
//! | from | event | to |
//! |---|---|---|
//! | closed | the trip rule is met | open |
//! | open | a call after the open time | half-open, that call is the first probe |
//! | half-open | a call, fewer than `probes` issued | half-open, one more probe |
//! | half-open | a call, all issued, none admitted for the length of a lease | half-open, unsettled probes replaced |
//! | half-open | the last of `probes` successes | closed, ramping if there is a ramp |
//! | half-open | a probe failed or was slow | open, for longer |
//! | half-open | a probe was ignored or dropped | half-open, its slot is free again |
//! | ramping | the trip rule is met | open, for longer |
//! | ramping | a call after the ramp | closed |
//! | any | told from outside | closed, open, isolated or disabled |
//!
//! Every line that changes the state's meaning also starts a new generation, and a result is
//! accepted only by the generation that admitted its call. The end of a ramp changes nothing for
//! results, so it keeps the generation.

use std::{fmt, num::NonZeroU16};

use crate::{
    Cause,
    open_time::OpenTime,
    word::{GENERATION_MAX, STREAK_MAX},
};

/// The state of a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// Calls pass and their results are recorded. With a
    /// [ramp](crate::CircuitBreakerLayer::ramp) some are refused for a while after the circuit was
    /// half-open.
    Closed,
    /// Calls are refused until the open time is over. The first call after that makes the circuit
    /// half-open; without calls it stays open.
    Open,
    /// A fixed number of calls pass as probes, all others are refused.
    HalfOpen,
    /// Calls are refused until somebody says otherwise.
    Isolated,
    /// Calls pass and nothing is recorded until somebody says otherwise.
    Disabled,
}

impl State {
    /// The word that [`Display`](fmt::Display) shows, also the value of the metrics label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Isolated => "isolated",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the transitions depend on besides the state itself. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) probes: NonZeroU16,
    pub(crate) lease: u64,
    pub(crate) open_time: OpenTime,
    /// Zero for none.
    pub(crate) ramp: u32,
}

/// One value of the state word, unpacked. The packing is in `word.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// At most [`GENERATION_MAX`]; wraps.
    pub(crate) generation: u32,
    /// How often the circuit opened again without having closed for good; at most [`STREAK_MAX`].
    pub(crate) streak: u8,
    pub(crate) phase: Phase,
}

/// `until` is the low half of a time in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Closed,
    /// Closed, with a share of the calls that grows.
    Ramping {
        until: u32,
    },
    Open {
        until: u32,
        cause: Cause,
    },
    /// `issued` counts the probes running and the probes passed.
    HalfOpen {
        issued: u16,
        passed: u16,
    },
    Isolated,
    Disabled,
}

/// What a call may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Go ahead; nothing changes.
    Pass,
    /// Go ahead; this snapshot should replace the one that was judged.
    PassAs(Snapshot),
    /// Go ahead as a probe, provided this snapshot replaces the one that was judged.
    Probe(Snapshot),
    /// Not now.
    Refuse(Refusal),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Milliseconds until another try is worth it.
    pub(crate) wait: u32,
    pub(crate) cause: Cause,
}

impl Snapshot {
    pub(crate) const CLOSED: Self = Self {
        generation: 0,
        streak: 0,
        phase: Phase::Closed,
    };

    pub(crate) fn state(self) -> State {
        match self.phase {
            Phase::Closed | Phase::Ramping { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::Isolated => State::Isolated,
            Phase::Disabled => State::Disabled,
        }
    }

    /// Decides whether a call may pass at `now`. This is where the half-open state is decided: when
    /// an open circuit becomes half-open, and how many probes it admits then.
    ///
    /// `last_probe` is when a probe was last admitted. Times are milliseconds of one clock.
    pub(crate) fn admit(self, now: u64, last_probe: u64, random: u64, rules: &Rules) -> Admission {
        match self.phase {
            Phase::Closed | Phase::Disabled => Admission::Pass,
            Phase::Ramping { until } => match remaining(until, now, rules.ramp) {
                0 => Admission::PassAs(Self {
                    streak: 0,
                    phase: Phase::Closed,
                    ..self
                }),
                left if is_in_share(left, rules.ramp, random) => Admission::Pass,
                left => refuse(left, Cause::Ramp),
            },
            Phase::Open { until, cause } => match remaining(until, now, rules.open_time.cap()) {
                0 => Admission::Probe(self.half_open(1, 0)),
                wait => refuse(wait, cause),
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
                    left => {
                        let base = rules.open_time.base();
                        let left = u32::try_from(left).unwrap_or(base);
                        refuse(left.min(base), Cause::Probing)
                    }
                }
            }
            // Nobody knows how long; as long as a circuit is ever left alone.
            Phase::Isolated => refuse(rules.open_time.cap(), Cause::Isolated),
        }
    }

    /// A probe of this generation passed, failed, or says nothing. `hint` as in [`open`](Self::open).
    pub(crate) fn settle_probe(
        self,
        passes: Option<bool>,
        hint: u64,
        now: u64,
        random: u64,
        rules: &Rules,
    ) -> Self {
        let Phase::HalfOpen { issued, passed } = self.phase else {
            return self;
        };
        let (issued, passed) = match passes {
            Some(false) => return self.open(Cause::FailedProbe, hint, now, random, rules),
            Some(true) if passed.saturating_add(1) >= rules.probes.get() => {
                return self.recover(now, rules);
            }
            Some(true) => (issued, passed.saturating_add(1)),
            None => (issued.saturating_sub(1), passed),
        };
        Self {
            phase: Phase::HalfOpen { issued, passed },
            ..self
        }
    }

    /// Opens the circuit: from closed for the base time, from half-open for longer each time, and
    /// at least for the `hint` in milliseconds.
    pub(crate) fn open(
        self,
        cause: Cause,
        hint: u64,
        now: u64,
        random: u64,
        rules: &Rules,
    ) -> Self {
        let streak = match self.phase {
            Phase::HalfOpen { .. } | Phase::Ramping { .. } => (self.streak + 1).min(STREAK_MAX),
            Phase::Open { .. } => self.streak,
            Phase::Closed | Phase::Isolated | Phase::Disabled => 0,
        };
        let time = rules.open_time.draw(streak, hint, random);
        self.open_until(cause, streak, now.saturating_add(time.into()))
    }

    pub(crate) fn open_until(self, cause: Cause, streak: u8, until: u64) -> Self {
        let until = low_half(until);
        self.next(streak.min(STREAK_MAX), Phase::Open { until, cause })
    }

    /// Closes the circuit for good.
    pub(crate) fn close(self) -> Self {
        self.next(0, Phase::Closed)
    }

    pub(crate) fn isolate(self) -> Self {
        self.next(0, Phase::Isolated)
    }

    pub(crate) fn disable(self) -> Self {
        self.next(0, Phase::Disabled)
    }

    /// Closes the circuit, at first for a share of the calls if there is a ramp.
    fn recover(self, now: u64, rules: &Rules) -> Self {
        match rules.ramp {
            0 => self.close(),
            ramp => {
                let until = low_half(now.saturating_add(ramp.into()));
                self.next(self.streak, Phase::Ramping { until })
            }
        }
    }

    fn half_open(self, issued: u16, passed: u16) -> Self {
        self.next(self.streak, Phase::HalfOpen { issued, passed })
    }

    fn next(self, streak: u8, phase: Phase) -> Self {
        Self {
            generation: (self.generation + 1) & GENERATION_MAX,
            streak,
            phase,
        }
    }
}

fn refuse(wait: u32, cause: Cause) -> Admission {
    Admission::Refuse(Refusal { wait, cause })
}

/// Whether this call is of the share that passes: a tenth when the ramp begins, all at its end.
fn is_in_share(left: u32, ramp: u32, random: u64) -> bool {
    let share = (ramp - left).max(ramp.div_ceil(10));
    let drawn = (u128::from(random) * u128::from(ramp)) >> 64;
    drawn < share.into()
}

/// How much of an open time or a ramp is left.
///
/// `until` lost its upper half, so a circuit nobody called for 49.7 days can look open again. What
/// is left is never more than `longest`: what looks longer is over, and the mistake is at most one
/// more of it.
fn remaining(until: u32, now: u64, longest: u32) -> u32 {
    match until.wrapping_sub(low_half(now)) {
        left if left <= longest => left,
        _ => 0,
    }
}

fn low_half(millis: u64) -> u32 {
    (millis & u64::from(u32::MAX)) as u32
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
            ramp: 1_000,
        }
    }

    fn open(until: u32) -> Snapshot {
        Snapshot {
            generation: 1,
            streak: 0,
            phase: Phase::Open {
                until,
                cause: Cause::FailureRate,
            },
        }
    }

    #[test]
    fn a_circuit_opens_and_becomes_half_open_across_the_wrap_of_the_low_half() {
        let now = u64::from(u32::MAX) - 1_000;
        let snapshot = Snapshot::CLOSED.open(Cause::FailureRate, 0, now, u64::MAX, &rules());
        let wait = 5_000;
        for (at, expected) in [
            (now, refuse(5_000, Cause::FailureRate)),
            (now + wait - 1, refuse(1, Cause::FailureRate)),
            (now + wait, Admission::Probe(snapshot.half_open(1, 0))),
            (now + wait + 1, Admission::Probe(snapshot.half_open(1, 0))),
        ] {
            assert_eq!(snapshot.admit(at, 0, 0, &rules()), expected, "at {at}");
        }
    }

    #[test]
    fn a_circuit_left_alone_for_weeks_is_due_and_never_shut_for_longer_than_the_cap() {
        let cap = rules().open_time.cap();
        for days in [1, 24, 25, 49, 50, 100, 1_000] {
            let admission = open(5_000).admit(days * 86_400_000, 0, 0, &rules());
            assert!(
                matches!(admission, Admission::Probe(_)),
                "after {days} days"
            );
        }
        let wrapped = (1 << 32) + 5_000 - u64::from(cap);
        assert_eq!(
            open(5_000).admit(wrapped, 0, 0, &rules()),
            refuse(cap, Cause::FailureRate)
        );
    }

    #[test]
    fn replaced_probes_leave_those_that_passed_counted() {
        let full = Snapshot::CLOSED.half_open(3, 2);
        let shut = refuse(1, Cause::Probing);
        assert_eq!(full.admit(30_999, 1_000, 0, &rules()), shut);
        assert_eq!(
            full.admit(31_000, 1_000, 0, &rules()),
            Admission::Probe(full.half_open(3, 2))
        );
    }

    #[test]
    fn a_ramp_begins_with_a_tenth_of_the_calls_and_ends_with_all() {
        let ramping = Snapshot::CLOSED.half_open(3, 2).recover(0, &rules());
        let passing = |now| {
            const STEP: u64 = u64::MAX / 1_000;
            let draws = (0..1_000).map(|n| n * STEP + STEP / 2);
            draws
                .filter(|random| ramping.admit(now, 0, *random, &rules()) == Admission::Pass)
                .count()
        };
        assert_eq!([0, 100, 500, 999].map(passing), [100, 100, 500, 999]);
        let closed = Snapshot {
            phase: Phase::Closed,
            ..ramping
        };
        assert_eq!(
            ramping.admit(1_000, 0, 0, &rules()),
            Admission::PassAs(closed)
        );
    }

    #[test]
    fn a_circuit_that_opens_on_its_ramp_stays_open_for_longer() {
        let half_open = Snapshot {
            streak: 2,
            ..Snapshot::CLOSED.half_open(3, 2)
        };
        let ramping = half_open.recover(0, &rules());
        assert_eq!((ramping.state(), ramping.streak), (State::Closed, 2));
        let open = ramping.open(Cause::FailureRate, 0, 0, 0, &rules());
        assert_eq!((open.state(), open.streak), (State::Open, 3));
    }
}
