use std::{num::NonZeroUsize, time::Duration};

use tokio::time::advance;
use tower_sliding_window::{
    Adjust, Admission, Algorithm, Charge, Denied, FixedStore, Gcra, Quota, Store,
};

use crate::oracle::quota;

const SECOND: Duration = Duration::from_secs(1);

fn store(places: usize) -> FixedStore<u32> {
    FixedStore::new(NonZeroUsize::new(places).unwrap())
}

fn admit<A: Algorithm + Copy>(
    store: &FixedStore<u32, A>,
    key: u32,
    tiers: &[Quota],
) -> Result<Admission, Denied> {
    let charge = Charge::new(&key, tiers[0]).further(&tiers[1..]);
    store.admit(charge).into_inner()
}

#[tokio::test(start_paused = true)]
async fn a_key_is_held_to_its_limit_and_freed_again() {
    let (store, two) = (store(1000), [quota(2, SECOND)]);
    assert_eq!(admit(&store, 1, &two).unwrap().remaining, 1);
    assert_eq!(admit(&store, 1, &two).unwrap().remaining, 0);
    assert!(admit(&store, 2, &two).is_ok());
    let denied = admit(&store, 1, &two).unwrap_err();
    assert_eq!(store.usage(&1).unwrap().current, 2);
    advance(denied.retry_after - Duration::from_nanos(1)).await;
    assert!(admit(&store, 1, &two).is_err());
    advance(Duration::from_nanos(1)).await;
    assert!(admit(&store, 1, &two).is_ok());
    assert!(store.usage(&3).is_none());
}

#[tokio::test(start_paused = true)]
async fn tiers_are_charged_all_or_none() {
    let store = store(1000).algorithm::<Gcra>();
    let tiers = [quota(2, SECOND), quota(3, 3600 * SECOND)];
    admit(&store, 1, &tiers).unwrap();
    admit(&store, 1, &tiers).unwrap();
    assert_eq!(admit(&store, 1, &tiers).unwrap_err().quota, tiers[0]);
    advance(SECOND).await;
    assert_eq!(admit(&store, 1, &tiers).unwrap().quota, tiers[1]);
    assert_eq!(admit(&store, 1, &tiers).unwrap_err().quota, tiers[1]);
    assert_eq!(store.usage(&1).unwrap().maximum, 3);
}

#[tokio::test(start_paused = true)]
async fn a_changed_quota_finds_what_was_used() {
    let store = store(1000);
    for _ in 0..3 {
        admit(&store, 1, &[quota(3, SECOND)]).unwrap();
    }
    assert_eq!(admit(&store, 1, &[quota(5, SECOND)]).unwrap().remaining, 1);
    assert!(admit(&store, 1, &[quota(4, 60 * SECOND)]).is_err());
    assert_eq!(store.usage(&1).unwrap().maximum, 4);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_corrected_afterwards() {
    let (store, five) = (store(1000), quota(5, SECOND));
    let charge = |cost| Charge::new(&1, five).cost(cost);
    let admission = store.admit(charge(3)).into_inner().unwrap();
    store.refund(charge(2), admission.stamp());
    assert_eq!(store.usage(&1).unwrap().current, 1);
    store.charge(charge(7));
    assert_eq!(store.usage(&1).unwrap().current, 8);
    // Also a key that is not held yet.
    store.charge(Charge::new(&2, five).cost(5));
    assert!(admit(&store, 2, &[five]).is_err());
}

#[tokio::test(start_paused = true)]
async fn keys_at_their_limit_are_never_forgotten() {
    let (store, one) = (store(70), [quota(1, SECOND)]);
    let mut admitted = Vec::new();
    for key in 0..1000 {
        match admit(&store, key, &one) {
            Ok(_) => admitted.push(key),
            Err(denied) => assert!(denied.retry_after <= 2 * SECOND),
        }
    }
    assert!(admitted.len() <= 70 && admitted.len() > 40);
    for key in admitted {
        assert!(admit(&store, key, &one).is_err());
    }
    advance(2 * SECOND).await;
    assert!(admit(&store, 7, &one).is_ok());
}

#[tokio::test(start_paused = true)]
async fn too_many_tiers_or_quotas_are_denied() {
    let store = store(100);
    let tiers = [quota(9, SECOND); 8];
    assert!(admit(&store, 1, &tiers[..7]).is_ok());
    assert_eq!(
        admit(&store, 1, &tiers).unwrap_err().retry_after,
        Duration::MAX
    );
    for limit in 1..256 {
        assert!(admit(&store, limit, &[quota(1000 + limit, SECOND)]).is_ok());
    }
    assert!(admit(&store, 300, &[quota(5000, SECOND)]).is_err());
    assert!(admit(&store, 1, &tiers[..1]).is_ok());
}

/// The table in the documentation of the store.
#[tokio::test(start_paused = true)]
async fn the_forget_rate_is_as_published() {
    for (load, at_most) in [(0.25, 0.001), (0.5, 0.014), (0.75, 0.065), (1.0, 0.16)] {
        let (places, ten) = (70_000, [quota(10, 3600 * SECOND)]);
        let store = store(places);
        let keys = (f64::from(70_000) * load) as u32;
        for key in 0..keys {
            admit(&store, key, &ten).unwrap();
        }
        let forgotten = (0..keys).filter(|key| store.usage(key).is_none()).count();
        let rate = forgotten as f64 / f64::from(keys);
        assert!(rate <= at_most, "{load}: {rate}");
        assert!(load < 0.5 || rate > at_most / 2.0, "{load}: {rate}");
    }
}

#[test]
fn many_threads_share_one_quota() {
    let store = store(10);
    let hundred = [quota(100, 3600 * SECOND)];
    let admitted: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    (0..100)
                        .filter(|_| admit(&store, 1, &hundred).is_ok())
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
