//! The breaker against a plain model: a list of results, a list of running calls, no atomics.

use std::time::Duration;

use proptest::prelude::*;
use tower_circuit_breaker::{Cause, CircuitBreakerLayer, OnCancel, State, Trip, Window};

use crate::scripted::{End, Running, Scripted, calls, times};

#[derive(Clone, Copy, Debug)]
enum Step {
    Start,
    End(usize, End),
    Drop(usize),
    Advance(u64),
    /// To the edge of the open time or the lease, plus -1, 0 or 1 ms.
    ToTheEdge(i64),
    Reset,
    ForceOpen,
    Isolate,
    Disable,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let end = prop_oneof![
        4 => Just(End::Success),
        4 => Just(End::Failure),
        1 => Just(End::Throttled),
        1 => Just(End::Ignored),
        1 => Just(End::Panic),
    ];
    let step = prop_oneof![
        80 => Just(Step::Start),
        80 => (0..6_usize, end).prop_map(|(index, end)| Step::End(index, end)),
        8 => (0..6_usize).prop_map(Step::Drop),
        16 => (0..60_u64).prop_map(Step::Advance),
        16 => (-1..=1_i64).prop_map(Step::ToTheEdge),
        4 => Just(Step::Reset),
        1 => Just(Step::ForceOpen),
        1 => Just(Step::Isolate),
        1 => Just(Step::Disable),
    ];
    prop::collection::vec(step, 1..250)
}

/// A rate of `bad` in `of`, taken over the last `of` calls or over so many milliseconds.
#[derive(Clone, Copy, Debug)]
struct Rate {
    bad: u16,
    of: u16,
    millis: Option<u64>,
}

impl Rate {
    fn threshold(self) -> f64 {
        f64::from(self.bad) / f64::from(self.of)
    }

    fn window(self) -> Window {
        match self.millis {
            None => Window::Calls(calls(self.of)),
            Some(millis) => Window::Time(Duration::from_millis(millis)),
        }
    }
}

fn rates() -> impl Strategy<Value = Rate> {
    (1..12_u16, prop::option::of(1..150_u64))
        .prop_flat_map(|(of, millis)| (1..=of).prop_map(move |bad| Rate { bad, of, millis }))
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    failures: Rate,
    slow: Option<(u64, Rate)>,
    min_calls: u32,
    consecutive: u32,
    probes: u16,
    on_cancel: OnCancel,
}

fn plans() -> impl Strategy<Value = Plan> {
    let on_cancel = prop::sample::select(vec![
        OnCancel::Ignore,
        OnCancel::Failure,
        OnCancel::FailureIfSlow,
    ]);
    let slow = prop::option::of((1..80_u64, rates()));
    (rates(), slow, 0..12_u32, 2..9_u32, 1..4_u16, on_cancel).prop_map(
        |(failures, slow, min_calls, consecutive, probes, on_cancel)| Plan {
            failures,
            slow,
            min_calls,
            consecutive,
            probes,
            on_cancel,
        },
    )
}

const BASE: u64 = 16;
const CAP: u64 = 100;
const LEASE: u64 = 25;

#[derive(Clone, Copy, Debug)]
struct Record {
    at: u64,
    failed: bool,
    slow: bool,
}

#[derive(Debug)]
enum Phase {
    Closed {
        records: Vec<Record>,
        row: u32,
    },
    Open {
        until: u64,
        cause: Cause,
    },
    HalfOpen {
        passed: u16,
        running: u16,
        last_probe: u64,
    },
    Isolated,
    Disabled,
}

const CLOSED: Phase = Phase::Closed {
    records: Vec::new(),
    row: 0,
};

struct Model {
    plan: Plan,
    now: u64,
    /// Goes up whenever results of earlier calls stop counting.
    era: u64,
    streak: u32,
    phase: Phase,
    opened: u64,
    rejected: u64,
    late: u64,
}

/// A call as the model sees it.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    era: u64,
    started: u64,
}

