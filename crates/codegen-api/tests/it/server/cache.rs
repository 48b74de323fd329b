//! The cache below the permission. A change in the database shows whether it was asked.

use std::time::Duration;

use codegen_api::server::Role;
use codegen_store::NewUser;
use serde_json::json;

use super::{
    clock::StoppedClock,
    fixture::{Answer, App, World, get, post},
};

async fn join(world: &World, name: &str) {
    let user = world.store.create_user(NewUser::new(name)).await.unwrap();
    world
        .store
        .add_member(world.acme, user, Role::Member)
        .await
        .unwrap();
}

async fn users(world: &World, app: &App, token: &str) -> Answer {
    get(world.acme("users"))
        .bearer(token)
        .to(app)
        .await
        .expect(200)
}

#[tokio::test]
async fn the_same_get_of_the_same_caller_is_answered_without_the_database() {
    let world = World::new().await;
    let app = world.app();
    let clock = StoppedClock::new();
    let first = users(&world, &app, &world.ada_token).await;
    assert_eq!(first.headers["cache-control"], "private, max-age=10");
    assert!(!first.headers.contains_key("age"));
    join(&world, "cleo").await;
    clock.advance(Duration::from_secs(9)).await;
    let second = users(&world, &app, &world.ada_token).await;
    assert_eq!(second.headers["age"], "9");
    assert_eq!(second.body, first.body);
    assert_ne!(
        second.headers["x-request-id"],
        first.headers["x-request-id"]
    );

    // Another caller gets an answer of his own, and another page is another answer.
    let of_bo = users(&world, &app, &world.bo_token).await;
    assert_eq!(of_bo.json()["total"], 3);
    let page = get(world.acme("users?limit=100")).bearer(&world.ada_token);
    assert_eq!(page.to(&app).await.json()["total"], 3);

    clock.advance(Duration::from_secs(1)).await;
    let third = users(&world, &app, &world.ada_token).await;
    assert!(!third.headers.contains_key("age"));
    assert_eq!(third.json()["total"], 3);
}

#[tokio::test]
async fn what_is_kept_is_what_was_asked_for() {
    let world = World::new().await;
    let app = world.app();
    let _clock = StoppedClock::new();
    let cached = async |path: String| {
        let ask = || get(&path).bearer(&world.ada_token);
        let first = ask().to(&app).await.expect(200);
        let second = ask().to(&app).await.expect(200);
        assert_eq!(first.body, second.body);
        second.headers.contains_key("age").then_some(second.body)
    };
    let mut bodies = Vec::new();
    for path in [
        "/v1/users/me".to_owned(),
        "/v1/organizations".to_owned(),
        world.acme("users"),
        world.globex("users"),
        world.acme("repos"),
        world.globex("repos"),
        world.acme(&format!("users/{}", world.bo)),
        world.acme(&format!("users/{}", world.ada)),
    ] {
        bodies.push(cached(path).await.unwrap());
    }
    for (n, body) in bodies.iter().enumerate() {
        assert!(!bodies[..n].contains(body), "{n}");
    }
    // The alias is the same resource.
    let alias = get("/api/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await;
    assert!(alias.headers.contains_key("age"));

    let run = world.start_run(&app, "x").await;
    for polled in [
        "agent/runs",
        &format!("agent/run/{run}"),
        &format!("agent/run/{run}/logs"),
    ] {
        assert_eq!(cached(world.acme(polled)).await, None, "{polled}");
    }
    let create = post(world.acme("agent/run"), &json!({"prompt": "x"})).bearer(&world.ada_token);
    assert_eq!(
        create.to(&app).await.expect(200).headers["cache-control"],
        "no-store"
    );
    assert_eq!(world.runs().await, 2);
}

#[tokio::test]
async fn a_run_is_seen_to_change_at_once() {
    let world = World::new().await;
    let app = world.app();
    let _clock = StoppedClock::new();
    let run = world.start_run(&app, "x").await;
    let status = async || {
        let run = get(world.acme(&format!("agent/run/{run}"))).bearer(&world.ada_token);
        run.to(&app).await.json()["status"].clone()
    };
    assert_eq!(status().await, "PENDING");
    world.finish_a_run().await;
    assert_eq!(status().await, "COMPLETE");
}

#[tokio::test]
async fn refusals_are_not_kept() {
    let world = World::new().await;
    let app = world.app();
    let _clock = StoppedClock::new();
    let next = world.store.create_user(NewUser::new("cleo")).await.unwrap();
    let cleo = || get(world.acme(&format!("users/{next}"))).bearer(&world.ada_token);
    cleo().to(&app).await.expect(404);
    world
        .store
        .add_member(world.acme, next, Role::Member)
        .await
        .unwrap();
    cleo().to(&app).await.expect(200);
}
