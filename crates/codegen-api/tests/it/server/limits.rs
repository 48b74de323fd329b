//! The documented rate limits, on a clock that stands still.

use std::time::Duration;

use serde_json::json;

use super::{
    clock::StoppedClock,
    fixture::{Answer, App, Ask, World, get, post},
};

/// Sends it `times`, which all pass, and then once more, which is refused.
async fn use_up(app: &App, times: usize, ask: impl Fn() -> Ask) -> Answer {
    for n in 0..times {
        let answer = ask().to(app).await;
        assert_ne!(answer.status, 429, "number {n}");
    }
    ask().to(app).await.expect(429)
}

// proves 4.10
// proves 4.13
#[tokio::test]
async fn the_61st_within_30_seconds_is_refused_until_retry_after_is_over() {
    let world = World::new().await;
    let app = world.limited_app();
    let clock = StoppedClock::new();
    let users = || get(world.acme("users")).bearer(&world.ada_token);
    for _ in 0..30 {
        users().to(&app).await.expect(200);
    }
    clock.advance(Duration::from_millis(10_400)).await;
    let refused = use_up(&app, 30, users).await;
    // The first 30 leave the window 19.6 s from now.
    assert_eq!(refused.retry_after(), 20);
    let message = "Rate limit exceeded. Please try again later.";
    assert_eq!(refused.json()["message"], message);

    // Refusals, however many, do not move the end.
    for _ in 0..200 {
        assert_eq!(users().to(&app).await.expect(429).retry_after(), 20);
    }
    clock.advance(Duration::from_secs(19)).await;
    assert_eq!(users().to(&app).await.expect(429).retry_after(), 1);
    clock.advance(Duration::from_secs(1)).await;
    let refused = use_up(&app, 30, users).await;
    assert_eq!(refused.retry_after(), 10);
}

#[tokio::test]
async fn each_tier_has_its_own_window() {
    let world = World::new().await;
    let app = world.limited_app();
    let clock = StoppedClock::new();
    let prompt = json!({"prompt": "x"});
    let create = || post(world.acme("agent/run"), &prompt).bearer(&world.ada_token);
    let logs = || get(world.acme("agent/run/1/logs")).bearer(&world.ada_token);
    let alpha = || {
        let path = world
            .acme("agent/run/1/logs")
            .replacen("/v1", "/v1/alpha", 1);
        get(path).bearer(&world.ada_token)
    };
    let resume = || post(world.acme("agent/run/resume"), &prompt).bearer(&world.ada_token);

    assert_eq!(use_up(&app, 10, create).await.retry_after(), 60);
    assert_eq!(use_up(&app, 60, logs).await.retry_after(), 60);
    // One window for both paths of the same operation, and for the alias.
    alpha().to(&app).await.expect(429);
    assert_eq!(use_up(&app, 60, resume).await.retry_after(), 30);
    let alias = format!("/api{}", world.acme("agent/runs"));
    get(alias)
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(429);

    clock.advance(Duration::from_secs(30)).await;
    resume().to(&app).await.expect(422);
    for refused in [create(), logs(), alpha()] {
        assert_eq!(refused.to(&app).await.expect(429).retry_after(), 30);
    }
    clock.advance(Duration::from_secs(30)).await;
    create().to(&app).await.expect(200);
    logs().to(&app).await.expect(200);
    assert_eq!(world.runs().await, 11);
}

#[tokio::test]
async fn windows_belong_to_one_organization_and_one_user() {
    let world = World::new().await;
    let app = world.limited_app();
    let _clock = StoppedClock::new();
    let other_token = world.store.create_token(world.ada).await.unwrap();
    let users = |token: &str| get(world.acme("users")).bearer(token);
    use_up(&app, 60, || users(&world.ada_token)).await;
    users(&world.bo_token).to(&app).await.expect(200);
    get(world.globex("users"))
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
    // A second token of the same user shares the window.
    users(&other_token).to(&app).await.expect(429);
    // Nobody's requests cost nobody anything.
    for _ in 0..100 {
        users("wrong").to(&app).await.expect(401);
        get("/v1/health").to(&app).await.expect(200);
        get("/metrics").to(&app).await.expect(200);
    }
}

#[tokio::test]
async fn made_up_organizations_share_one_window() {
    let world = World::new().await;
    let app = world.limited_app();
    let _clock = StoppedClock::new();
    for organization in 1_000..1_060 {
        let path = format!("/v1/organizations/{organization}/users");
        get(path).bearer(&world.bo_token).to(&app).await.expect(403);
    }
    for organization in ["5000", "x", "-1", "99999999999999999999"] {
        let path = format!("/v1/organizations/{organization}/users");
        get(path).bearer(&world.bo_token).to(&app).await.expect(429);
    }
    get(world.acme("users"))
        .bearer(&world.bo_token)
        .to(&app)
        .await
        .expect(200);
}

// `%31` is `1`: written like this the path named the organization to the permission, but not to
// the limiter, which took such requests from another window.
#[tokio::test]
async fn another_spelling_of_the_same_organization_is_no_other_window() {
    let world = World::new().await;
    let app = world.limited_app();
    let _clock = StoppedClock::new();
    let spelled = |id: String| {
        let path = format!("/v1/organizations/{id}/users");
        get(path).bearer(&world.ada_token)
    };
    use_up(&app, 60, || spelled(world.acme.to_string())).await;
    let escaped = world
        .acme
        .to_string()
        .bytes()
        .map(|b| format!("%{b:02X}"))
        .collect();
    for id in [
        escaped,
        format!("+{}", world.acme),
        format!("00{}", world.acme),
    ] {
        spelled(id).to(&app).await.expect(429);
    }
}

#[tokio::test]
async fn limits_can_be_switched_off() {
    let world = World::new().await;
    let app = world.app();
    let _clock = StoppedClock::new();
    for _ in 0..200 {
        get(world.acme("users"))
            .bearer(&world.ada_token)
            .to(&app)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn every_answer_tells_of_the_quota_it_was_counted_by() {
    let world = World::new().await;
    let app = world.limited_app();
    let _clock = StoppedClock::new();
    let users = || get(world.acme("users")).bearer(&world.ada_token);
    let answer = users().to(&app).await.expect(200);
    assert_eq!(
        answer.headers["ratelimit-policy"],
        r#""60-in-30s";q=60;w=30"#
    );
    assert_eq!(answer.headers["ratelimit"], r#""60-in-30s";r=59"#);
    let refused = use_up(&app, 59, users).await;
    assert_eq!(refused.headers["ratelimit"], r#""60-in-30s";r=0;t=30"#);
}
