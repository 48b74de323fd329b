//! Who may ask, and what comes first: credential, organization, validation, lookup.

use http::HeaderMap;
use serde_json::json;

use super::{
    fixture::{Ask, World, ask, get, post},
    stuck::Stuck,
};

fn targets(world: &World) -> Vec<Box<dyn Fn() -> Ask>> {
    let prompt = json!({"prompt": "x"});
    let paths = [
        "users",
        "users/1",
        "repos",
        "agent/runs",
        "agent/run/1",
        "agent/run/1/logs",
    ];
    let mut targets: Vec<Box<dyn Fn() -> Ask>> = vec![
        Box::new(|| get("/v1/users/me")),
        Box::new(|| get("/v1/organizations")),
        Box::new(|| get("/api/v1/organizations")),
    ];
    for path in paths.map(|path| world.acme(path)) {
        targets.push(Box::new(move || get(&path)));
    }
    for path in ["agent/run", "agent/run/resume"].map(|path| world.acme(path)) {
        let prompt = prompt.clone();
        targets.push(Box::new(move || post(&path, &prompt)));
    }
    targets
}

#[tokio::test]
async fn no_operation_answers_without_one_right_token() {
    let world = World::new().await;
    let app = world.app();
    let right = format!("Bearer {}", world.ada_token);
    let shorter = &right[..right.len() - 1];
    let longer = format!("{right}0");
    for target in targets(&world) {
        let refused = [
            target(),
            target().header("authorization", ""),
            target().header("authorization", "Bearer"),
            target().header("authorization", "Bearer "),
            target().header("authorization", "Basic YWRhOmFkYQ=="),
            target().header("authorization", &right[7..]),
            target().header("authorization", right.replacen(' ', "", 1)),
            target().header("authorization", format!("Token {}", world.ada_token)),
            target().header("authorization", shorter),
            target().header("authorization", &longer),
            target().header("authorization", right.to_uppercase()),
            target().header("authorization", format!("{right}, {right}")),
            target().header("authorization", b"Bearer \xff\xfe"),
            target().header("authorization", "Bearer x".repeat(5_000)),
            // Doubled, also when both are right.
            target()
                .header("authorization", &right)
                .header("authorization", &right),
            target().header("x-authorization", &right),
            target().header("cookie", format!("authorization={right}")),
        ];
        for ask in refused {
            let answer = ask.to(&app).await.expect(401);
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
        let url = format!("/v1/users/me?authorization={}", world.ada_token);
        get(url).to(&app).await.expect(401);
    }
    for scheme in ["bearer", "BEARER", "bEaReR "] {
        let value = format!("{scheme} {}", world.ada_token);
        let ask = get("/v1/users/me").header("authorization", value);
        ask.to(&app).await.expect(200);
    }
}

#[tokio::test]
async fn a_revoked_token_and_a_lost_membership_count_at_once() {
    let world = World::new().await;
    let app = world.app();
    let users = || get(world.acme("users")).bearer(&world.bo_token);
    users().to(&app).await.expect(200);
    // The answer is in the cache now; it must not be given to who may no longer see it.
    world.store.revoke_token(&world.bo_token).await.unwrap();
    users().to(&app).await.expect(401);
}

// proves 4.10
#[tokio::test]
async fn a_foreign_organization_and_none_look_the_same_byte_for_byte() {
    let world = World::new().await;
    let app = world.app();
    for (path, body) in [
        ("users", None),
        ("users/1", None),
        ("users/abc?limit=x", None),
        ("repos", None),
        ("agent/runs?limit=0", None),
        ("agent/run/1", None),
        ("agent/run/1/logs", None),
        ("agent/run", Some("{\"prompt\": \"x\"}")),
        ("agent/run", Some("not json")),
        ("agent/run/resume", Some("")),
    ] {
        let mut answers = Vec::new();
        for organization in [world.globex, 999, 0, -1, i64::MAX, i64::MIN] {
            let target = format!("/v1/organizations/{organization}/{path}");
            let asked = match body {
                None => get(target),
                Some(body) => ask("POST", target).body(body),
            };
            let asked = asked.bearer(&world.bo_token).header("x-request-id", "same");
            answers.push(asked.to(&app).await.expect(403));
        }
        for answer in &answers {
            assert_eq!(*answer, answers[0]);
        }
        let message = "You do not have access to this organization.";
        assert_eq!(answers[0].json()["message"], message);
    }
}

#[tokio::test]
async fn credential_then_organization_then_validation_then_lookup() {
    let world = World::new().await;
    let app = world.app();
    let target = |organization: &str, run: &str| {
        let path = format!("/v1/organizations/{organization}/agent/run/{run}/logs");
        get(format!("{path}?limit=x"))
    };
    let (acme, globex) = (world.acme.to_string(), world.globex.to_string());
    target("x", "x").to(&app).await.expect(401);
    target(&acme, "999")
        .bearer("wrong")
        .to(&app)
        .await
        .expect(401);
    target(&globex, "x")
        .bearer(&world.bo_token)
        .to(&app)
        .await
        .expect(403);
    let wrong = target("x", "x").bearer(&world.bo_token).to(&app).await;
    assert_eq!(wrong.issues(), ["path.org_id int_parsing"]);
    let wrong = target(&acme, "x").bearer(&world.bo_token).to(&app).await;
    assert_eq!(wrong.issues(), ["path.agent_run_id int_parsing"]);
    let wrong = target(&acme, "999").bearer(&world.bo_token).to(&app).await;
    assert_eq!(wrong.issues(), ["query.limit int_parsing"]);
    // And no body is waited for before the caller is known.
    let stuck = Stuck::default();
    let create = |token: &str| {
        let ask = ask("POST", world.globex("agent/run")).bearer(token);
        ask.body(stuck.body())
    };
    create("wrong").to(&app).await.expect(401);
    create(&world.bo_token).to(&app).await.expect(403);
}

#[tokio::test]
async fn routes_and_methods_that_are_not_there_are_refused_in_the_envelope() {
    let world = World::new().await;
    let app = world.app();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/api",
        "/api/v1",
        "/api/v1/",
        "/v2/users/me",
        "/v1/nothing",
        "/v1/users",
        "/v1/users/me/",
        "//v1/users/me",
        "/v1//users/me",
        "/api/api/v1/users/me",
        "/v1/../v1/users/me",
        "/v1/organizations/",
        "/v1/organizations/1",
        "/apiv1/users/me",
        "/api/v1users/me",
        "/v1/%6Frganizations",
        "/metrics/x",
        "/v1/organizations/1/agent",
        "/webhooks/github",
        "*",
    ] {
        for method in ["GET", "POST", "OPTIONS", "BREW"] {
            let answer = ask(method, path).to(&app).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_eq!(answer.json()["message"], "Not found.");
        }
    }
    for (method, path, allow) in [
        ("DELETE", "/v1/users/me".to_owned(), "GET,HEAD"),
        ("POST", "/api/v1/organizations".to_owned(), "GET,HEAD"),
        ("PUT", world.acme("agent/run"), "POST"),
        ("POST", "/v1/health".to_owned(), "GET,HEAD"),
        ("OPTIONS", world.acme("users"), "GET,HEAD"),
        ("BREW", "/metrics".to_owned(), "GET,HEAD"),
    ] {
        let asked = ask(method, &path).bearer(&world.ada_token);
        let answer = asked.header("content-type", "text/plain").to(&app).await;
        // `/metrics` is text, but its refusal is not.
        let answer = answer.expect(405);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(allowed(&answer.headers), allow, "{path}");
    }
    // HEAD is GET without the body.
    let head = ask("HEAD", "/v1/users/me").bearer(&world.ada_token);
    head.to(&app).await.expect(200);
}

fn allowed(headers: &HeaderMap) -> String {
    let mut methods: Vec<_> = headers["allow"].to_str().unwrap().split(',').collect();
    methods.sort_unstable();
    methods.join(",")
}