impl Model {
    fn new(plan: Plan) -> Self {
        Self {
            plan,
            now: 0,
            era: 0,
            streak: 0,
            phase: CLOSED,
            opened: 0,
            rejected: 0,
            late: 0,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.era += 1;
        self.phase = phase;
    }

    /// `until` is filled in from the real circuit, whose jitter the model does not know.
    fn open(&mut self, cause: Cause) {
        self.opened += 1;
        self.enter(Phase::Open { until: 0, cause });
    }

    fn start(&mut self) -> Result<Ticket, Cause> {
        let now = self.now;
        match &mut self.phase {
            Phase::Closed { .. } | Phase::Disabled => {}
            Phase::Isolated => return Err(Cause::Isolated),
            Phase::Open { until, cause } if now < *until => return Err(*cause),
            Phase::Open { .. } => self.enter(Phase::HalfOpen {
                passed: 0,
                running: 1,
                last_probe: now,
            }),
            Phase::HalfOpen {
                passed,
                running,
                last_probe,
            } => {
                let passed = *passed;
                if passed + *running < self.plan.probes {
                    *running += 1;
                    *last_probe = now;
                } else if now >= *last_probe + LEASE {
                    self.enter(Phase::HalfOpen {
                        passed,
                        running: 1,
                        last_probe: now,
                    });
                } else {
                    return Err(Cause::Probing);
                }
            }
        }
        Ok(Ticket {
            era: self.era,
            started: now,
        })
    }

    fn is_slow(&self, ticket: Ticket) -> bool {
        (self.plan.slow).is_some_and(|(after, _)| self.now - ticket.started >= after)
    }

    fn cancel(&mut self, ticket: Ticket) {
        let failed = match self.plan.on_cancel {
            OnCancel::Failure => true,
            OnCancel::FailureIfSlow => self.is_slow(ticket),
            _ => false,
        };
        self.end(ticket, if failed { End::Failure } else { End::Ignored });
    }

    fn end(&mut self, ticket: Ticket, end: End) {
        let current = ticket.era == self.era;
        if end == End::Ignored {
            if let (Phase::HalfOpen { running, .. }, true) = (&mut self.phase, current) {
                *running -= 1;
            }
            return;
        }
        if !current {
            self.late += 1;
            return;
        }
        let (plan, now) = (self.plan, self.now);
        let (failed, slow) = (end != End::Success, self.is_slow(ticket));
        match &mut self.phase {
            Phase::Closed { records, row } => {
                *row = match end {
                    End::Success => 0,
                    End::Throttled => *row,
                    _ => *row + 1,
                };
                records.push(Record {
                    at: now,
                    failed,
                    slow,
                });
                let reached = |rate, bad: fn(&Record) -> bool| {
                    is_reached(records, rate, plan.min_calls, now, bad)
                };
                let cause = if failed && *row >= plan.consecutive {
                    Some(Cause::ConsecutiveFailures)
                } else if failed && reached(plan.failures, |record| record.failed) {
                    Some(Cause::FailureRate)
                } else if slow
                    && plan
                        .slow
                        .is_some_and(|(_, rate)| reached(rate, |record| record.slow))
                {
                    Some(Cause::SlowRate)
                } else {
                    None
                };
                if let Some(cause) = cause {
                    self.streak = 0;
                    self.open(cause);
                }
            }
            Phase::HalfOpen { .. } if failed || slow => {
                self.streak += 1;
                self.open(Cause::FailedProbe);
            }
            Phase::HalfOpen {
                passed, running, ..
            } => {
                *passed += 1;
                *running -= 1;
                if *passed == plan.probes {
                    self.enter(CLOSED);
                }
            }
            Phase::Disabled => {}
            Phase::Open { .. } | Phase::Isolated => unreachable!("nothing is admitted"),
        }
    }

    fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::Isolated => State::Isolated,
            Phase::Disabled => State::Disabled,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self.phase {
            Phase::Closed { .. } | Phase::Disabled => None,
            Phase::Isolated => Some(CAP),
            Phase::Open { until, .. } => Some(until.saturating_sub(self.now)),
            Phase::HalfOpen {
                passed, running, ..
            } if passed + running < self.plan.probes => Some(0),
            Phase::HalfOpen { last_probe, .. } => {
                Some((last_probe + LEASE).saturating_sub(self.now).min(BASE))
            }
        }
    }

    fn edge(&self) -> u64 {
        match self.phase {
            Phase::Closed { .. } | Phase::Isolated | Phase::Disabled => self.now,
            Phase::Open { until, .. } => until,
            Phase::HalfOpen { last_probe, .. } => last_probe + LEASE,
        }
    }
}

