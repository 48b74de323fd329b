//! Bytes that are no proper requests, over a real connection. The server answers or closes, and
//! serves on.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncWriteExt;

use super::{clock::settle, fixture::World, shapes::is_envelope, wire::Serving};

const DRAIN: Duration = Duration::from_secs(5);

fn head(world: &World, rest: &str) -> String {
    let path = world.acme("agent/run");
    let token = &world.ada_token;
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n{rest}\r\n\r\n")
}

#[tokio::test]
async fn a_request_and_its_answer_cross_the_wire() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let mut wire = server.connect().await;
    let body = json!({"prompt": "x"}).to_string();
    // In pieces, as it may come.
    let request = head(&world, &format!("content-length: {}", body.len())) + &body;
    for piece in request.as_bytes().chunks(7) {
        wire.send(piece).await;
        tokio::task::yield_now().await;
    }
    let answer = wire.answer().await.unwrap().expect(200);
    assert_eq!(answer.headers["content-type"], "application/json");
    wire.send(head(&world, "transfer-encoding: chunked")).await;
    wire.send(format!(
        "5\r\n{}\r\n{:x};x=y\r\n{}\r\n0\r\n\r\n",
        &body[..5],
        body.len() - 5,
        &body[5..]
    ))
    .await;
    wire.answer().await.unwrap().expect(200);
    // Without HTTP/1.1's host, and by an absolute address.
    wire.send(format!(
        "GET http://elsewhere/api/v1/users/me HTTP/1.0\r\nauthorization: bearer {}\r\n\r\n",
        world.bo_token
    ))
    .await;
    wire.answer().await.unwrap().expect(200);
    assert!(wire.answer().await.is_none());
    assert_eq!(world.runs().await, 2);
}

#[tokio::test]
async fn requests_sent_at_once_are_answered_one_by_one() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let mut wire = server.connect().await;
    let body = json!({"prompt": "x"}).to_string();
    let create = head(&world, &format!("content-length: {}", body.len())) + &body;
    let wrong = head(&world, "content-length: 3") + "{x}";
    let lost = "GET /nowhere HTTP/1.1\r\nhost: x\r\n\r\n".to_owned();
    wire.send(
        [&create, &wrong, &lost, &create]
            .map(String::as_str)
            .concat(),
    )
    .await;
    for status in [200, 422, 404, 200] {
        wire.answer().await.unwrap().expect(status);
    }
    assert_eq!(world.runs().await, 2);
}

// The answer was lost when the rest of the body was still on its way as the connection closed.
#[tokio::test]
async fn an_oversized_body_is_refused_with_an_answer_that_arrives() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let body = vec![b' '; 40 << 20];
    let chunk = [
        format!("{:x}\r\n", body.len()).as_bytes(),
        &body,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let length = format!("content-length: {}", body.len());
    for (framing, body) in [
        (length.as_str(), &body),
        ("transfer-encoding: chunked", &chunk),
    ] {
        let mut wire = server.connect().await;
        wire.send(head(&world, framing)).await;
        // A caller that reads nothing before it has written all.
        wire.send(body).await;
        let answer = wire.answer().await.unwrap().expect(413);
        is_envelope(&answer);
        assert!(wire.answer().await.is_none());
    }
    assert_eq!(world.runs().await, 0);
    server.lives().await;
}

#[tokio::test]
async fn who_is_refused_before_sending_the_body_may_still_send_it() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let body = vec![b' '; 40 << 20];
    let large = head(&world, &format!("content-length: {}", body.len()));
    let stranger = large.replacen("Bearer ", "Bearer x", 1);
    for (head, status) in [(large, 413), (stranger, 401)] {
        let mut wire = server.connect().await;
        wire.send(head).await;
        wire.answer().await.unwrap().expect(status);
        settle().await;
        wire.send(&body).await;
        assert!(wire.answer().await.is_none());
    }
    server.lives().await;
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_is_not_asked_for() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    for length in ["10485761", "9223372036854775807"] {
        let mut wire = server.connect().await;
        let expect = format!("content-length: {length}\r\nexpect: 100-continue");
        wire.send(head(&world, &expect)).await;
        wire.answer().await.unwrap().expect(413);
        assert!(wire.answer().await.is_none());
    }
    let mut wire = server.connect().await;
    wire.send(head(&world, "content-length: 13\r\nexpect: 100-continue"))
        .await;
    wire.answer().await.unwrap().expect(100);
    wire.send("{\"prompt\":\"\"}").await;
    wire.answer().await.unwrap().expect(200);
}

