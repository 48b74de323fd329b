//! The kernel's clock runs in real time, so these tests do.

use std::time::Duration;

use tokio::time::Instant;
use tower_sliding_window::{Charge, FixedStore, MemoryStore, Store};

use crate::oracle::{most_in_any_window, nanos, quota};

#[tokio::test]
async fn the_limit_holds_on_the_exact_clock_too() {
    let window = Duration::from_millis(60);
    for limit in [5, 200] {
        let store = MemoryStore::new().coarse_clock();
        let limited = quota(limit, window);
        let (start, mut latest) = (Instant::now(), Vec::new());
        while start.elapsed() < 5 * window {
            // Anywhere between these two; in either case not over.
            let before = start.elapsed();
            if store.admit(Charge::new(&1, limited)).into_inner().is_ok() {
                latest.push((nanos(before), nanos(start.elapsed())));
            }
        }
        assert!(latest.len() > 2 * limit as usize);
        let slack = latest
            .iter()
            .map(|(before, after)| after - before)
            .max()
            .unwrap();
        let times: Vec<u64> = latest.iter().map(|(before, _)| *before).collect();
        let exact = window.saturating_sub(Duration::from_nanos(slack));
        assert!(most_in_any_window(&times, exact) <= limit as usize);
    }
}

#[tokio::test]
async fn who_waits_as_told_is_admitted() {
    let store = MemoryStore::new().coarse_clock();
    let one = quota(1, Duration::from_millis(20));
    for _ in 0..10 {
        let admission = store.admit(Charge::new(&1, one)).into_inner().unwrap();
        assert_eq!(admission.quota, one);
        let denied = store.admit(Charge::new(&1, one)).into_inner().unwrap_err();
        assert_eq!(denied.quota, one);
        tokio::time::sleep(denied.retry_after).await;
    }
}

#[tokio::test]
async fn the_fixed_store_keeps_to_it_as_well() {
    let store = FixedStore::<u32>::new(100.try_into().unwrap()).coarse_clock();
    let one = quota(1, Duration::from_millis(20));
    for _ in 0..5 {
        let start = Instant::now();
        let admission = store.admit(Charge::new(&1, one)).into_inner().unwrap();
        assert_eq!(admission.quota, one);
        let denied = loop {
            match store.admit(Charge::new(&1, one)).into_inner() {
                Err(denied) => break denied,
                // The machine stood still for a window.
                Ok(_) => assert!(start.elapsed() >= one.window()),
            }
        };
        assert_eq!(denied.quota, one);
        tokio::time::sleep(denied.retry_after).await;
    }
}
