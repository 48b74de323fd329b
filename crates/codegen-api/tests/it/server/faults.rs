//! Bodies that do not come, work that does not end, and more of it than there is room for.

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinHandle;

use super::{
    clock::{StoppedClock, TICK},
    fixture::{Answer, App, World, ask, get, post},
    stuck::Stuck,
};

fn spawn_stuck(world: &World, app: &App) -> (Stuck, JoinHandle<Answer>) {
    let stuck = Stuck::default();
    let ask = ask("POST", world.acme("agent/run")).bearer(&world.ada_token);
    let (app, ask) = (app.clone(), ask.body(stuck.body()));
    (stuck, tokio::spawn(async move { ask.to(&app).await }))
}

#[tokio::test]
async fn a_body_has_ten_seconds() {
    let world = World::new().await;
    let app = world.app();
    let clock = StoppedClock::new();
    let (stuck, answer) = spawn_stuck(&world, &app);
    stuck.is_waited_for().await;
    clock.advance(Duration::from_secs(10) - TICK).await;
    assert!(!answer.is_finished());
    clock.advance(TICK * 2).await;
    let answer = answer.await.unwrap().expect(408);
    assert_eq!(answer.headers["connection"], "close");
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn a_request_has_its_deadline() {
    let world = World::new().await;
    let app = world.app_with(|config| config.deadline(Duration::from_secs(5)));
    let clock = StoppedClock::new();
    let (stuck, answer) = spawn_stuck(&world, &app);
    stuck.is_waited_for().await;
    clock.advance(Duration::from_secs(5) + TICK).await;
    let answer = answer.await.unwrap().expect(503);
    assert_eq!(answer.retry_after(), 1);
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back_while_health_answers() {
    let world = World::new().await;
    let app = world.app_with(|config| config.max_in_flight(1));
    let clock = StoppedClock::new();
    let (stuck, first) = spawn_stuck(&world, &app);
    stuck.is_waited_for().await;
    for token in [&world.ada_token, &world.bo_token, "wrong"] {
        let shed = get("/v1/users/me").bearer(token).to(&app).await.expect(503);
        assert_eq!(shed.retry_after(), 1);
    }
    get("/v1/health").to(&app).await.expect(200);
    get("/metrics").to(&app).await.expect(200);
    // A caller that hangs up makes room.
    first.abort();
    assert!(first.await.is_err());
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
    drop(clock);
}

#[tokio::test]
async fn any_number_of_requests_in_flight_is_a_setting() {
    let world = World::new().await;
    for (requests, status) in [(0, 503), (1, 200), (usize::MAX, 200)] {
        let app = world.app_with(|config| config.max_in_flight(requests));
        get("/v1/users/me")
            .bearer(&world.ada_token)
            .to(&app)
            .await
            .expect(status);
        get("/v1/health").to(&app).await.expect(200);
    }
    let app = world.app_with(|config| config.deadline(Duration::MAX));
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_body_of_ten_mebibytes_is_read_and_one_byte_more_is_not() {
    let world = World::new().await;
    let app = world.app();
    let limit = 10 << 20;
    let around = json!({"prompt": ""}).to_string().len();
    let of = |bytes: usize| {
        let body = json!({"prompt": "x".repeat(bytes - around)});
        post(world.acme("agent/run"), &body).bearer(&world.ada_token)
    };
    of(limit).to(&app).await.expect(200);
    let answer = of(limit + 1).to(&app).await.expect(413);
    assert_eq!(answer.headers["connection"], "close");
    assert_eq!(world.runs().await, 1);
}
