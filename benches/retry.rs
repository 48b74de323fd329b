//! What does the ability to retry add to a call that succeeds at once?

use std::{
    future::{Ready, ready},
    hint::black_box,
    sync::Arc,
    time::Duration,
};

use benches::{ThreadTime, call};
use criterion::Criterion;
use http::{HeaderValue, Request, Response, header};
use tower::{
    Layer,
    retry::{
        self, Policy,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
        budget::{Budget as _, TpsBudget},
    },
    service_fn,
    util::rng::HasherRng,
};
use tower_retry_backoff::{Budget, RetryLayer, Verdict, http::HttpPolicy};

const RETRIES_PER_SUCCESS: f32 = 0.2;

fn main() {
    let mut criterion = benches::criterion();
    numbers(&mut criterion);
    requests(&mut criterion);
    criterion.final_summary();
}

/// With a request whose copy costs nothing: the layer alone.
fn numbers(criterion: &mut Criterion<ThreadTime>) {
    let ours = RetryLayer::new(|answer: Result<&u64, &&'static str>| match answer {
        Ok(_) => Verdict::Done,
        Err(_) => Verdict::retry(),
    });
    let mut group = criterion.benchmark_group("retry");
    let mut bench = |name, service: &mut dyn FnMut(u64)| {
        group.bench_function(name, |bencher| bencher.iter(|| service(1)));
    };
    let mut service = service_fn(echo);
    bench("baseline", &mut |number| call(&mut service, number));
    let mut service = ours.layer(service_fn(echo));
    bench("ours", &mut |number| call(&mut service, number));
    let mut service = retry::RetryLayer::new(Attempts::new()).layer(service_fn(echo));
    bench("tower", &mut |number| call(&mut service, number));
    let mut service = ours
        .clone()
        .budget(Budget::default())
        .layer(service_fn(echo));
    bench("ours-budget", &mut |number| call(&mut service, number));
    let mut service = retry::RetryLayer::new(Attempts::budgeted()).layer(service_fn(echo));
    bench("tower-budget", &mut |number| call(&mut service, number));
    group.finish();
}

/// With a request of HTTP, of which one copy is made in advance. The harness makes another one for
/// each call.
fn requests(criterion: &mut Criterion<ThreadTime>) {
    let policy = HttpPolicy::new(|_: &&'static str| Verdict::retry());
    let request = get();
    let mut group = criterion.benchmark_group("retry-http");
    let mut bench = |name, service: &mut dyn FnMut(Request<()>)| {
        group.bench_function(name, |bencher| bencher.iter(|| service(request.clone())));
    };
    let mut service = service_fn(answer);
    bench("baseline", &mut |request| call(&mut service, request));
    let mut service = RetryLayer::new(policy.clone()).layer(service_fn(answer));
    bench("ours", &mut |request| call(&mut service, request));
    let mut service = RetryLayer::new(policy.number_retries_only()).layer(service_fn(answer));
    bench("ours-unnumbered", &mut |request| {
        call(&mut service, request);
    });
    let mut service = retry::RetryLayer::new(Attempts::new()).layer(service_fn(answer));
    bench("tower", &mut |request| call(&mut service, request));
    group.finish();
}

/// Fails with zero, which nobody asks for; the compiler must not know that.
fn echo(number: u64) -> Ready<Result<u64, &'static str>> {
    let number = black_box(number);
    ready(if number == 0 {
        Err("broken")
    } else {
        Ok(number)
    })
}

fn answer(request: Request<()>) -> Ready<Result<Response<()>, &'static str>> {
    black_box(request);
    ready(Ok(Response::new(())))
}

fn get() -> Request<()> {
    let mut request = Request::new(());
    let headers = request.headers_mut();
    for (name, value) in [
        (header::HOST, "api.example.com"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_ENCODING, "gzip"),
        (header::USER_AGENT, "bench/1"),
        (header::ACCEPT_LANGUAGE, "en"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    request
}

/// A policy of tower like ours: three attempts, delays, and a budget if wanted.
#[derive(Clone)]
struct Attempts {
    left: u32,
    backoff: ExponentialBackoff,
    budget: Option<Arc<TpsBudget>>,
}

impl Attempts {
    fn new() -> Self {
        let rng = HasherRng::default();
        let backoff = ExponentialBackoffMaker::new(
            Duration::from_millis(50),
            Duration::from_secs(10),
            1.0,
            rng,
        );
        Self {
            left: 2,
            backoff: backoff.expect("the least is below the most").make_backoff(),
            budget: None,
        }
    }

    fn budgeted() -> Self {
        let budget = TpsBudget::new(Duration::from_secs(10), 10, RETRIES_PER_SUCCESS);
        Self {
            budget: Some(Arc::new(budget)),
            ..Self::new()
        }
    }
}

impl<R: Clone, T> Policy<R, T, &'static str> for Attempts {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(&mut self, _: &mut R, answer: &mut Result<T, &'static str>) -> Option<Self::Future> {
        if answer.is_ok() {
            if let Some(budget) = &self.budget {
                budget.deposit();
            }
            return None;
        }
        let paid = self.budget.as_ref().is_none_or(|budget| budget.withdraw());
        if self.left == 0 || !paid {
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &R) -> Option<R> {
        Some(request.clone())
    }
}
