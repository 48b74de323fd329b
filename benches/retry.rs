//! What does the ability to retry add to a call that succeeds at once?

use std::{
    future::{Ready, ready},
    hint::black_box,
};

use benches::call;
use tower::{Layer, retry::Policy, service_fn};
use tower_retry_backoff::{RetryLayer, Verdict};

type Answer = Result<u64, &'static str>;

/// Three attempts, like ours; its delay is missing, since no attempt here fails.
#[derive(Clone)]
struct Attempts {
    left: u32,
}

impl Policy<u64, u64, &'static str> for Attempts {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, answer: &mut Answer) -> Option<Ready<()>> {
        if answer.is_ok() || self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

/// Fails with zero, which nobody asks for; the compiler must not know that.
fn inner(number: u64) -> Ready<Answer> {
    let number = black_box(number);
    ready(if number == 0 {
        Err("broken")
    } else {
        Ok(number)
    })
}

fn main() {
    let mut criterion = benches::criterion();
    let mut group = criterion.benchmark_group("retry");

    let mut service = service_fn(inner);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    let policy = |answer: Result<&u64, &&'static str>| match answer {
        Ok(_) => Verdict::Done,
        Err(_) => Verdict::retry(),
    };
    let mut service = RetryLayer::new(policy).layer(service_fn(inner));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    let mut service = tower::retry::RetryLayer::new(Attempts { left: 2 }).layer(service_fn(inner));
    group.bench_function("tower", |bencher| {
        bencher.iter(|| call(&mut service, 1));
    });

    group.finish();
    criterion.final_summary();
}
