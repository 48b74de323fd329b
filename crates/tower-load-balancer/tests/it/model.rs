//! Random changes of the set between random requests, against a list of what must be so.

use std::{
    collections::BTreeMap,
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use proptest::prelude::*;
use tokio::sync::oneshot;
use tokio_test::task::{self, Spawn};
use tower::Service;
use tower_load_balancer::{
    Balance, ConsistentHash, Endpoint, Endpoints, Error, InOrder, LeastPending, PeakEwma, Policy,
    Random, RoundRobin,
};

const LIMIT: u32 = 3;

/// Who got the last request, and how to end it.
type Sent = Arc<Mutex<Option<(u32, oneshot::Sender<bool>)>>>;

#[derive(Clone)]
struct Manual {
    /// Tells one from another under the same key.
    serial: u32,
    sent: Sent,
}

impl Service<u64> for Manual {
    type Response = u32;
    type Error = u32;
    type Future = Pin<Box<dyn Future<Output = Result<u32, u32>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), u32>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: u64) -> Self::Future {
        let (sender, receiver) = oneshot::channel();
        let serial = self.serial;
        *self.sent.lock().expect("not poisoned") = Some((serial, sender));
        Box::pin(async move {
            match receiver.await {
                Ok(true) => Ok(serial),
                _ => Err(serial),
            }
        })
    }
}

#[derive(Debug, Clone)]
enum Step {
    Insert { key: u8, weight: u16, priority: u8 },
    Remove { key: u8 },
    Drain { key: u8 },
    Call { request: u64 },
    Complete { which: usize, well: bool },
    Cancel { which: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0_u8..5;
    let step = prop_oneof![
        3 => (key.clone(), 1_u16..4, 0_u8..2)
            .prop_map(|(key, weight, priority)| Step::Insert { key, weight, priority }),
        1 => key.clone().prop_map(|key| Step::Remove { key }),
        1 => key.prop_map(|key| Step::Drain { key }),
        6 => any::<u64>().prop_map(|request| Step::Call { request }),
        3 => (any::<usize>(), any::<bool>())
            .prop_map(|(which, well)| Step::Complete { which, well }),
        1 => any::<usize>().prop_map(|which| Step::Cancel { which }),
    ];
    prop::collection::vec(step, 1..80)
}

/// One endpoint of the model.
struct Expected {
    serial: u32,
    /// All services that were here since the key came in: what they have counts.
    serials: Vec<u32>,
    draining: bool,
    priority: u8,
}

fn check<P: Policy<u64>>(policy: P, steps: Vec<Step>) {
    let sent = Sent::default();
    let endpoints = Endpoints::new().without_ejection();
    let mut balance = Balance::new(endpoints.clone(), policy);
    let mut expected = BTreeMap::<u8, Expected>::new();
    let mut running: Vec<(Spawn<_>, u32, oneshot::Sender<bool>)> = Vec::new();

    for (step, serial) in steps.into_iter().zip(0..) {
        match step {
            Step::Insert {
                key,
                weight,
                priority,
            } => {
                let service = Manual {
                    serial,
                    sent: sent.clone(),
                };
                let endpoint = Endpoint::new(key, service)
                    .weight(crate::backend::weight(weight))
                    .priority(priority)
                    .max_in_flight(NonZeroU32::new(LIMIT).expect("not zero"));
                let was_in = endpoints.insert(endpoint);
                assert_eq!(was_in, expected.contains_key(&key));
                let here = expected.entry(key).or_insert(Expected {
                    serial,
                    serials: Vec::new(),
                    draining: false,
                    priority,
                });
                here.serial = serial;
                here.serials.push(serial);
                here.draining = false;
                here.priority = priority;
            }
            Step::Remove { key } => {
                assert_eq!(endpoints.remove(&key), expected.remove(&key).is_some());
            }
            Step::Drain { key } => {
                let drained = endpoints.drain(&key);
                assert_eq!(drained.is_some(), expected.contains_key(&key));
                if let Some(here) = expected.get_mut(&key) {
                    here.draining = true;
                }
            }
            Step::Call { request } => {
                let mut future = task::spawn(balance.call(request));
                let serving: Vec<_> = expected.values().filter(|here| !here.draining).collect();
                let open = |here: &&&Expected| {
                    let has = running
                        .iter()
                        .filter(|(_, by, _)| here.serials.contains(by));
                    (has.count() as u32) < LIMIT
                };
                match future.poll() {
                    Poll::Pending => {
                        let (by, end) = sent
                            .lock()
                            .expect("not poisoned")
                            .take()
                            .expect("sent to somebody");
                        let picked = serving.iter().find(|here| here.serial == by);
                        let picked = picked.expect("sent to one that serves");
                        assert!(open(&picked), "sent to one that is full");
                        let best = serving.iter().filter(open).map(|here| here.priority).min();
                        assert_eq!(Some(picked.priority), best, "sent to the wrong tier");
                        running.push((future, by, end));
                    }
                    Poll::Ready(Err(Error::Empty)) => assert!(serving.is_empty()),
                    Poll::Ready(Err(Error::Full)) => {
                        assert!(!serving.is_empty());
                        assert_eq!(serving.iter().filter(open).count(), 0);
                    }
                    Poll::Ready(other) => panic!("{other:?}"),
                }
            }
            Step::Complete { which, well } if !running.is_empty() => {
                let (mut future, by, end) = running.swap_remove(which % running.len());
                end.send(well).expect("it waits");
                let Poll::Ready(answer) = future.poll() else {
                    panic!("it has an answer");
                };
                let right = if well { Ok(by) } else { Err(Error::Inner(by)) };
                assert_eq!(answer, right);
            }
            Step::Cancel { which } if !running.is_empty() => {
                drop(running.swap_remove(which % running.len()));
            }
            Step::Complete { .. } | Step::Cancel { .. } => {}
        }

        let status = endpoints.status();
        assert_eq!(status.len(), expected.len());
        for status in status {
            let here = &expected[&status.key];
            let has = running
                .iter()
                .filter(|(_, by, _)| here.serials.contains(by));
            assert_eq!(
                status.in_flight as usize,
                has.count(),
                "endpoint {}",
                status.key
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn requests_go_where_they_may_and_are_counted_there(steps in steps(), seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let _context = runtime.enter();
        check(RoundRobin::new(), steps.clone());
        check(LeastPending::seeded(seed), steps.clone());
        check(PeakEwma::new().seeded(seed), steps.clone());
        check(Random::seeded(seed), steps.clone());
        check(InOrder, steps.clone());
        check(ConsistentHash::new(|request: &u64| *request), steps);
    }
}
