//! What holds for every request: its id, and that a panic ends no more than itself.

use serde_json::json;

use super::fixture::{World, ask, get, post};

#[tokio::test]
async fn a_plain_request_id_is_echoed_and_any_other_replaced() {
    let world = World::new().await;
    let app = world.app();
    let longest = "x".repeat(128);
    for id in ["1", "a-b_c.d/e:f", "0123456789abcdef", &longest] {
        for path in ["/v1/health", "/v1/users/me", "/nowhere"] {
            let answer = get(path).header("x-request-id", id).to(&app).await;
            assert_eq!(answer.headers["x-request-id"], id, "{path}");
        }
    }
    let too_long = "x".repeat(129);
    for id in ["", "a b", "a\tb", "\u{e9}", &too_long] {
        let answer = get("/v1/health").header("x-request-id", id).to(&app).await;
        let given = answer.headers["x-request-id"].to_str().unwrap();
        assert_eq!(given.len(), 32);
        assert!(given.bytes().all(|b| b.is_ascii_hexdigit()), "{given}");
    }
    let doubled = get("/v1/health")
        .header("x-request-id", "a")
        .header("x-request-id", "a");
    assert_ne!(doubled.to(&app).await.headers["x-request-id"], "a");
    let none = async || get("/v1/health").to(&app).await.headers["x-request-id"].clone();
    assert_ne!(none().await, none().await);
}

// proves 4.18
#[tokio::test]
async fn unknown_routes_bad_json_and_panics_answer_in_one_form() {
    let world = World::new().await;
    let app = world.app_with(|config| config.on_pending_run(|| panic!("sensitive words")));
    let create = || ask("POST", world.acme("agent/run")).bearer(&world.ada_token);
    // `to` holds each of them to the envelope.
    get("/nowhere").to(&app).await.expect(404);
    create().body("{").to(&app).await.expect(422);
    let panicked = create()
        .body("{\"prompt\": \"x\"}")
        .header("x-request-id", "r-1");
    let panicked = panicked.to(&app).await.expect(500);
    assert_eq!(panicked.headers["x-request-id"], "r-1");
    assert_eq!(panicked.json()["message"], "Internal server error.");
    assert!(!String::from_utf8_lossy(&panicked.body).contains("sensitive"));
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
}

#[tokio::test]
async fn panics_use_up_no_place_among_the_requests_in_flight() {
    let world = World::new().await;
    let app = world.app_with(|config| config.max_in_flight(1).on_pending_run(|| panic!("a bug")));
    for _ in 0..5 {
        let create = post(world.acme("agent/run"), &json!({"prompt": "x"}));
        create.bearer(&world.ada_token).to(&app).await.expect(500);
    }
    get("/v1/users/me")
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
}
