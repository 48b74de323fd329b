//! What calls take from the heap: nothing but the clones of their requests, in any state.

use std::{
    cell::Cell,
    future::{Ready, ready},
};

use allocation_counter::measure;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_retry_backoff::{Backoff, Budget, RetryLayer};

use crate::upstream::{Failure, attempts, judge, ms, secs};

fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

/// Allocations of so many calls, and of what runs them.
fn allocations<S: Service<u64>>(runtime: &Runtime, service: &mut S, calls: u64) -> u64 {
    let run = || {
        runtime.block_on(async {
            for call in 0..calls {
                let Ok(ready) = service.ready().await else {
                    unreachable!("it is always ready");
                };
                let _ = ready.call(call).await;
            }
        });
    };
    measure(run).count_total
}

#[test]
fn nothing_is_allocated_by_successes_retries_and_calls_given_up() {
    let runtime = paused();
    let count = Cell::new(0);
    let upstream = |failing: u32, failure| {
        let count = &count;
        service_fn(move |_: u64| -> Ready<Result<(), Failure>> {
            count.set(count.get() + 1);
            ready(if count.get() % 100 < failing {
                Err(failure)
            } else {
                Ok(())
            })
        })
    };
    let layer = RetryLayer::new(judge).backoff(Backoff::exponential(ms(1), secs(1)));
    let layer = layer.budget(Budget::default());
    for (failing, failure) in [
        (0, Failure::Passing),
        (50, Failure::Passing),
        (100, Failure::Passing),
        (50, Failure::Hinted(ms(2))),
        (50, Failure::Hinted(secs(3_600))),
    ] {
        // With the feature, a retry and a call given up allocate the labels of their metrics.
        if cfg!(feature = "metrics") && failing > 0 {
            continue;
        }
        let mut service = layer
            .clone()
            .max_attempts(attempts(4))
            .layer(upstream(failing, failure));
        allocations(&runtime, &mut service, 200);
        let few = allocations(&runtime, &mut service, 10);
        let many = allocations(&runtime, &mut service, 1_000);
        assert_eq!(few, many, "{failing} {failure:?}");
    }
}

// Or the test above could pass by measuring nothing.
#[test]
fn an_allocation_of_a_call_would_be_noticed() {
    let runtime = paused();
    let upstream = service_fn(|call: u64| ready(Ok::<_, Failure>(Box::new(call))));
    let mut service = RetryLayer::new(judge).layer(upstream);
    let few = allocations(&runtime, &mut service, 10);
    assert_eq!(allocations(&runtime, &mut service, 1_000), few + 990);
}

#[cfg(feature = "http")]
#[test]
fn a_request_of_http_allocates_its_clone_and_what_marks_it() {
    use http::{Request, Response};
    use tower_retry_backoff::{Verdict, http::HttpPolicy};

    let runtime = paused();
    let request = || {
        let request = Request::get("https://example.com/a");
        request
            .header("accept", "*/*")
            .header("x-a", "b")
            .body(())
            .unwrap()
    };
    let sent = request();
    let of_a_clone = measure(|| drop(sent.clone())).count_total;
    assert!(of_a_clone > 0);
    let policy = HttpPolicy::new(|_: &Failure| Verdict::Forbid);
    for (policy, marks) in [
        (policy.clone().number_retries_only(), 0..=0),
        (policy, 1..=3),
    ] {
        let upstream = service_fn(|_: Request<()>| ready(Ok::<_, Failure>(Response::new(()))));
        let mut service = RetryLayer::new(policy).layer(upstream);
        let call = |request: Request<()>| {
            runtime.block_on(async {
                service.ready().await.unwrap().call(request).await.unwrap();
            });
        };
        let of_the_runtime = measure(|| runtime.block_on(async {})).count_total;
        let request = request();
        let mut call = call;
        let of_a_call = measure(|| call(request)).count_total;
        let more = of_a_call - of_the_runtime - of_a_clone;
        assert!(marks.contains(&more), "{more}");
    }
}
