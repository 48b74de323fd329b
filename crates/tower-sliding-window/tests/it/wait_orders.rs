//! Any order in which an executor may run waiting calls: it polls whom it woke, in any order,
//! while others come, give up, and time passes. Each step of the queue happens under one lock, so
//! these orders are all there are.

use std::{cell::RefCell, convert::Infallible, future::ready, pin::Pin, rc::Rc, time::Duration};

use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tokio_test::task::{Spawn, spawn};
use tower::{Layer, ServiceExt, service_fn};
use tower_sliding_window::{Error, RateLimitLayer, Wait};

use crate::oracle::{most_in_any_window, nanos, quota};

const MILLI: Duration = Duration::from_millis(1);

#[derive(Debug, Clone)]
enum Step {
    Arrive {
        cost: u32,
    },
    /// Polls one of those that were woken.
    Poll(prop::sample::Index),
    GiveUp(prop::sample::Index),
    Pass(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1_u32..3).prop_map(|cost| Step::Arrive { cost }),
        6 => any::<prop::sample::Index>().prop_map(Step::Poll),
        1 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        2 => (1_u32..15).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 1..80)
}

type Outcome = Result<(), Error<Infallible>>;

struct Call {
    number: usize,
    task: Spawn<Pin<Box<dyn Future<Output = Outcome>>>>,
    polled: bool,
}

/// Polls a call; true when it is over.
fn poll(call: &mut Call) -> bool {
    call.polled = true;
    call.task.poll().is_ready()
}

async fn run(steps: Vec<Step>, limit: u32) -> Result<(), TestCaseError> {
    let window = 10 * MILLI;
    let (start, served) = (Instant::now(), Rc::new(RefCell::new(Vec::new())));
    let inner = {
        let served = Rc::clone(&served);
        service_fn(move |(number, cost): (usize, u32)| {
            served.borrow_mut().push((number, cost, start.elapsed()));
            ready(Ok::<_, Infallible>(()))
        })
    };
    let service = RateLimitLayer::new(|_: &(usize, u32)| Some(()), quota(limit, window))
        .cost(|(_, cost): &(usize, u32)| *cost)
        .wait(Wait::new(Duration::MAX))
        .layer(inner);
    // In order of their first poll, which is when a call gets in line.
    let (mut calls, mut lined_up): (Vec<Call>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut arrivals = 0;
    for step in steps {
        match step {
            Step::Arrive { cost } => {
                let call = service.clone().oneshot((arrivals, cost));
                let task = spawn(Box::pin(call) as Pin<Box<dyn Future<Output = Outcome>>>);
                calls.push(Call {
                    number: arrivals,
                    task,
                    polled: false,
                });
                arrivals += 1;
            }
            Step::Poll(which) => {
                let runnable: Vec<usize> = (0..calls.len())
                    .filter(|&i| !calls[i].polled || calls[i].task.is_woken())
                    .collect();
                if !runnable.is_empty() {
                    let position = *which.get(&runnable);
                    if !calls[position].polled {
                        lined_up.push(calls[position].number);
                    }
                    if poll(&mut calls[position]) {
                        calls.remove(position);
                    }
                }
            }
            Step::GiveUp(which) if !calls.is_empty() => {
                let call = calls.remove(which.index(calls.len()));
                lined_up.retain(|&number| number != call.number);
            }
            Step::GiveUp(_) => {}
            Step::Pass(millis) => advance(millis * MILLI).await,
        }
    }
    // An executor that polls nobody it did not wake serves all who are left.
    for _ in 0..10_000 {
        if calls.is_empty() {
            break;
        }
        let mut position = 0;
        while position < calls.len() {
            if !calls[position].polled {
                lined_up.push(calls[position].number);
            } else if !calls[position].task.is_woken() {
                position += 1;
                continue;
            }
            if poll(&mut calls[position]) {
                calls.remove(position);
            } else {
                position += 1;
            }
        }
        advance(MILLI).await;
    }
    prop_assert!(calls.is_empty(), "{} calls were never woken", calls.len());

    let served = served.borrow();
    let order: Vec<usize> = served.iter().map(|(number, ..)| *number).collect();
    prop_assert_eq!(order, lined_up);
    let units: Vec<u64> = served
        .iter()
        .flat_map(|(_, cost, at)| (0..*cost).map(|_| nanos(*at)))
        .collect();
    prop_assert!(most_in_any_window(&units, window) <= limit as usize);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn in_any_order_calls_are_served_as_they_came_and_none_is_forgotten(
        steps in steps(),
        limit in 2_u32..6,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps, limit))?;
    }
}
