//! The record of results in every order, and with every value, that the memory model allows two
//! threads.

#![allow(
    dead_code,
    unused_imports,
    reason = "the files bring their unit tests, which are no tests without the harness"
)]

#[path = "../../src/buckets.rs"]
mod buckets;
#[path = "../../src/ring.rs"]
mod ring;
#[path = "../../src/tagged.rs"]
mod tagged;
#[path = "../../src/tally.rs"]
mod tally;

mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};
}

use std::num::NonZeroU16;

use loom::{model, sync::Arc, thread};

use self::{buckets::Buckets, ring::Ring, tally::Tally};

fn main() {
    println!("a ring counts the bits it has set");
    a_ring_counts_the_bits_it_has_set();
    println!("one of two failures sees both in a ring");
    one_of_two_failures_sees_both_in_a_ring();
    println!("a result of an old generation never reaches the next ring");
    a_result_of_an_old_generation_never_reaches_the_next_ring();
    println!("one of two failures sees both in buckets");
    one_of_two_failures_sees_both_in_buckets();
    println!("results that roll a bucket over are all counted");
    results_that_roll_a_bucket_over_are_all_counted();
    println!("a result of an old generation never reaches the next buckets");
    a_result_of_an_old_generation_never_reaches_the_next_buckets();
}

/// Runs both at once and returns what they returned.
fn both<T, A, B>(shared: &Arc<T>, first: A, second: B) -> [Option<Tally>; 2]
where
    T: Send + Sync + 'static,
    A: Fn(&T) -> Option<Tally> + Send + 'static,
    B: Fn(&T) -> Option<Tally>,
{
    let other = Arc::clone(shared);
    let first = thread::spawn(move || first(&other));
    let second = second(shared);
    [first.join().expect("no panic"), second]
}

fn ring(window: u16) -> Arc<Ring> {
    Arc::new(Ring::new(NonZeroU16::new(window).expect("not zero"), 0))
}

fn bad(tally: Option<Tally>) -> u32 {
    tally.map_or(0, |tally| tally.bad)
}

fn a_ring_counts_the_bits_it_has_set() {
    model(|| {
        let ring = ring(2);
        ring.push(0, true);
        both(&ring, |ring| ring.push(0, true), |ring| ring.push(0, false));
        ring.push(0, false);
        ring.push(0, false);
        assert!(ring.is_full_of_good(0));
    });
}

fn one_of_two_failures_sees_both_in_a_ring() {
    model(|| {
        let tallies = both(
            &ring(4),
            |ring| ring.push(0, true),
            |ring| ring.push(0, true),
        );
        assert_eq!(tallies.map(bad).into_iter().max(), Some(2));
    });
}

fn a_result_of_an_old_generation_never_reaches_the_next_ring() {
    model(|| {
        let ring = ring(2);
        let [_, new] = both(
            &ring,
            |ring| ring.push(0, true),
            |ring| {
                ring.clear(1);
                ring.push(1, true)
            },
        );
        assert_eq!(bad(new), 1);
        assert_eq!(bad(ring.push(1, true)), 2);
    });
}

fn buckets() -> Arc<Buckets> {
    Arc::new(Buckets::new(10))
}

fn one_of_two_failures_sees_both_in_buckets() {
    model(|| {
        let tallies = both(
            &buckets(),
            |buckets| buckets.push(0, true, 20),
            |buckets| buckets.push(0, true, 21),
        );
        assert_eq!(tallies.map(bad).into_iter().max(), Some(2));
    });
}

fn results_that_roll_a_bucket_over_are_all_counted() {
    model(|| {
        let buckets = buckets();
        buckets.push(0, true, 5);
        let push = |buckets: &Buckets| buckets.push(0, true, 25);
        let tallies = both(&buckets, push, push);
        assert_eq!(tallies.map(bad).into_iter().max(), Some(2));
    });
}

fn a_result_of_an_old_generation_never_reaches_the_next_buckets() {
    model(|| {
        let buckets = buckets();
        let [_, new] = both(
            &buckets,
            |buckets| buckets.push(0, true, 5),
            |buckets| {
                buckets.clear(1);
                buckets.push(1, true, 6)
            },
        );
        assert_eq!(bad(new), 1);
        assert_eq!(bad(buckets.push(1, true, 6)), 2);
    });
}