fn is_reached(
    records: &[Record],
    rate: Rate,
    min_calls: u32,
    now: u64,
    bad: fn(&Record) -> bool,
) -> bool {
    let (window, counted) = match rate.millis {
        None => {
            let first = records.len().saturating_sub(rate.of.into());
            (&records[first..], records.len())
        }
        Some(millis) => {
            let interval = millis.div_ceil(10);
            let first =
                records.partition_point(|record| record.at / interval + 10 <= now / interval);
            (&records[first..], records.len() - first)
        }
    };
    let found = window.iter().filter(|record| bad(record)).count();
    counted >= min_calls as usize
        && found * usize::from(rate.of) >= usize::from(rate.bad) * window.len()
}

fn breaker(plan: Plan) -> Scripted {
    let mut trip = Trip::failure_rate(plan.failures.threshold(), plan.failures.window())
        .expect("a rate")
        .or_consecutive(times(plan.consecutive));
    if let Some((after, rate)) = plan.slow {
        trip = trip
            .or_slow_rate(
                Duration::from_millis(after),
                rate.threshold(),
                rate.window(),
            )
            .expect("a rate");
    }
    Scripted::new(
        CircuitBreakerLayer::new()
            .trip(trip.min_calls(plan.min_calls))
            .open_for(Duration::from_millis(BASE), Duration::from_millis(CAP))
            .probe_lease(Duration::from_millis(LEASE))
            .probes(calls(plan.probes))
            .on_cancel(plan.on_cancel)
            .jitter_seed(plan.min_calls.into()),
    )
}

async fn agree(plan: Plan, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let (mut real, mut model) = (breaker(plan), Model::new(plan));
    let mut running: Vec<(Ticket, Running)> = Vec::new();

    for step in steps {
        match step {
            Step::Start => {
                let wait = model.retry_after();
                match (model.start(), real.start()) {
                    (Ok(ticket), Ok(call)) => running.push((ticket, call)),
                    (Err(cause), Err(told)) => {
                        model.rejected += 1;
                        prop_assert_eq!(Some(told.as_millis() as u64), wait);
                        prop_assert_eq!(real.cause, Some(cause));
                    }
                    (ticket, call) => prop_assert!(
                        false,
                        "model admits: {}, breaker: {}",
                        ticket.is_ok(),
                        call.is_ok()
                    ),
                }
            }
            Step::End(index, end) if index < running.len() => {
                let (ticket, call) = running.remove(index);
                call.end(end);
                model.end(ticket, end);
            }
            Step::Drop(index) if index < running.len() => {
                let (ticket, call) = running.remove(index);
                drop(call);
                model.cancel(ticket);
            }
            Step::End(..) | Step::Drop(_) => {}
            Step::Advance(millis) => {
                tokio::time::advance(Duration::from_millis(millis)).await;
                model.now += millis;
            }
            Step::ToTheEdge(offset) => {
                let target = model.edge().saturating_add_signed(offset);
                let millis = target.saturating_sub(model.now);
                tokio::time::advance(Duration::from_millis(millis)).await;
                model.now += millis;
            }
            Step::Reset => {
                real.circuit.reset();
                model.streak = 0;
                model.enter(CLOSED);
            }
            Step::ForceOpen => {
                real.circuit.force_open();
                model.streak = match model.phase {
                    Phase::HalfOpen { .. } => model.streak + 1,
                    Phase::Open { .. } => model.streak,
                    _ => 0,
                };
                model.open(Cause::Forced);
            }
            Step::Isolate => {
                real.circuit.isolate();
                model.enter(Phase::Isolated);
            }
            Step::Disable => {
                real.circuit.disable();
                model.enter(Phase::Disabled);
            }
        }

        let wait = real
            .circuit
            .retry_after()
            .map(|wait| wait.as_millis() as u64);
        if let (
            Phase::Open {
                until: until @ 0, ..
            },
            Some(wait),
        ) = (&mut model.phase, wait)
        {
            let full = (BASE << model.streak.min(20)).min(CAP);
            prop_assert!(wait * 2 >= full && wait <= full, "{wait} of {full}");
            *until = model.now + wait;
        }
        prop_assert_eq!(real.state(), model.state(), "after {:?}", step);
        prop_assert_eq!(wait, model.retry_after(), "after {:?}", step);
        prop_assert_eq!(real.circuit.opened(), model.opened, "after {:?}", step);
        prop_assert_eq!(real.circuit.rejected(), model.rejected, "after {:?}", step);
        prop_assert_eq!(real.circuit.late_results(), model.late, "after {:?}", step);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_breaker_does_after_every_step_what_the_plain_model_does(
        plan in plans(),
        steps in steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(agree(plan, steps))?;
    }
}
