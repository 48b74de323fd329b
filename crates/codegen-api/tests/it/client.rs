use std::{num::NonZeroU32, time::Duration};

use codegen_api::{
    client::{Call, Error, ErrorKind, Operation},
    model::{AgentType, RunStatus, SourceType},
};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower_circuit_breaker::State;

use crate::script::{Answer, Script, ok, status};

const USER: &str = r#"{"id":1,"github_user_id":"1","github_username":"ada","later":true}"#;

fn run(status: &str) -> String {
    json!({"id": 7, "organization_id": 1, "status": status}).to_string()
}

fn page(ids: std::ops::Range<i64>, total: i64) -> String {
    let items: Vec<_> = ids.map(|id| json!({"id": id, "name": "o"})).collect();
    json!({"items": items, "total": total, "page": 1, "size": 2, "pages": 3}).to_string()
}

async fn failure<O: Operation>(call: Call<O>) -> Error
where
    O::Output: std::fmt::Debug,
{
    call.send().await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn every_operation_is_sent_as_the_contract_says() {
    let script = Script::new([ok("{}")]);
    let client = script.client();
    // What comes back is not looked at here: `{}` reads as none of it.
    drop(client.health().send().await);
    drop(client.current_user().send().await);
    drop(client.organizations().skip(3).limit(7).send().await);
    drop(client.users(1).send().await);
    drop(client.user(1, 2).send().await);
    drop(client.repositories(1).send().await);
    drop(client.run(1, 7).send().await);
    let runs = client.runs(1).started_by(5).source_type(SourceType::Api);
    drop(runs.send().await);
    drop(client.run_logs(1, 7).newest_first().send().await);
    let call = client
        .create_run(1, "do")
        .repository(4)
        .agent_type(AgentType::ClaudeCode);
    let metadata = json!({"a": 1}).as_object().unwrap().clone();
    drop(
        call.metadata(metadata)
            .model("m")
            .images(vec!["data:".into()])
            .send()
            .await,
    );
    drop(client.resume_run(1, 7, "more").send().await);

    let seen = script.seen();
    let lines: Vec<_> = seen
        .iter()
        .map(|s| format!("{} {}", s.method, s.target))
        .collect();
    assert_eq!(
        lines,
        [
            "GET /v1/health",
            "GET /v1/users/me",
            "GET /v1/organizations?skip=3&limit=7",
            "GET /v1/organizations/1/users?skip=0&limit=100",
            "GET /v1/organizations/1/users/2",
            "GET /v1/organizations/1/repos?skip=0&limit=100",
            "GET /v1/organizations/1/agent/run/7",
            "GET /v1/organizations/1/agent/runs?user_id=5&source_type=API&skip=0&limit=100",
            "GET /v1/alpha/organizations/1/agent/run/7/logs?skip=0&limit=100&reverse=true",
            "POST /v1/organizations/1/agent/run",
            "POST /v1/organizations/1/agent/run/resume",
        ]
    );
    let body = |index: usize| serde_json::from_str::<Value>(&seen[index].body).unwrap();
    let created = json!({"prompt": "do", "repo_id": 4, "agent_type": "claude_code", "model": "m",
        "metadata": {"a": 1}, "images": ["data:"]});
    assert_eq!(body(9), created);
    assert_eq!(body(10), json!({"agent_run_id": 7, "prompt": "more"}));
    assert_eq!(seen[9].headers["content-type"], "application/json");
    assert!(seen[0].body.is_empty() && !seen[0].headers.contains_key("content-type"));
    for sent in &seen {
        assert_eq!(sent.headers["authorization"], "Bearer sesame");
        assert!(sent.headers["authorization"].is_sensitive());
        assert_eq!(sent.headers["accept"], "application/json");
        assert!(
            sent.headers["user-agent"]
                .to_str()
                .unwrap()
                .starts_with("codegen-api-rust/")
        );
    }
}

// proves 0.11
#[tokio::test(start_paused = true)]
async fn what_cannot_be_valid_is_not_sent() {
    let script = Script::new([ok("{}")]);
    let client = script.client();
    for error in [
        failure(client.create_run(1, " \n")).await,
        failure(client.resume_run(1, 7, "")).await,
        failure(client.runs(1).limit(0)).await,
        failure(client.users(1).limit(101)).await,
    ] {
        let ErrorKind::Validation(fields) = error.kind() else {
            panic!("{error}");
        };
        assert_eq!(fields.len(), 1);
        assert_eq!(error.attempts(), 0);
    }
    assert_eq!(script.sent(), 0);
}

// proves 0.16
#[tokio::test(start_paused = true)]
async fn a_get_that_fails_twice_is_sent_three_times() {
    let script = Script::new([status(503), Answer::Broken, ok(USER)]);
    let client = script.client();
    let answer = client.current_user().send_raw().await.unwrap();
    assert_eq!(answer.value.github_username, "ada");
    assert_eq!(answer.value.extra["later"], true);
    assert_eq!((answer.attempts, client.statistics().retries), (3, 2));
    // To its caller it is one call, and a success.
    let operations = client.statistics().operations;
    assert_eq!((operations.total.requests, operations.total.errors), (1, 0));
    assert_eq!(operations.routes[0].route.as_deref(), Some("current_user"));
    let numbers: Vec<_> = script
        .seen()
        .iter()
        .map(|s| s.headers["x-attempt"].clone())
        .collect();
    assert_eq!(numbers, ["1", "2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_is_not_created_twice() {
    let script = Script::new([status(503), ok(run("PENDING"))]);
    let error = failure(script.client().create_run(1, "do")).await;
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Server, 1));
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_idempotency_key_makes_a_post_repeatable_and_stays_the_same() {
    let script = Script::new([status(503), ok(run("PENDING"))]);
    let key = HeaderName::from_static("idempotency-key");
    let call = script
        .client()
        .create_run(1, "do")
        .header(key, HeaderValue::from_static("k1"));
    assert_eq!(call.send().await.unwrap().status, Some(RunStatus::Pending));
    let keys: Vec<_> = script
        .seen()
        .iter()
        .map(|s| s.headers["idempotency-key"].clone())
        .collect();
    assert_eq!(keys, ["k1", "k1"]);
}

#[tokio::test(start_paused = true)]
async fn the_servers_hint_is_waited_for() {
    let limited = Answer::Response(429, &[("retry-after", "7")], "{}".into());
    let script = Script::new([limited, ok(USER)]);
    let started = Instant::now();
    script.client().current_user().send().await.unwrap();
    let waited = started.elapsed();
    assert!(
        waited >= Duration::from_secs(7) && waited < Duration::from_secs(8),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_beyond_the_deadline_ends_the_call_at_once_and_reaches_the_caller() {
    let limited = Answer::Response(429, &[("retry-after", "50")], "{}".into());
    let script = Script::new([limited]);
    let client = script.client_with(|config| config.deadline(Duration::from_secs(40)));
    let started = Instant::now();
    let error = failure(client.current_user()).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(*error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(50)));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_costs_the_attempt_timeout_and_never_more_than_the_deadline() {
    let script = Script::new([Answer::Never]);
    let client = script.client_with(|config| {
        config
            .attempt_timeout(Duration::from_secs(10))
            .deadline(Duration::from_secs(25))
    });
    let started = Instant::now();
    let error = failure(client.current_user()).await;
    assert_eq!(*error.kind(), ErrorKind::Timeout);
    assert!(
        started.elapsed() <= Duration::from_millis(25_002),
        "{:?}",
        started.elapsed()
    );
    assert!((2..=3).contains(&error.attempts()), "{}", error.attempts());

    let once = script.client_with(|config| config.max_retries(0));
    let started = Instant::now();
    let error = failure(once.current_user().timeout(Duration::from_secs(3))).await;
    assert_eq!((error.kind(), error.attempts()), (&ErrorKind::Timeout, 1));
    assert!(started.elapsed() <= Duration::from_millis(3_002));
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_sends_nothing_until_it_said_and_then_closes() {
    let five = std::iter::repeat_n(status(500), 5);
    let script = Script::new(five.chain([ok(USER)]));
    let client = script.client_with(|config| config.max_retries(0));
    for _ in 0..5 {
        assert_eq!(
            *failure(client.current_user()).await.kind(),
            ErrorKind::Server
        );
    }
    assert_eq!(client.statistics().breaker, State::Open);

    let refused = failure(client.current_user()).await;
    assert_eq!(
        (refused.kind(), refused.attempts()),
        (&ErrorKind::CircuitOpen, 0)
    );
    assert_eq!(script.sent(), 5);

    tokio::time::sleep(refused.retry_after().unwrap()).await;
    for _ in 0..3 {
        client.current_user().bypass_cache().send().await.unwrap();
    }
    assert_eq!(client.statistics().breaker, State::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_when_to_come_back_is_left_alone_until_then() {
    let closed = Answer::Response(503, &[("retry-after", "70")], "{}".into());
    let script = Script::new([closed]);
    let client = script.client_with(|config| config.max_retries(0));
    for _ in 0..5 {
        failure(client.current_user()).await;
    }
    let refused = failure(client.current_user()).await;
    assert_eq!(*refused.kind(), ErrorKind::CircuitOpen);
    assert!(refused.retry_after().unwrap() >= Duration::from_secs(70));
    assert_eq!(script.sent(), 5);
}

#[tokio::test(start_paused = true)]
async fn answers_the_caller_dislikes_do_not_open_the_circuit() {
    let script = Script::new([status(404)]);
    let client = script.client();
    for _ in 0..50 {
        assert_eq!(*failure(client.run(1, 7)).await.kind(), ErrorKind::NotFound);
    }
    assert_eq!(client.statistics().breaker, State::Closed);
}

// proves 0.12
#[tokio::test(start_paused = true)]
async fn more_than_the_rate_waits_its_turn() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let rate = (NonZeroU32::new(3).unwrap(), Duration::from_secs(10));
    let client = script.client_with(|config| config.rate(rate.0, rate.1));
    let started = Instant::now();
    let mut seconds = Vec::new();
    for _ in 0..7 {
        client.run(1, 7).send().await.unwrap();
        seconds.push(started.elapsed().as_secs());
    }
    assert_eq!(seconds, [0, 0, 0, 10, 10, 10, 20]);
    assert_eq!(client.statistics().limiter_waited, 2);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_after_the_deadline_is_refused_at_once() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let client = script.client_with(|config| {
        config
            .rate(NonZeroU32::MIN, Duration::from_secs(60))
            .deadline(Duration::from_secs(30))
    });
    client.run(1, 7).send().await.unwrap();
    let started = Instant::now();
    let error = failure(client.run(1, 7)).await;
    assert_eq!(*error.kind(), ErrorKind::RateLimited);
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(script.sent(), 1);
}

// proves 0.14
#[tokio::test(start_paused = true)]
async fn the_same_get_is_answered_from_the_cache_until_it_expires() {
    let script = Script::new([ok(USER)]);
    let client = script.client_with(|config| config.cache_ttl(Duration::from_secs(10)));
    assert!(!client.current_user().send_raw().await.unwrap().from_cache);
    tokio::time::advance(Duration::from_millis(9_999)).await;
    let hit = client.current_user().send_raw().await.unwrap();
    assert!(hit.from_cache);
    assert_eq!((hit.attempts, hit.value.id), (0, 1));
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(!client.current_user().send_raw().await.unwrap().from_cache);
    assert_eq!(script.sent(), 2);

    client.current_user().bypass_cache().send().await.unwrap();
    assert_eq!(script.sent(), 3);
    client.clear_cache().await;
    client.current_user().send().await.unwrap();
    assert_eq!(script.sent(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_polled_is_never_cached() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let client = script.client();
    for _ in 0..3 {
        client.run(1, 7).send().await.unwrap();
    }
    assert_eq!(script.sent(), 3);
}

// proves 0.10
#[tokio::test(start_paused = true)]
async fn errors_carry_what_the_caller_needs_and_no_secret() {
    let body = r#"{"message":"no","status_code":403,"detail":"no"}"#.to_owned();
    let script = Script::new([Answer::Response(403, &[("x-request-id", "r-1")], body)]);
    let client = script.client();
    let error = failure(client.users(9)).await;
    assert_eq!(*error.kind(), ErrorKind::Permission);
    assert_eq!(error.status().unwrap(), 403);
    assert_eq!(error.operation(), "list_users");
    assert_eq!(error.request_id(), Some("r-1"));
    assert_eq!(error.attempts(), 1);
    assert!(!error.is_retryable());
    // proves 0.32
    let shown = format!("{error} {error:?} {client:?} {:?}", client.users(9));
    assert!(!shown.contains("sesame"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_read_is_a_decode_error_without_its_text() {
    let script = Script::new([ok("{\"id\": \"private words\"}")]);
    let error = failure(script.client().current_user()).await;
    assert_eq!(*error.kind(), ErrorKind::Decode);
    assert!(!error.to_string().contains("private words"), "{error}");
}

// proves 0.24
#[tokio::test(start_paused = true)]
async fn pages_give_every_entry_once_and_end() {
    let script = Script::new([ok(page(0..2, 5)), ok(page(2..4, 5)), ok(page(4..5, 5))]);
    let ids = collect(script.client().organizations().limit(2))
        .await
        .unwrap();
    assert_eq!(ids, [0, 1, 2, 3, 4]);
    let targets: Vec<_> = script.seen().into_iter().map(|seen| seen.target).collect();
    assert!(targets[2].ends_with("skip=4&limit=2"), "{targets:?}");
    assert_eq!(targets.len(), 3);

    let empty = Script::new([ok(page(0..0, 0))]);
    assert_eq!(
        collect(empty.client().organizations()).await.unwrap(),
        [0; 0]
    );
    assert_eq!(empty.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_end_after_an_error_and_when_a_list_shrinks() {
    let script = Script::new([ok(page(0..2, 5)), status(403)]);
    let error = collect(script.client().organizations().limit(2))
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Permission);

    let script = Script::new([ok(page(0..2, 5)), ok(page(0..0, 5))]);
    assert_eq!(
        collect(script.client().organizations().limit(2))
            .await
            .unwrap(),
        [0, 1]
    );
}

async fn collect(call: Call<codegen_api::client::ListOrganizations>) -> Result<Vec<i64>, Error> {
    use futures_core::Stream;
    let mut pages = std::pin::pin!(call.pages());
    let mut ids = Vec::new();
    while let Some(item) = std::future::poll_fn(|cx| pages.as_mut().poll_next(cx)).await {
        ids.push(item?.id);
    }
    let after = std::future::poll_fn(|cx| pages.as_mut().poll_next(cx)).await;
    assert!(after.is_none());
    Ok(ids)
}

// proves 0.27
#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_run_has_ended() {
    let script = Script::new([
        ok(run("PENDING")),
        ok(run("ACTIVE")),
        ok(run("DREAMING")),
        ok(run("completed")),
    ]);
    let mut seen = Vec::new();
    let wait = script.client().wait_for_completion(1, 7);
    let wait = wait.observe(|run| seen.push(run.status.clone().unwrap().to_string()));
    assert!(wait.send().await.unwrap().status.unwrap().is_success());
    assert_eq!(seen, ["PENDING", "ACTIVE", "DREAMING", "COMPLETE"]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_too_short_says_how_the_run_stood() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let started = Instant::now();
    let wait = script
        .client()
        .wait_for_completion(1, 7)
        .timeout(Duration::from_secs(30));
    let error = wait.send().await.unwrap_err();
    assert_eq!(error.last_run().unwrap().status, Some(RunStatus::Active));
    assert!(
        started.elapsed() <= Duration::from_secs(30),
        "{:?}",
        started.elapsed()
    );
    // Growing intervals: far fewer looks than at the first one's pace.
    assert!((5..15).contains(&script.sent()), "{}", script.sent());
}

#[tokio::test(start_paused = true)]
async fn a_wait_survives_what_passes_and_ends_at_what_does_not() {
    let no_retry = |script: &Script| script.client_with(|config| config.max_retries(0));
    let script = Script::new([Answer::Broken, status(503), ok(run("COMPLETE"))]);
    assert!(
        no_retry(&script)
            .wait_for_completion(1, 7)
            .send()
            .await
            .is_ok()
    );

    let script = Script::new([status(404)]);
    let error = no_retry(&script)
        .wait_for_completion(1, 7)
        .send()
        .await
        .unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::NotFound);
    assert_eq!(script.sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn dropping_a_call_gives_its_place_in_the_limiter_away() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let client = script.client_with(|config| {
        config
            .rate(NonZeroU32::MIN, Duration::from_secs(10))
            .deadline(Duration::from_secs(15))
    });
    client.run(1, 7).send().await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(1), client.run(1, 7).send()).await;
    assert!(first.is_err());
    // With the dropped one still in line this would have to wait for 20 s.
    let started = Instant::now();
    client.run(1, 7).send().await.unwrap();
    assert_eq!(started.elapsed().as_secs(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_refused_and_not_waited_for() {
    let moved = Answer::Response(302, &[("location", "https://elsewhere.test/")], "".into());
    let script = Script::new([moved]);
    let client = script.client();
    let error = failure(client.current_user()).await;
    assert_eq!(*error.kind(), ErrorKind::Refused);
    assert!(!error.is_retryable());
    let error = client.wait_for_completion(1, 7).send().await.unwrap_err();
    assert_eq!(error.status().unwrap(), 302);
    assert_eq!(script.sent(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_absurd_hint_ends_a_wait_and_not_the_program() {
    let never = Answer::Response(429, &[("retry-after", "18446744073709551615")], "{}".into());
    for timeout in [Duration::ZERO, Duration::from_secs(60)] {
        let script = Script::new([ok(run("ACTIVE")), never.clone()]);
        let wait = script.client().wait_for_completion(1, 7).timeout(timeout);
        let error = wait.send().await.unwrap_err();
        assert_eq!(error.last_run().unwrap().status, Some(RunStatus::Active));
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_looks_until_shortly_before_its_end() {
    let script = Script::new([ok(run("ACTIVE"))]);
    let started = Instant::now();
    let mut last = Duration::ZERO;
    let wait = script
        .client()
        .wait_for_completion(1, 7)
        .timeout(Duration::from_secs(60));
    let wait = wait.observe(|_| last = started.elapsed());
    wait.send().await.unwrap_err();
    assert!(last >= Duration::from_secs(59), "{last:?}");
    assert!(started.elapsed() <= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_read_is_not_kept() {
    let page = Answer::Response(200, &[("content-type", "text/html")], "<html>".into());
    let script = Script::new([page, ok(r#"{"id":1}"#), ok(USER)]);
    let client = script.client();
    for _ in 0..2 {
        assert_eq!(
            *failure(client.current_user()).await.kind(),
            ErrorKind::Decode
        );
    }
    assert_eq!(client.current_user().send().await.unwrap().id, 1);
    assert!(client.current_user().send_raw().await.unwrap().from_cache);
}

#[tokio::test(start_paused = true)]
async fn a_decode_error_says_what_was_expected_of_which_request_and_quotes_nothing() {
    let id: &[_] = &[("x-request-id", "r-2")];
    for (body, reason) in [
        (r#"{"id": "private, expected words"}"#, "expected i64"),
        (
            r#"{"id":1,"github_user_id":"private words"}"#,
            "missing field `github_username`",
        ),
        ("<p>private words", "not JSON"),
        (r#"{"id": "private words"#, "breaks off"),
        ("", "breaks off"),
        (r#"{"id": 9223372036854775808}"#, "expected i64"),
    ] {
        let script = Script::new([Answer::Response(200, id, body.to_owned())]);
        let error = failure(script.client().current_user()).await;
        assert_eq!(error.status().unwrap(), 200);
        assert_eq!(error.request_id(), Some("r-2"));
        assert!(error.to_string().contains(reason), "{error}");
        let mut shown = format!("{error} {error:?}");
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            shown.push_str(&cause.to_string());
            source = cause.source();
        }
        assert!(!shown.contains("words"), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_header_of_the_caller_takes_the_place_of_ours_and_a_credential_is_not_shown() {
    use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
    let script = Script::new([ok(run("PENDING"))]);
    let merge = HeaderValue::from_static("application/merge-patch+json");
    let call = script
        .client()
        .create_run(1, "do")
        .header(ACCEPT, HeaderValue::from_static("*/*"))
        .header(CONTENT_TYPE, merge)
        .header(AUTHORIZATION, HeaderValue::from_static("Bearer other"));
    let shown = format!("{call:?}");
    assert!(!shown.contains("other"), "{shown}");
    call.send().await.unwrap();
    let headers = &script.seen()[0].headers;
    for (name, value) in [
        (ACCEPT, "*/*"),
        (CONTENT_TYPE, "application/merge-patch+json"),
        (AUTHORIZATION, "Bearer other"),
    ] {
        let sent: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(sent, [value]);
    }
}

#[tokio::test(start_paused = true)]
async fn another_credential_is_not_answered_from_the_cache_of_the_first() {
    let script = Script::new([ok(USER)]);
    let client = script.client();
    let other = || {
        let value = HeaderValue::from_static("Bearer other");
        client
            .current_user()
            .header(http::header::AUTHORIZATION, value)
    };
    client.current_user().send().await.unwrap();
    assert!(!other().send_raw().await.unwrap().from_cache);
    assert!(other().send_raw().await.unwrap().from_cache);
    assert!(client.current_user().send_raw().await.unwrap().from_cache);
    assert_eq!(script.sent(), 2);
    client.clear_cache().await;
    assert!(!other().send_raw().await.unwrap().from_cache);
}

#[tokio::test(start_paused = true)]
async fn a_path_cannot_name_another_host() {
    struct Elsewhere(&'static str);
    impl Operation for Elsewhere {
        type Output = Value;
        const NAME: &'static str = "elsewhere";
        fn path(&self) -> String {
            self.0.to_owned()
        }
    }
    let script = Script::new([ok("{}")]);
    for path in ["", ".evil.test/v1", "@evil.test/v1", ":80/v1"] {
        let error = failure(script.client().call(Elsewhere(path))).await;
        assert!(
            matches!(error.kind(), ErrorKind::Validation(_)),
            "{path}: {error}"
        );
    }
    assert_eq!(script.sent(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_dropped_is_in_flight_no_more() {
    let script = Script::new([Answer::Never]);
    let client = script.client();
    for timeout in [
        Duration::ZERO,
        Duration::from_secs(1),
        Duration::from_secs(31),
    ] {
        let error = failure(client.current_user().timeout(timeout)).await;
        assert_eq!(*error.kind(), ErrorKind::Timeout);
        assert_eq!(client.statistics().operations.in_flight, 0);
    }
    let huge = Script::new([ok(USER)]).client();
    let call = huge.current_user().timeout(Duration::MAX);
    assert!(call.send().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn settings_that_are_null_are_the_default_ones() {
    let items = json!([{"id": 1, "name": "o", "settings": null}, {"id": 2, "name": "p",
        "settings": {"enable_pr_creation": null, "enable_rules_detection": false}}]);
    let body = json!({"items": items, "total": 2, "page": 1, "size": 2, "pages": 1});
    let script = Script::new([ok(body.to_string())]);
    let page = script.client().organizations().send().await.unwrap();
    assert!(page.items[0].settings.enable_pr_creation);
    assert!(page.items[1].settings.enable_pr_creation);
    assert!(!page.items[1].settings.enable_rules_detection);
}

#[tokio::test(start_paused = true)]
async fn a_hint_beyond_the_timeout_of_the_call_ends_it_at_once_and_reaches_the_caller() {
    let limited = Answer::Response(429, &[("retry-after", "50")], "{}".into());
    let script = Script::new([limited]);
    let started = Instant::now();
    let call = script.client().current_user();
    let error = failure(call.timeout(Duration::from_secs(40))).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(*error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(50)));
}
