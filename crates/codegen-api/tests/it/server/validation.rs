//! What the server makes of bodies and ids that are wrong: 422 with every fault in one list.

use serde_json::{Value, json};

use super::fixture::{Answer, App, World, ask, get, post};

async fn create(world: &World, app: &App, body: impl Into<Vec<u8>>) -> Answer {
    let create = ask("POST", world.acme("agent/run")).bearer(&world.ada_token);
    create.body(body.into()).to(app).await
}

async fn resume(world: &World, app: &App, body: &Value) -> Answer {
    let resume = post(world.acme("agent/run/resume"), body);
    resume.bearer(&world.ada_token).to(app).await
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_422() {
    let world = World::new().await;
    let app = world.app();
    let deep = |open: &str, close: &str| {
        let nested = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        format!("{{\"prompt\": \"x\", \"metadata\": {{\"a\": {nested}}}}}")
    };
    let json_invalid = [
        &b"{"[..],
        b"{\"prompt\": \"x\"",
        b"{\"prompt\": \"x\"}}",
        b"{'prompt': 'x'}",
        b"{\"prompt\": x}",
        b"{\"prompt\": \"x\",}",
        b"prompt=x",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{\"prompt\": \"x\"}",
        b"{\"prompt\": \"\xff\"}",
        b"{\"prompt\": \"\xed\xa0\x80\"}",
        b"{\"prompt\": \"\\ud800\"}",
        b"{\"prompt\": \"a\nb\"}",
        b"{\"prompt\": \"x\", \"repo_id\": 1e999}",
        b"{\"prompt\": \"x\", \"repo_id\": NaN}",
        b"{\"prompt\": \"x\", \"repo_id\": 01}",
        b" ",
        b"\0",
    ];
    for body in json_invalid {
        let issues = create(&world, &app, body).await.issues();
        let [issue] = &issues[..] else {
            panic!("{issues:?}")
        };
        assert!(
            issue.starts_with("body.") && issue.ends_with(" json_invalid"),
            "{issue}"
        );
    }
    for body in [deep("[", "]"), deep("{\"a\":", "}"), "[".repeat(1 << 20)] {
        create(&world, &app, body).await.expect(422);
    }
    assert_eq!(create(&world, &app, "").await.issues(), ["body missing"]);
    for body in [
        "null",
        "true",
        "1",
        "\"prompt\"",
        "[]",
        "[{\"prompt\": \"x\"}]",
    ] {
        let issues = create(&world, &app, body).await.issues();
        assert_eq!(issues, ["body model_attributes_type"]);
    }
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let world = World::new().await;
    let app = world.app();
    for (body, issues) in [
        (json!({}), vec!["body.prompt missing"]),
        (json!({"Prompt": "x"}), vec!["body.prompt missing"]),
        (json!({"prompt": null}), vec!["body.prompt missing"]),
        (json!({"prompt": 1}), vec!["body.prompt string_type"]),
        (json!({"prompt": ["x"]}), vec!["body.prompt string_type"]),
        (
            json!({
                "images": "x", "metadata": [], "repo_id": "one", "model": 1, "agent_type": "other",
            }),
            vec![
                "body.prompt missing",
                "body.images list_type",
                "body.metadata dict_type",
                "body.repo_id int_type",
                "body.model string_type",
                "body.agent_type literal_error",
            ],
        ),
        (
            json!({
                "prompt": {}, "images": [null], "metadata": "{}", "repo_id": true,
                "agent_type": 1, "model": false,
            }),
            vec![
                "body.prompt string_type",
                "body.images list_type",
                "body.metadata dict_type",
                "body.repo_id int_type",
                "body.model string_type",
                "body.agent_type string_type",
            ],
        ),
        (
            json!({"prompt": "x", "repo_id": 1.5}),
            vec!["body.repo_id int_type"],
        ),
        (
            json!({"prompt": "x", "repo_id": u64::MAX}),
            vec!["body.repo_id int_type"],
        ),
        (
            json!({"prompt": "x", "repo_id": 1e300}),
            vec!["body.repo_id int_type"],
        ),
        (
            json!({"prompt": "x", "repo_id": "9223372036854775808"}),
            vec!["body.repo_id int_type"],
        ),
    ] {
        assert_eq!(
            create(&world, &app, body.to_string()).await.issues(),
            issues,
            "{body}"
        );
    }
    for (body, issues) in [
        (
            json!({}),
            vec!["body.agent_run_id missing", "body.prompt missing"],
        ),
        (
            json!({"agent_run_id": null, "prompt": null, "images": {}}),
            vec![
                "body.agent_run_id missing",
                "body.prompt missing",
                "body.images list_type",
            ],
        ),
        (
            json!({"agent_run_id": 1e19, "prompt": "x"}),
            vec!["body.agent_run_id int_type"],
        ),
        (
            json!({"agent_run_id": [], "prompt": 5}),
            vec!["body.agent_run_id int_type", "body.prompt string_type"],
        ),
    ] {
        assert_eq!(resume(&world, &app, &body).await.issues(), issues, "{body}");
    }
    assert_eq!(world.runs().await, 0);
}

#[tokio::test]
async fn optional_fields_may_be_null_and_the_content_type_is_not_looked_at() {
    let world = World::new().await;
    let app = world.app();
    let nulls = json!({
        "prompt": "x", "images": null, "metadata": null, "repo_id": null, "model": null,
        "agent_type": null,
    });
    create(&world, &app, nulls.to_string()).await.expect(200);
    create(
        &world,
        &app,
        r#"{"prompt": 1, "prompt": "the last one counts"}"#,
    )
    .await
    .expect(200);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "\u{1F980}",
        "application/xml",
    ] {
        let create = ask("POST", world.acme("agent/run")).bearer(&world.ada_token);
        let create = create
            .header("content-type", kind)
            .body("{\"prompt\": \"x\"}");
        create.to(&app).await.expect(200);
    }
    assert_eq!(world.runs().await, 6);
}

#[tokio::test]
async fn ids_in_the_path_that_are_no_64_bit_integers_are_422() {
    let world = World::new().await;
    let app = world.app();
    for id in [
        "x",
        "1.0",
        "1e3",
        "0x1",
        "9223372036854775808",
        "-9223372036854775809",
        "99999999999999999999999999999999",
        "%FF",
        "%00",
        "1%00",
        "%C3%28",
        "1%2F2",
        "%31%FF",
        "%D9%A1",
        "%20",
        "true",
        "null",
        "{run}",
        "1;2",
    ] {
        for (path, name) in [
            (world.acme(&format!("users/{id}")), "user_id"),
            (world.acme(&format!("agent/run/{id}")), "agent_run_id"),
            (world.acme(&format!("agent/run/{id}/logs")), "agent_run_id"),
            (format!("/v1/organizations/{id}/users"), "org_id"),
            (
                format!("/v1/alpha/organizations/{id}/agent/run/1/logs"),
                "org_id",
            ),
        ] {
            let answer = get(&path).bearer(&world.ada_token).to(&app).await;
            assert_eq!(
                answer.issues(),
                [format!("path.{name} int_parsing")],
                "{path}"
            );
        }
    }
    // The neighbours that fit are only not there.
    for id in [i64::MAX, i64::MIN] {
        let answer = get(world.acme(&format!("agent/run/{id}"))).bearer(&world.ada_token);
        answer.to(&app).await.expect(404);
    }
}

// A run whose metadata was nested to the last level that a body may have could be created, but no
// list it was in could be read by a client that counts levels as the server does.
#[tokio::test]
async fn metadata_nested_as_deep_as_accepted_can_be_read_in_every_answer() {
    let world = World::new().await;
    let app = world.app();
    let mut accepted = None;
    for depth in (1..130).rev() {
        let (open, close) = ("{\"a\":".repeat(depth), "}".repeat(depth));
        let body = format!("{{\"prompt\": \"x\", \"metadata\": {open}1{close}}}");
        match create(&world, &app, body).await.status {
            200 => {
                accepted = Some(depth);
                break;
            }
            status => assert_eq!(status, 422),
        }
    }
    assert_eq!(accepted, Some(64));
    let runs = get(world.acme("agent/runs")).bearer(&world.ada_token);
    let runs = runs.to(&app).await.expect(200).json();
    assert_eq!(runs["total"], 1);
    let wide = json!({"prompt": "x", "metadata": {"a": vec![[[0]]; 500]}});
    create(&world, &app, wide.to_string()).await.expect(200);
}
