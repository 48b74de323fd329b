//! Many threads at once: nothing is lost, and nothing is counted twice.

use std::{
    future::Future,
    num::NonZeroU32,
    pin::pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Waker},
    thread,
};

use tower::Service;
use tower_load_balancer::{Balance, ConsistentHash, Error, Health, LeastPending, Policy};

use crate::backend::{Plain, backends, set};

const THREADS: u64 = 4;
const REQUESTS: u64 = 2_000;

/// Answers are there at once.
fn send<P: Policy<u64>>(balance: &mut Plain<P>, request: u64) {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(balance.call(request)).poll(&mut context) {
        Poll::Ready(Ok(_) | Err(Error::Inner(_) | Error::Full)) => {}
        other => panic!("{other:?}"),
    }
}

fn storm<P: Policy<u64> + Send + Sync>(policy: P) {
    let backends = backends(8);
    backends[0].set_failing(true);
    let endpoints = set(&backends);
    endpoints.insert(backends[1].endpoint().max_in_flight(NonZeroU32::MIN));
    let balance = Balance::new(endpoints.clone(), policy);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let senders: Vec<_> = (0..THREADS)
            .map(|_| {
                let mut balance = balance.clone();
                scope.spawn(move || (0..REQUESTS).for_each(|request| send(&mut balance, request)))
            })
            .collect();
        // Meanwhile endpoints come and go.
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                endpoints.remove(&2);
                let _ = endpoints.drain(&3);
                thread::yield_now();
                endpoints.insert(backends[2].endpoint());
                endpoints.insert(backends[3].endpoint());
                let _ = endpoints.status();
            }
        });
        for sender in senders {
            sender.join().expect("no panic");
        }
        done.store(true, Ordering::Relaxed);
    });
    let status = endpoints.status();
    assert_eq!(status.len(), 8);
    assert!(
        status.iter().all(|status| status.in_flight == 0),
        "{status:?}"
    );
    assert!(
        matches!(status[0].health, Health::Ejected { .. }),
        "{status:?}"
    );
}

#[tokio::test]
async fn counts_are_right_after_a_storm_under_least_pending() {
    storm(LeastPending::new());
}

#[tokio::test]
async fn counts_are_right_after_a_storm_under_consistent_hash() {
    storm(ConsistentHash::new(|request: &u64| *request));
}
