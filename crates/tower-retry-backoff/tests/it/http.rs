use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use proptest::prelude::*;
use tokio::time::Instant;
use tower::{Layer, Service, ServiceExt};
use tower_retry_backoff::{
    Backoff, Retried, RetryLayer, Stop, Verdict,
    http::{Attempt, Deadline, HttpPolicy, Repeatable, RetryCount, is_transient, retry_after},
};

use crate::upstream::{Failure, Upstream, judge, ms, secs, send};

type Http = Upstream<Request<&'static str>, Response<()>>;

const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const TEN_SECONDS_LATER: &str = "Sun, 06 Nov 1994 08:49:47 GMT";

fn layer() -> RetryLayer<HttpPolicy<impl Fn(&Failure) -> Verdict + Clone>> {
    RetryLayer::new(HttpPolicy::new(|error: &Failure| judge::<()>(Err(error))))
        .backoff(Backoff::exponential(ms(0), ms(0)))
}

fn status(code: u16) -> Result<Response<()>, Failure> {
    answer(code, &[])
}

fn answer(code: u16, headers: &[(&'static str, &str)]) -> Result<Response<()>, Failure> {
    let response = Response::builder().status(code);
    let response = headers.iter().fold(response, |response, (name, value)| {
        response.header(*name, *value)
    });
    Ok(response.body(()).unwrap())
}

fn request(method: Method) -> Request<&'static str> {
    Request::builder().method(method).body("body").unwrap()
}

/// How many attempts a request makes that is answered with `first` and then with success.
async fn attempts_of(
    request: Request<&'static str>,
    first: Result<Response<()>, Failure>,
) -> usize {
    let upstream = Http::new([first, status(200)]);
    let _ = send(&mut layer().layer(upstream.clone()), request).await;
    upstream.times().len()
}

/// How long a GET waits that is answered with `first` and then with success.
async fn wait_after(first: Result<Response<()>, Failure>) -> Option<Duration> {
    let upstream = Http::new([first, status(200)]);
    send(&mut layer().layer(upstream.clone()), request(Method::GET))
        .await
        .unwrap();
    upstream.times().get(1).copied()
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_methods_are_repeated() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(
            attempts_of(request(method.clone()), status(503)).await,
            2,
            "{method}"
        );
        let error = Err(Failure::Passing);
        assert_eq!(
            attempts_of(request(method.clone()), error).await,
            2,
            "{method}"
        );
    }
    for method in ["POST", "PATCH", "CONNECT", "get", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(
            attempts_of(request(method.clone()), status(503)).await,
            1,
            "{method}"
        );
        let error = Err(Failure::Passing);
        assert_eq!(
            attempts_of(request(method.clone()), error).await,
            1,
            "{method}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_makes_any_method_repeatable_and_stays_the_same() {
    let upstream = Http::new([status(503), Err(Failure::Passing), status(200)]);
    let mut post = request(Method::POST);
    post.headers_mut()
        .insert("idempotency-key", HeaderValue::from_static("k-1"));

    let response = send(&mut layer().layer(upstream.clone()), post)
        .await
        .unwrap();

    assert_eq!(response.status(), StatusCode::OK);
    let sent = upstream.requests();
    assert_eq!(sent.len(), 3);
    assert!(
        sent.iter()
            .all(|sent| sent.headers()["idempotency-key"] == "k-1")
    );
    assert!(sent.iter().all(|sent| *sent.body() == "body"));
}

#[tokio::test(start_paused = true)]
async fn an_empty_key_is_none() {
    let mut post = request(Method::POST);
    post.headers_mut()
        .insert("idempotency-key", HeaderValue::from_static(""));
    assert_eq!(attempts_of(post, status(503)).await, 1);
}

#[tokio::test(start_paused = true)]
async fn only_a_status_that_may_change_is_repeated() {
    for code in (100..600).chain([999]) {
        let transient = [408, 429, 500, 502, 503, 504].contains(&code);
        assert_eq!(is_transient(StatusCode::from_u16(code).unwrap()), transient);
        let attempts = attempts_of(request(Method::GET), status(code)).await;
        assert_eq!(attempts, 1 + usize::from(transient), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_the_composer_forbids_is_returned_at_once() {
    assert_eq!(
        attempts_of(request(Method::GET), Err(Failure::Lasting)).await,
        1
    );
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_in_seconds_and_as_a_date() {
    let seconds = answer(429, &[("retry-after", "1")]);
    let waited = wait_after(seconds).await.unwrap();
    assert!(secs(1) <= waited && waited <= ms(1_101), "{waited:?}");

    // A date is read off the clock of the server, which is years behind here.
    let date = answer(503, &[("date", NOW), ("retry-after", TEN_SECONDS_LATER)]);
    let waited = wait_after(date).await.unwrap();
    assert!(secs(10) <= waited && waited <= ms(11_001), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_date_gone_by_or_garbage_leaves_the_delay_to_the_backoff() {
    for value in [TEN_SECONDS_LATER, "0", "soon", "-5", "1.5", "+5", "", "5 s"] {
        let waited = wait_after(answer(503, &[("retry-after", value)])).await;
        assert_eq!(waited, Some(secs(0)), "{value:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn retry_after_on_another_status_is_not_trusted() {
    for code in [408, 500, 502, 504] {
        let waited = wait_after(answer(code, &[("retry-after", "20")])).await;
        assert_eq!(waited, Some(secs(0)), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_that_asks_for_too_much_is_returned_as_it_is() {
    for value in ["30", "86400", "99999999999999999999999"] {
        let upstream = Http::new([answer(429, &[("retry-after", value)])]);
        let response = send(&mut layer().layer(upstream), request(Method::GET))
            .await
            .unwrap();
        assert_eq!(response.headers()["retry-after"], value);
        let retried = response.extensions().get::<Retried>().unwrap();
        let why = [Some(Stop::Deadline), Some(Stop::Hint)];
        assert!(retried.attempts() == 1 && why.contains(&retried.stopped()));
    }
}

#[tokio::test(start_paused = true)]
async fn attempts_are_numbered_for_those_below_and_counted_for_those_above() {
    let upstream = Http::new([
        answer(503, &[("retry-after", "2")]),
        Err(Failure::Passing),
        status(200),
    ]);
    let retries = RetryCount::default();
    let mut get = request(Method::GET);
    get.extensions_mut().insert(retries.clone());

    let response = send(&mut layer().layer(upstream.clone()), get)
        .await
        .unwrap();

    let numbers = upstream.requests();
    let numbers = numbers
        .iter()
        .map(|sent| sent.extensions().get().copied().map(Attempt::number));
    assert_eq!(numbers.collect::<Vec<_>>(), [Some(1), Some(2), Some(3)]);
    let retried = response.extensions().get::<Retried>().unwrap();
    assert_eq!(retried.attempts(), 3);
    assert!(secs(2) <= retried.waited() && retried.waited() <= ms(2_200));
    assert_eq!(retries.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn retries_are_counted_also_when_the_call_fails_or_is_dropped() {
    let upstream = Http::new([
        Err(Failure::Passing),
        Err(Failure::Lasting),
        Err(Failure::Passing),
        status(200),
    ])
    .latency(secs(1));
    let mut service = layer().layer(upstream);
    let counted = || {
        let (retries, mut get) = (RetryCount::default(), request(Method::GET));
        get.extensions_mut().insert(retries.clone());
        (retries, get)
    };

    let (retries, get) = counted();
    assert_eq!(send(&mut service, get).await.unwrap_err(), Failure::Lasting);
    assert_eq!(retries.get(), 1);

    let (retries, get) = counted();
    let call = service.ready().await.unwrap().call(get);
    assert!(tokio::time::timeout(ms(1_500), call).await.is_err());
    assert_eq!(retries.get(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_retry_inside_a_retry_does_not_multiply_the_attempts() {
    let upstream = Http::new((0..9).map(|_| status(503)));
    let (outer, inner) = (layer(), layer());
    let inner_stats = inner.stats();

    let response = send(
        &mut outer.layer(inner.layer(upstream.clone())),
        request(Method::GET),
    )
    .await;

    assert_eq!(upstream.times().len(), 3);
    assert_eq!(inner_stats.retries(), 0);
    let retried = *response.unwrap().extensions().get::<Retried>().unwrap();
    assert_eq!(retried.attempts(), 3);
}

#[test]
fn retry_after_is_read_in_all_its_forms() {
    let now = httpdate::parse_http_date(NOW).unwrap();
    for (value, wait) in [
        ("0", Some(secs(0))),
        ("120", Some(secs(120))),
        ("  7 ", Some(secs(7))),
        ("0000000000000000000000000030", Some(secs(30))),
        ("18446744073709551616", Some(secs(u64::MAX))),
        (TEN_SECONDS_LATER, Some(secs(10))),
        ("Sunday, 06-Nov-94 08:49:47 GMT", Some(secs(10))),
        ("Sun Nov  6 08:49:47 1994", Some(secs(10))),
        (NOW, Some(secs(0))),
        ("Sat, 05 Nov 1994 08:49:37 GMT", Some(secs(0))),
        ("Sun, 06 Nov 1994 08:49:47 CET", None),
        ("-1", None),
        ("", None),
        ("1e3", None),
        ("\u{0663}", None),
    ] {
        let headers = HeaderMap::from_iter([(
            http::header::RETRY_AFTER,
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )]);
        assert_eq!(retry_after(&headers, now), wait, "{value:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new(), SystemTime::now()), None);
}

#[tokio::test(start_paused = true)]
async fn a_request_the_caller_vouches_for_is_repeated_whatever_its_method() {
    let mut post = request(Method::POST);
    post.extensions_mut().insert(Repeatable);
    assert_eq!(attempts_of(post, status(503)).await, 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_request_counts_if_it_is_the_earlier_one() {
    for (own, layers, made) in [
        (ms(1_999), secs(9), 1),
        (ms(2_000), secs(9), 1),
        (ms(2_001), secs(9), 2),
        (secs(9), ms(1_999), 1),
        (ms(0), secs(9), 1),
        (Duration::MAX, secs(9), 2),
    ] {
        let upstream = Http::new([status(503), status(200)]).latency(secs(2));
        let mut get = request(Method::GET);
        get.extensions_mut().insert(Deadline::within(own));
        let response = send(&mut layer().deadline(layers).layer(upstream.clone()), get).await;

        assert_eq!(upstream.times().len(), made, "{own:?} {layers:?}");
        let retried = *response.unwrap().extensions().get::<Retried>().unwrap();
        assert_eq!(retried.stopped(), (made == 1).then_some(Stop::Deadline));
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_attempt_is_unmarked_where_only_retries_are_numbered() {
    let policy = HttpPolicy::new(|error: &Failure| judge::<()>(Err(error))).number_retries_only();
    let upstream = Http::new([status(503), status(200)]);
    let mut service = RetryLayer::new(policy).layer(upstream.clone());
    send(&mut service, request(Method::GET)).await.unwrap();

    let sent = upstream.requests();
    assert!(sent[0].extensions().is_empty());
    assert_eq!(
        sent[1].extensions().get().copied().map(Attempt::number),
        Some(2)
    );
}

#[tokio::test(start_paused = true)]
async fn the_time_at_which_a_limit_frees_up_is_waited_for() {
    for (headers, wait) in [
        (&[("ratelimit-reset", "7")][..], Some(7)),
        (&[("ratelimit", r#""day";r=0;t=7"#)], Some(7)),
        (&[("ratelimit", r#""a;t=9,b";r=0;t=7"#)], Some(7)),
        (&[("ratelimit", r#""a\",";r=0;t=7"#)], Some(7)),
        (
            &[("ratelimit", r#""day";r=5;t=50, "minute";r=0;t=7"#)],
            Some(7),
        ),
        (
            &[("ratelimit", r#""day";r=0;t=7, "minute";r=0;t=3"#)],
            Some(7),
        ),
        (&[("ratelimit-reset", "50"), ("retry-after", "7")], Some(7)),
        (&[("ratelimit", r#""day";r=5;t=50"#)], None),
        (&[("ratelimit", r#""day";r=0"#)], None),
        (&[("ratelimit-reset", "soon")], None),
        (&[("ratelimit-reset", "-7")], None),
    ] {
        let waited = wait_after(answer(429, headers)).await.unwrap();
        let wait = secs(wait.unwrap_or(0));
        assert!(
            (wait..=wait + wait / 10 + ms(1)).contains(&waited),
            "{headers:?}: {waited:?}"
        );
    }
    let elsewhere = wait_after(answer(500, &[("ratelimit-reset", "7")])).await;
    assert!(elsewhere.unwrap() < secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_server_of_grpc_pushes_back() {
    for (status, value, wait) in [
        (200, "7000", Some(7)),
        (503, "7000", Some(7)),
        (200, "0", Some(0)),
        (200, "-1", None),
        (200, "", None),
        (200, "soon", None),
    ] {
        let headers = [("grpc-status", "14"), ("grpc-retry-pushback-ms", value)];
        let waited = wait_after(answer(status, &headers)).await;
        assert_eq!(waited.is_some(), wait.is_some(), "{value:?}");
        if let (Some(waited), Some(wait)) = (waited, wait) {
            assert!(secs(wait) <= waited && waited <= secs(wait) * 11 / 10 + ms(1));
        }
    }
    let without = [("grpc-status", "14")];
    assert!(wait_after(answer(200, &without)).await.is_some());
    for status in ["0", "3", "8", "140"] {
        assert_eq!(
            wait_after(answer(200, &[("grpc-status", status)])).await,
            None
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_hint_of_a_server_panics_or_is_waited_for_beyond_its_cap(
        name in prop::sample::select(vec![
            "retry-after", "ratelimit-reset", "ratelimit", "grpc-retry-pushback-ms", "date",
        ]),
        value in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            r#"["\\,;=rt0-9 -]{0,40}"#.prop_map(String::into_bytes),
            r"(Sun|Mon|Fri), [0-9]{1,3} (Nov|Feb) [0-9]{2,5} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT"
                .prop_map(String::into_bytes),
        ],
    ) {
        let Ok(value) = HeaderValue::from_bytes(&value) else {
            return Ok(());
        };
        let mut limited = answer(429, &[]).unwrap();
        limited.headers_mut().insert(name, value);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let waited = runtime.block_on(wait_after(Ok(limited)));
        prop_assert!(waited.unwrap_or_default() < secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_at_an_instant_is_that_instant() {
    let upstream = Http::new([status(503), status(200)]).latency(secs(2));
    let mut get = request(Method::GET);
    let deadline = Deadline::at(Instant::now() + ms(2_000));
    get.extensions_mut().insert(deadline);
    send(&mut layer().layer(upstream.clone()), get)
        .await
        .unwrap();
    assert_eq!(upstream.times().len(), 1);
}
