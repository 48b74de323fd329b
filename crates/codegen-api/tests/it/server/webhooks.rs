//! Deliveries at `POST /webhooks/github`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tower_webhook_hmac::{Scheme, Secret, Secrets};

use super::{
    clock::{StoppedClock, TICK},
    fixture::{App, Ask, World, ask, get},
    stuck::Stuck,
};

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn app(world: &World) -> App {
    let secrets = Secrets::new(secret("new")).previous(secret("old"));
    world.app_with(|config| config.rate_limits(true).webhook_secrets(secrets))
}

fn signed(by: &str, body: &'static [u8]) -> Ask {
    let headers = Scheme::github().sign(&secret(by), body).unwrap();
    let value = headers["x-hub-signature-256"].as_bytes();
    ask("POST", "/webhooks/github")
        .header("x-hub-signature-256", value)
        .body(Bytes::from_static(body))
}

fn delivery(id: &str, by: &str, body: &'static [u8]) -> Ask {
    signed(by, body)
        .header("x-github-delivery", id)
        .header("x-github-event", "push")
}

#[tokio::test]
async fn a_signed_delivery_is_taken_once_and_acknowledged_every_time() {
    let world = World::new().await;
    let app = app(&world);
    for (by, body) in [("new", &b"{}"[..]), ("old", b"\xff no json")] {
        let first = delivery(by, by, body).to(&app).await.expect(200);
        let taken = json!({"delivery": by, "event": "push", "status": "accepted"});
        assert_eq!(first.json(), taken);
        let again = delivery(by, by, body).to(&app).await.expect(200);
        assert_eq!(again.json()["status"], "duplicate");
    }
    // No limiter and no token there.
    for n in 0..100 {
        delivery(&n.to_string(), "new", b"")
            .to(&app)
            .await
            .expect(200);
    }
}

// GitHub doesn't sign the id: a captured delivery was kept a second time under another.
#[tokio::test]
async fn a_delivery_sent_again_under_another_id_is_not_kept() {
    let world = World::new().await;
    let app = app(&world);
    let first = delivery("1", "new", b"{}").to(&app).await.expect(200);
    assert_eq!(first.json()["status"], "accepted");
    let again = delivery("2", "new", b"{}").to(&app).await.expect(200);
    assert_eq!(again.json()["status"], "duplicate");
    // What was refused may come again.
    signed("new", b"[]").to(&app).await.expect(422);
    let repaired = delivery("3", "new", b"[]").to(&app).await.expect(200);
    assert_eq!(repaired.json()["status"], "accepted");
}

#[tokio::test]
async fn what_is_not_signed_right_is_refused_and_not_kept() {
    let world = World::new().await;
    let app = app(&world);
    let right = Scheme::github().sign(&secret("new"), b"{}").unwrap();
    let right = right["x-hub-signature-256"].to_str().unwrap();
    let unsigned = || {
        ask("POST", "/webhooks/github")
            .header("x-github-delivery", "1")
            .header("x-github-event", "push")
    };
    let sign = |value: &str| unsigned().header("x-hub-signature-256", value);
    for (ask, status) in [
        (unsigned().body("{}"), 401),
        (sign(right).body("{ }"), 401),
        (sign(right), 401),
        (delivery("1", "stranger", b"{}"), 401),
        (sign("sha256=00").body("{}"), 400),
        (sign("").body("{}"), 400),
        (
            sign(right).header("x-hub-signature-256", right).body("{}"),
            400,
        ),
        (unsigned().bearer(&world.ada_token).body("{}"), 401),
    ] {
        let answer = ask.to(&app).await.expect(status);
        let challenge = answer.headers.contains_key("www-authenticate");
        assert_eq!(challenge, status == 401);
    }
    let first = delivery("1", "new", b"{}").to(&app).await.expect(200);
    assert_eq!(first.json()["status"], "accepted");
}

#[tokio::test]
async fn a_delivery_says_which_and_what_it_is() {
    let world = World::new().await;
    let app = app(&world);
    let neither = signed("new", b"{}").to(&app).await;
    assert_eq!(neither.issues(), ["header.x-github-delivery missing"]);
    let no_event = signed("new", b"{}").header("x-github-delivery", "1");
    assert_eq!(
        no_event.to(&app).await.issues(),
        ["header.x-github-event missing"]
    );
    for id in [" ", &"x".repeat(201)] {
        let answer = delivery(id, "new", b"{}").to(&app).await;
        assert_eq!(answer.issues(), ["header.x-github-delivery missing"]);
    }
    let twice = delivery("1", "new", b"{}").header("x-github-delivery", "2");
    assert_eq!(
        twice.to(&app).await.issues(),
        ["header.x-github-delivery missing"]
    );
    let opaque = signed("new", b"{}")
        .header("x-github-delivery", b"\xff")
        .header("x-github-event", "push");
    assert_eq!(
        opaque.to(&app).await.issues(),
        ["header.x-github-delivery missing"]
    );
}

#[tokio::test]
async fn a_delivery_too_large_or_too_slow_is_refused() {
    let world = World::new().await;
    let app = app(&world);
    let large = vec![b'x'; (25 << 20) + 1];
    let headers = Scheme::github().sign(&secret("new"), &large).unwrap();
    let value = headers["x-hub-signature-256"].as_bytes();
    let unread = |body: axum::body::Body| {
        let ask = ask("POST", "/webhooks/github").header("x-hub-signature-256", value);
        ask.body(body)
    };
    unread(large.into()).to(&app).await.expect(413);

    let clock = StoppedClock::new();
    let stuck = Stuck::default();
    let slow = tokio::spawn({
        let (app, ask) = (app.clone(), unread(stuck.body()));
        async move { ask.to(&app).await }
    });
    stuck.is_waited_for().await;
    clock.advance(Duration::from_secs(10) + TICK).await;
    slow.await.unwrap().expect(408);
}

// Anybody can announce a signature and then keep a body of up to 25 MiB in memory: there was no
// bound on how many at once.
#[tokio::test]
async fn deliveries_under_way_are_bounded_and_leave_the_operations_alone() {
    let world = World::new().await;
    let app = app(&world);
    let clock = StoppedClock::new();
    let announced = || ask("POST", "/webhooks/github").header("x-hub-signature-256", WRONG);
    let mut slow = Vec::new();
    for _ in 0..32 {
        let stuck = Stuck::default();
        let (app, ask) = (app.clone(), announced().body(stuck.body()));
        slow.push(tokio::spawn(async move { ask.to(&app).await.status }));
        stuck.is_waited_for().await;
    }
    let busy = delivery("1", "new", b"{}").to(&app).await.expect(503);
    assert_eq!(busy.retry_after(), 1);
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);

    clock.advance(Duration::from_secs(10) + TICK).await;
    for slow in slow {
        assert_eq!(slow.await.unwrap(), 408);
    }
    delivery("1", "new", b"{}").to(&app).await.expect(200);
}

const WRONG: &str = "sha256=0000000000000000000000000000000000000000000000000000000000000000";

#[tokio::test]
async fn without_a_secret_there_is_no_such_route() {
    let world = World::new().await;
    let app = world.app();
    delivery("1", "new", b"{}").to(&app).await.expect(404);
}
