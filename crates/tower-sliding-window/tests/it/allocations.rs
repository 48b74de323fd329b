//! What the documentation says is not allocated.

use std::{
    convert::Infallible,
    future::{Future, ready},
    pin::pin,
    task::{Context, Waker},
    time::Duration,
};

use allocation_counter::measure;
use tower::{Layer, Service, service_fn};
use tower_sliding_window::{Charge, FixedStore, MemoryStore, Quota, RateLimitLayer, Store};

use crate::oracle::quota;

const HOUR: Duration = Duration::from_secs(3600);

/// More than are made, but with a log that merges.
fn plenty() -> Quota {
    quota(1_000_000, HOUR)
}

#[test]
fn a_decision_on_a_known_key_allocates_nothing() {
    let (store, fixed) = (
        MemoryStore::new(),
        FixedStore::new(1000.try_into().unwrap()),
    );
    let tiers = [plenty(), quota(5, HOUR)];
    for key in 0..100_u32 {
        for _ in 0..3 {
            let charge = Charge::new(&key, tiers[0]).further(&tiers[1..]);
            store.admit(charge).into_inner().unwrap();
            fixed
                .admit(Charge::new(&key, tiers[0]))
                .into_inner()
                .unwrap();
        }
    }
    let decisions = measure(|| {
        for key in 0..100_u32 {
            for _ in 0..5 {
                let charge = Charge::new(&key, tiers[0]).further(&tiers[1..]);
                let _ = store.admit(charge).into_inner();
                let _ = fixed.admit(Charge::new(&key, tiers[0])).into_inner();
            }
        }
    });
    // The log of the exact tier grows with its admissions, once for each key here.
    assert!(decisions.count_total <= 100, "{decisions:?}");
    let refusals = measure(|| {
        for key in 0..100_u32 {
            let charge = Charge::new(&key, tiers[0]).further(&tiers[1..]);
            assert!(store.admit(charge).into_inner().is_err());
        }
    });
    assert_eq!(refusals.count_total, 0);
}

#[test]
fn a_call_through_the_layer_allocates_nothing() {
    let mut context = Context::from_waker(Waker::noop());
    for limited in [plenty(), quota(1, HOUR)] {
        let mut service = RateLimitLayer::new(|key: &u32| Some(*key), limited)
            .layer(service_fn(|key: u32| ready(Ok::<_, Infallible>(key))));
        let mut call = || {
            assert!(Service::<u32>::poll_ready(&mut service, &mut context).is_ready());
            assert!(pin!(service.call(7)).poll(&mut context).is_ready());
        };
        call();
        assert_eq!(measure(call).count_total, 0);
    }
}

/// A key with one request: its slot in the table, and no log on the heap.
#[test]
fn a_key_with_one_request_takes_its_slot_alone() {
    let store = MemoryStore::with_max_keys(1_000_000.try_into().unwrap());
    let mut inserted = 0_u64;
    let info = measure(|| {
        for key in 0..100_000_u64 {
            store
                .admit(Charge::new(&key, plenty()))
                .into_inner()
                .unwrap();
            inserted += 1;
        }
    });
    let bytes = u64::try_from(info.bytes_current).unwrap() / inserted;
    assert!((64..=180).contains(&bytes), "{bytes}");
}

#[test]
fn strangers_without_number_take_no_more_memory_than_the_cap() {
    let store = MemoryStore::with_max_keys(10_000.try_into().unwrap());
    let mut next = 0_u64;
    let mut strangers = |number| {
        let info = measure(|| {
            for _ in 0..number {
                next += 1;
                store
                    .admit(Charge::new(&next, quota(2, HOUR)))
                    .into_inner()
                    .unwrap();
            }
        });
        info.bytes_current
    };
    // A slot of 64 bytes and its mark, and room for three and a half of them per key: a table may
    // grow once more than its keys need, for the marks that removed ones leave.
    let most = 10_000 * 65 * 7 / 2;
    let mut held = 0;
    for number in [20_000, 100_000, 200_000] {
        held += strangers(number);
        assert!(held <= most, "{held}");
    }
}