#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    for (framing, body) in [
        // What is there would be a whole object.
        ("content-length: 100", "{\"prompt\":\"x\"}"),
        ("transfer-encoding: chunked", "d\r\n{\"prompt\":\"\"}\r\n"),
        (
            "transfer-encoding: chunked",
            "d\r\n{\"prompt\":\"\"}\r\nnonsense\r\n",
        ),
        ("transfer-encoding: chunked", "-1\r\n{}\r\n0\r\n\r\n"),
        (
            "transfer-encoding: chunked",
            "ffffffffffffffffff\r\n{}\r\n0\r\n\r\n",
        ),
        (
            "transfer-encoding: chunked",
            "d\r\n{\"prompt\":\"\"}XX0\r\n\r\n",
        ),
    ] {
        // Hangs up at once, or says that no more is to come and waits for an answer.
        for waits in [false, true] {
            let mut wire = server.connect().await;
            wire.send(head(&world, framing)).await;
            wire.send(body).await;
            if waits {
                wire.stream.shutdown().await.unwrap();
                if let Some(answer) = wire.answer().await {
                    is_envelope(&answer.expect(400));
                }
            }
        }
    }
    for _ in 0..20 {
        // Hangs up in the middle of the head.
        let mut wire = server.connect().await;
        let head = head(&world, "content-length: 13");
        wire.send(&head[..head.len() / 2]).await;
    }
    server.lives().await;
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn who_hangs_up_before_the_answer_disturbs_nobody() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let body = json!({"prompt": "x"}).to_string();
    let create = head(&world, &format!("content-length: {}", body.len())) + &body;
    for _ in 0..20 {
        server.connect().await.send(&create).await;
    }
    server.lives().await;
    // Each was stored whole or not at all.
    let runs = super::fixture::get(world.acme("agent/runs")).bearer(&world.ada_token);
    let runs = runs.to(&world.app()).await.json();
    for run in runs["items"].as_array().unwrap() {
        assert_eq!(run["status"], "PENDING");
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_are_refused() {
    let world = World::new().await;
    let server = Serving::start(world.app(), DRAIN).await;
    let many = "x: y\r\n".repeat(1_000);
    for (bytes, status) in [
        (
            &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
            Some(400),
        ),
        (b"nonsense\r\n\r\n", Some(400)),
        (b"\0\0\0\0\r\n\r\n", Some(400)),
        (b"GET /v1/health\r\n\r\n", Some(400)),
        (b"GET /v1/health HTTP/9.9\r\n\r\n", Some(400)),
        (b"GET /\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n", Some(400)),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", Some(400)),
        (b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n", Some(400)),
        (
            b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            Some(400),
        ),
        (b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n", Some(404)),
        (b"OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", Some(404)),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
        (b"\r\n\r\n\r\n", None),
        (b"", None),
    ] {
        let mut wire = server.connect().await;
        wire.send(bytes).await;
        wire.stream.shutdown().await.unwrap();
        let answer = wire.answer().await.map(|answer| answer.status);
        assert_eq!(answer, status, "{}", bytes.escape_ascii());
    }
    for (huge, status) in [
        (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), 414),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431),
        (
            format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1 << 20)),
            431,
        ),
    ] {
        let mut wire = server.connect().await;
        wire.send(huge).await;
        wire.answer().await.unwrap().expect(status);
    }
    server.lives().await;
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_is_waited_for_ten_seconds() {
    // The clock skips ahead whenever the connection is all there is to wait for.
    let app = tower::service_fn(async |_| Ok(http::Response::new(axum::body::Body::empty())));
    let server = Serving::start(tower::util::BoxCloneService::new(app), DRAIN).await;
    for sent in ["", "GET / HTT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let mut wire = server.connect().await;
        wire.send(sent).await;
        let started = tokio::time::Instant::now();
        assert!(wire.answer().await.is_none());
        let waited = started.elapsed();
        assert!((9..=11).contains(&waited.as_secs()), "{waited:?}");
    }
}
