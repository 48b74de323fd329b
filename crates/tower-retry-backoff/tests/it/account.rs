//! The budget's account beside obvious bookkeeping, and in all interleavings of its threads.

use std::time::Duration;

use proptest::prelude::*;

/// The files as they are in the crate.
#[allow(
    dead_code,
    clippy::duplicate_mod,
    reason = "it is the crate that uses all of them, and a second time over is the point"
)]
#[path = "../../src/budget"]
mod real {
    mod atomic {
        pub(super) use std::sync::atomic::{AtomicU64, Ordering};
    }
    pub(super) mod account;
    pub(super) mod bucket;
}

/// The same over atomics that try all interleavings.
#[allow(
    dead_code,
    clippy::duplicate_mod,
    reason = "it is the crate that uses all of them, and a second time over is the point"
)]
#[path = "../../src/budget"]
mod explored {
    mod atomic {
        pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
    }
    pub(super) mod account;
    pub(super) mod bucket;
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Successes(u32),
    Withdraw(u32),
    Pass(Duration),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u32..200).prop_map(Step::Successes),
        (1u32..20).prop_map(Step::Withdraw),
        (0u64..20_000).prop_map(|millis| Step::Pass(Duration::from_millis(millis))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_more_is_taken_out_than_was_put_in(
        share in 0u32..=1000,
        reserve in 0u32..50,
        steps in prop::collection::vec(any_step(), 0..80),
    ) {
        let refill = real::bucket::Refill::new(f64::from(share) / 1000.0, reserve);
        let account = real::account::Account::new(refill);
        let (mut now, mut thousandths) = (Duration::ZERO, u64::from(reserve) * 1000);
        for step in steps {
            match step {
                Step::Successes(successes) => {
                    (0..successes).for_each(|_| account.success());
                    thousandths += u64::from(successes * share);
                }
                Step::Pass(time) => now += time,
                Step::Withdraw(retries) => {
                    let available = account.retries(now);
                    prop_assert!(u64::from(available) * 1000 <= thousandths);
                    let paid = account.withdraw(retries, now);
                    prop_assert_eq!(paid, retries <= available);
                    if paid {
                        thousandths -= u64::from(retries) * 1000;
                    }
                }
            }
        }
    }

    #[test]
    fn within_a_moment_nothing_is_lost(
        share in 0u32..=1000,
        reserve in 0u32..50,
        successes in prop::collection::vec(0u32..2_000, 0..10),
    ) {
        let refill = real::bucket::Refill::new(f64::from(share) / 1000.0, reserve);
        let account = real::account::Account::new(refill);
        for &successes in &successes {
            (0..successes).for_each(|_| account.success());
            account.retries(Duration::from_nanos(1));
        }
        let earned = successes.iter().sum::<u32>() * share / 1000;
        // A thousandth may be rounded away each time.
        let left = account.retries(Duration::from_nanos(1));
        prop_assert!(left == reserve + earned || left + 1 == reserve + earned);
    }
}

#[test]
fn threads_never_take_out_more_than_was_put_in() {
    loom::model(|| {
        let refill = explored::bucket::Refill::new(1.0, 1);
        let account = loom::sync::Arc::new(explored::account::Account::new(refill));
        let threads = [1, 2].map(|now| {
            let account = loom::sync::Arc::clone(&account);
            loom::thread::spawn(move || {
                account.success();
                account.withdraw(2, Duration::from_secs(now))
            })
        });
        let paid = threads.map(|thread| thread.join().unwrap());

        // Three were put in, so two can be had once.
        assert_ne!(paid, [true, true]);
        let left = account.retries(Duration::from_secs(2));
        let taken = if paid.contains(&true) { 2 } else { 0 };
        assert!(left <= 3 - taken);
    });
}

#[test]
fn a_success_is_brought_in_once_whoever_looks() {
    loom::model(|| {
        let refill = explored::bucket::Refill::new(1.0, 0);
        let account = loom::sync::Arc::new(explored::account::Account::new(refill));
        account.success();
        let threads = [1, 1].map(|cost| {
            let account = loom::sync::Arc::clone(&account);
            loom::thread::spawn(move || account.withdraw(cost, Duration::ZERO))
        });
        let paid = threads.map(|thread| thread.join().unwrap());

        assert_ne!(paid, [true, true]);
        let left = account.retries(Duration::ZERO);
        assert_eq!(left, if paid.contains(&true) { 0 } else { 1 });
    });
}
