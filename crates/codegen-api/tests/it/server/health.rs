//! The routes for whoever runs the server.

use super::{
    fixture::{World, get, post},
    shapes::{Shape, conforms},
};
use serde_json::json;

const HEALTH: Shape = &[
    ("status", "string"),
    ("timestamp", "time"),
    ("version", "string"),
    ("database_status", "string"),
    ("dependencies", "object"),
];

#[tokio::test]
async fn health_follows_the_database_and_asks_for_no_token() {
    let world = World::new().await;
    let app = world.limited_app();
    let healthy = get("/api/v1/health").to(&app).await.expect(200);
    conforms(&healthy.json(), HEALTH);
    assert_eq!(healthy.json()["status"], "healthy");
    assert_eq!(healthy.json()["database_status"], "healthy");
    assert_eq!(healthy.headers["cache-control"], "no-store");

    world.store.close().await;
    let sick = get("/v1/health").to(&app).await.expect(503);
    conforms(&sick.json(), HEALTH);
    assert_eq!(sick.json()["status"], "degraded");
    assert_eq!(
        sick.json()["dependencies"],
        json!({"database": "unavailable"})
    );

    // Everything else says so too, and when to come back.
    let prompt = json!({"prompt": "x"});
    for ask in [get("/v1/users/me"), post(world.acme("agent/run"), &prompt)] {
        let answer = ask.bearer(&world.ada_token).to(&app).await.expect(503);
        assert_eq!(answer.retry_after(), 1);
    }
}

#[tokio::test]
async fn stats_are_the_last_minute_of_each_route() {
    let world = World::new().await;
    let app = world.limited_app();
    for number in 0..3 {
        get(format!("/v1/organizations/{number}/agent/run/{number}"))
            .to(&app)
            .await
            .expect(401);
    }
    get("/v1/health").to(&app).await.expect(200);
    let answer = get("/api/v1/stats").to(&app).await.expect(200);
    assert_eq!(answer.headers["cache-control"], "no-store");

    let stats = answer.json();

    // The request that asks has not ended.
    assert_eq!(stats["in_flight"], 1);
    assert_eq!(stats["total"]["requests"], 4);
    // A 4xx is no error of the server.
    assert_eq!(stats["total"]["errors"], 0);
    assert!(stats["total"]["latency"]["p99_seconds"].is_f64());
    let busiest = &stats["routes"][0];
    let template = "/v1/organizations/{org_id}/agent/run/{agent_run_id}";
    assert_eq!(busiest["method"], "GET");
    assert_eq!(busiest["route"], template);
    assert_eq!(busiest["requests"], 3);
}

#[tokio::test]
async fn metrics_are_the_operators_text() {
    let world = World::new().await;
    let app = world.app_with(|config| {
        config
            .rate_limits(true)
            .render_metrics(|| "# TYPE requests counter\n".to_owned())
    });
    for _ in 0..100 {
        let metrics = get("/metrics").to(&app).await.expect(200);
        assert_eq!(metrics.body, "# TYPE requests counter\n");
        let kind = metrics.headers["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
        get("/v1/health").to(&app).await.expect(200);
    }
}
