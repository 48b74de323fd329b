//! The breaker against a plain model: a queue, a list of running calls, no atomics.

use std::{collections::VecDeque, time::Duration};

use proptest::prelude::*;
use tower_circuit_breaker::{CircuitBreakerLayer, State, Trip, Window};

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
        20 => Just(Step::Start),
        20 => (0..6_usize, end).prop_map(|(index, end)| Step::End(index, end)),
        2 => (0..6_usize).prop_map(Step::Drop),
        2 => (0..60_u64).prop_map(Step::Advance),
        4 => (-1..=1_i64).prop_map(Step::ToTheEdge),
        1 => Just(Step::Reset),
    ];
    prop::collection::vec(step, 1..250)
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    window: u16,
    failures: u16,
    min_calls: u32,
    consecutive: u32,
    probes: u16,
}

fn plans() -> impl Strategy<Value = Plan> {
    (1..12_u16, 0..12_u32, 2..9_u32, 1..4_u16).prop_flat_map(
        |(window, min_calls, consecutive, probes)| {
            (1..=window).prop_map(move |failures| Plan {
                window,
                failures,
                min_calls,
                consecutive,
                probes,
            })
        },
    )
}

const BASE: u64 = 16;
const CAP: u64 = 100;
const LEASE: u64 = 25;

#[derive(Debug)]
enum Phase {
    Closed {
        recent: VecDeque<bool>,
        calls: u32,
        row: u32,
    },
    Open {
        until: u64,
    },
    HalfOpen {
        passed: u16,
        running: u16,
        last_probe: u64,
    },
}

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

const CLOSED: Phase = Phase::Closed {
    recent: VecDeque::new(),
    calls: 0,
    row: 0,
};

impl Model {
    fn enter(&mut self, phase: Phase) {
        self.era += 1;
        self.phase = phase;
    }

    /// `until` is filled in from the real circuit, whose jitter the model does not know.
    fn open(&mut self) {
        self.opened += 1;
        self.enter(Phase::Open { until: 0 });
    }

    fn start(&mut self) -> Option<u64> {
        let now = self.now;
        match &mut self.phase {
            Phase::Closed { .. } => {}
            Phase::Open { until } if now < *until => return None,
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
                    return None;
                }
            }
        }
        Some(self.era)
    }

    fn end(&mut self, era: u64, end: End) {
        if end == End::Ignored {
            if let (Phase::HalfOpen { running, .. }, true) = (&mut self.phase, era == self.era) {
                *running -= 1;
            }
            return;
        }
        if era != self.era {
            self.late += 1;
            return;
        }
        let failed = end != End::Success;
        match &mut self.phase {
            Phase::Closed { recent, calls, row } => {
                *calls += 1;
                *row = match end {
                    End::Success => 0,
                    End::Throttled => *row,
                    _ => *row + 1,
                };
                recent.push_back(failed);
                if recent.len() > self.plan.window.into() {
                    recent.pop_front();
                }
                let failures = recent.iter().filter(|failed| **failed).count();
                let rate = *calls >= self.plan.min_calls
                    && failures * usize::from(self.plan.window)
                        >= usize::from(self.plan.failures) * recent.len();
                if failed && (rate || *row >= self.plan.consecutive) {
                    self.streak = 0;
                    self.open();
                }
            }
            Phase::HalfOpen { .. } if failed => {
                self.streak += 1;
                self.open();
            }
            Phase::HalfOpen {
                passed, running, ..
            } => {
                *passed += 1;
                *running -= 1;
                if *passed == self.plan.probes {
                    self.enter(CLOSED);
                }
            }
            Phase::Open { .. } => unreachable!("no call is admitted by an open circuit"),
        }
    }

    fn state(&self) -> State {
        match self.phase {
            Phase::Closed { .. } => State::Closed,
            Phase::Open { .. } => State::Open,
            Phase::HalfOpen { .. } => State::HalfOpen,
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self.phase {
            Phase::Closed { .. } => None,
            Phase::Open { until } => Some(until.saturating_sub(self.now)),
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
            Phase::Closed { .. } => self.now,
            Phase::Open { until } => until,
            Phase::HalfOpen { last_probe, .. } => last_probe + LEASE,
        }
    }
}

async fn agree(plan: Plan, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let rate = f64::from(plan.failures) / f64::from(plan.window);
    let trip = Trip::failure_rate(rate, Window::Calls(calls(plan.window)))
        .expect("a rate")
        .min_calls(plan.min_calls)
        .or_consecutive(times(plan.consecutive));
    let mut real = Scripted::new(
        CircuitBreakerLayer::new()
            .trip(trip)
            .open_for(Duration::from_millis(BASE), Duration::from_millis(CAP))
            .probe_lease(Duration::from_millis(LEASE))
            .probes(calls(plan.probes))
            .jitter_seed(plan.min_calls.into()),
    );
    let mut model = Model {
        plan,
        now: 0,
        era: 0,
        streak: 0,
        phase: CLOSED,
        opened: 0,
        rejected: 0,
        late: 0,
    };
    let mut running: Vec<(u64, Running)> = Vec::new();

    for step in steps {
        match step {
            Step::Start => {
                let wait = model.retry_after();
                match (model.start(), real.start()) {
                    (Some(era), Ok(call)) => running.push((era, call)),
                    (None, Err(told)) => {
                        model.rejected += 1;
                        prop_assert_eq!(Some(told.as_millis() as u64), wait);
                    }
                    (era, call) => prop_assert!(
                        false,
                        "model admits: {}, breaker: {}",
                        era.is_some(),
                        call.is_ok()
                    ),
                }
            }
            Step::End(index, end) if index < running.len() => {
                let (era, call) = running.remove(index);
                call.end(end);
                model.end(era, end);
            }
            Step::Drop(index) if index < running.len() => {
                let (era, call) = running.remove(index);
                drop(call);
                model.end(era, End::Ignored);
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
        }

        let wait = real
            .circuit
            .retry_after()
            .map(|wait| wait.as_millis() as u64);
        if let (Phase::Open { until: until @ 0 }, Some(wait)) = (&mut model.phase, wait) {
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
    #![proptest_config(ProptestConfig::with_cases(256))]

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
