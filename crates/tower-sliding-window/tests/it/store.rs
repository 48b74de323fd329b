use std::{num::NonZeroUsize, time::Duration};

use tokio::time::advance;
use tower_sliding_window::{Admission, Charge, Denied, MemoryStore, Quota, Store};

use crate::oracle::quota;

const SECOND: Duration = Duration::from_secs(1);

fn store(max_keys: usize) -> MemoryStore<u32> {
    MemoryStore::with_max_keys(NonZeroUsize::new(max_keys).unwrap())
}

fn admit(store: &MemoryStore<u32>, key: u32, quota: Quota) -> Result<Admission, Denied> {
    store.admit(Charge::new(&key, quota)).into_inner()
}

#[tokio::test(start_paused = true)]
async fn ten_times_more_keys_than_the_cap_never_exceed_it() {
    for cap in [1, 10, 1000, 5000] {
        let store = store(cap);
        for key in 0..u32::try_from(cap * 10).unwrap() {
            assert!(admit(&store, key, quota(2, SECOND)).is_ok());
            assert!(store.len() <= cap);
        }
        assert!(store.len() * 2 > cap, "{} of {cap} used", store.len());
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_at_its_limit_is_never_forgotten() {
    let store = store(16);
    let two = quota(2, SECOND);
    for _ in 0..2 {
        admit(&store, 0, two).unwrap();
    }
    for key in 1..2000 {
        admit(&store, key, two).unwrap();
    }
    assert!(admit(&store, 0, two).is_err());
}

#[tokio::test(start_paused = true)]
async fn the_least_used_key_makes_room() {
    let store = store(4);
    let ten = quota(10, SECOND);
    for key in 0..4 {
        for _ in 0..if key == 2 { 1 } else { 5 } {
            admit(&store, key, ten).unwrap();
        }
    }
    admit(&store, 9, ten).unwrap();
    assert!(store.usage(&2).is_none());
    for key in [0, 1, 3] {
        assert_eq!(store.usage(&key).unwrap().current, 5);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_full_of_keys_at_their_limit_says_truly_when_there_is_room() {
    let store = store(3);
    let one = quota(1, SECOND);
    for key in 0..3 {
        admit(&store, key, one).unwrap();
        advance(Duration::from_millis(100)).await;
    }
    let denied = admit(&store, 7, one).unwrap_err();
    assert_eq!(denied.retry_after, Duration::from_millis(700));

    advance(Duration::from_millis(699)).await;
    let denied = admit(&store, 7, one).unwrap_err();
    assert_eq!(denied.retry_after, Duration::from_millis(1));
    advance(denied.retry_after).await;
    admit(&store, 7, one).unwrap();
    assert_eq!(store.len(), 3);
    assert!(admit(&store, 8, one).is_err());
}

#[tokio::test(start_paused = true)]
async fn spent_keys_go_as_new_ones_come() {
    let store = store(100_000);
    for key in 0..10_000 {
        admit(&store, key, quota(5, SECOND)).unwrap();
    }
    assert_eq!(store.len(), 10_000);
    advance(SECOND).await;
    for key in 10_000..20_000 {
        admit(&store, key, quota(5, SECOND)).unwrap();
    }
    assert_eq!(store.len(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn tiers_are_charged_all_or_none() {
    let store = store(10);
    let (burst, hour) = (quota(2, SECOND), quota(3, 3600 * SECOND));
    let both = |key: u32| {
        store
            .admit(Charge::new(&key, burst).further(&[hour]))
            .into_inner()
    };

    assert_eq!(both(1).unwrap().remaining, 1);
    assert_eq!(both(1).unwrap().remaining, 0);
    // Refused by the burst alone, and so not charged to the hour either.
    let denied = both(1).unwrap_err();
    assert_eq!((denied.quota, denied.retry_after), (burst, SECOND));

    advance(SECOND).await;
    assert_eq!(both(1).unwrap().quota, hour);
    // Both are asked; the hour is full for longer.
    let denied = both(1).unwrap_err();
    assert_eq!((denied.quota, denied.retry_after), (hour, 3599 * SECOND));
    assert_eq!(store.usage(&1).unwrap().maximum, 3);
}

#[tokio::test(start_paused = true)]
async fn of_several_full_tiers_the_longest_wait_is_told() {
    let store = store(10);
    let (burst, hour) = (quota(1, SECOND), quota(1, 3600 * SECOND));
    for (key, first, second) in [(1, burst, hour), (2, hour, burst)] {
        let admit = || {
            store
                .admit(Charge::new(&key, first).further(&[second]))
                .into_inner()
        };
        admit().unwrap();
        assert_eq!(admit().unwrap_err(), Denied::new(hour, 3600 * SECOND));
        assert_eq!(store.usage(&key).unwrap().next_admission, 3600 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn usage_tells_how_full_a_key_is_and_reset_forgets_it() {
    let store = store(10);
    let four = quota(4, SECOND);
    assert!(store.usage(&1).is_none());
    for _ in 0..3 {
        admit(&store, 1, four).unwrap();
    }
    let usage = store.usage(&1).unwrap();
    assert_eq!(
        (usage.current, usage.maximum, usage.percentage()),
        (3, 4, 75.0)
    );
    assert_eq!(usage.next_admission, Duration::ZERO);

    admit(&store, 1, four).unwrap();
    advance(SECOND / 4).await;
    assert_eq!(store.usage(&1).unwrap().next_admission, SECOND * 3 / 4);

    assert!(store.reset(&1));
    assert!(!store.reset(&1));
    assert!(store.is_empty());
    admit(&store, 1, four).unwrap();
}

#[test]
fn many_threads_share_one_quota() {
    let store = store(10);
    let hundred = quota(100, 3600 * SECOND);
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let store = store.clone();
                scope.spawn(move || {
                    (0..100)
                        .filter(|_| admit(&store, 1, hundred).is_ok())
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(admitted, 100);
}
