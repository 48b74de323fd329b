//! Every operation: path, method, fields and types of the answer.

use serde_json::{Value, json};

use super::{
    fixture::{World, get, post},
    shapes::{
        LOG, ORGANIZATION, REPOSITORY, RUN, RUN_WITH_LOGS, SETTINGS, Shape, USER, conforms, is_page,
    },
};

enum Form {
    One(Shape),
    Page(Shape),
}

#[tokio::test]
async fn every_operation_answers_in_its_documented_form_under_both_prefixes() {
    let world = World::new().await;
    let app = world.app();
    let run = world.start_run(&app, "first").await;
    world.finish_a_run().await;
    let user = world.bo;
    let v1 = |rest: &str| world.acme(rest).replacen("/v1", "", 1);
    let alpha = v1(&format!("agent/run/{run}/logs")).replacen('/', "/alpha/", 1);
    let prompt = json!({"prompt": "why?"});
    let resume = json!({"prompt": "and now?", "agent_run_id": run});
    let operations = [
        ("/users/me".to_owned(), None, Form::One(USER)),
        ("/organizations".to_owned(), None, Form::Page(ORGANIZATION)),
        (v1("users"), None, Form::Page(USER)),
        (v1(&format!("users/{user}")), None, Form::One(USER)),
        (v1("agent/run"), Some(&prompt), Form::One(RUN)),
        (v1(&format!("agent/run/{run}")), None, Form::One(RUN)),
        (v1("agent/runs"), None, Form::Page(RUN)),
        (alpha, None, Form::One(RUN_WITH_LOGS)),
        (
            v1(&format!("agent/run/{run}/logs")),
            None,
            Form::One(RUN_WITH_LOGS),
        ),
        (v1("repos"), None, Form::Page(REPOSITORY)),
        (v1("repositories"), None, Form::Page(REPOSITORY)),
        (v1("agent/run/resume"), Some(&resume), Form::One(RUN)),
    ];
    for (path, body, form) in operations {
        for prefix in ["/v1", "/api/v1"] {
            let target = format!("{prefix}{path}");
            let ask = match body {
                None => get(&target),
                Some(body) => post(&target, body),
            };
            let answer = ask.bearer(&world.ada_token).to(&app).await;
            if prefix == "/api/v1" && path.ends_with("/resume") {
                // The first resume made it pending again.
                assert_eq!(answer.issues(), ["body.agent_run_id run_not_ended"]);
                continue;
            }
            let answer = answer.expect(200);
            match form {
                Form::One(shape) => conforms(&answer.json(), shape),
                Form::Page(shape) => is_page(&answer, shape),
            }
        }
    }
}

#[tokio::test]
async fn people_are_shown_as_they_are_known() {
    let world = World::new().await;
    let app = world.app();
    let me = get("/v1/users/me").bearer(&world.ada_token).to(&app).await;
    let mut ada = json!({
        "id": world.ada, "github_user_id": "4711", "github_username": "ada",
        "email": "ada@acme.example", "full_name": "Ada of Acme",
        "avatar_url": "https://acme.example/ada.png", "role": null, "is_admin": null,
    });
    assert_eq!(me.expect(200).json(), ada);

    let users = get(world.acme("users")).bearer(&world.bo_token);
    let users = users.to(&app).await.expect(200).json();
    ada["role"] = "ADMIN".into();
    ada["is_admin"] = true.into();
    let bo = json!({
        "id": world.bo, "github_user_id": world.bo.to_string(), "github_username": "bo",
        "email": null, "full_name": null, "avatar_url": null,
        "role": "MEMBER", "is_admin": false,
    });
    assert_eq!(users["items"], json!([ada, bo]));

    let one = get(world.acme(&format!("users/{}", world.bo))).bearer(&world.bo_token);
    assert_eq!(one.to(&app).await.expect(200).json(), bo);
}

#[tokio::test]
async fn organizations_and_repositories_are_those_of_the_caller() {
    let world = World::new().await;
    let app = world.app();
    let answer = get("/v1/organizations").bearer(&world.bo_token);
    let answer = answer.to(&app).await.expect(200).json();
    let settings = json!({"enable_pr_creation": true, "enable_rules_detection": true});
    let acme = json!({"id": world.acme, "name": "acme", "settings": settings});
    assert_eq!(answer["items"], json!([acme]));
    conforms(&answer["items"][0]["settings"], SETTINGS);

    let answer = get(world.globex("repos")).bearer(&world.gus_token);
    let answer = answer.to(&app).await.expect(200).json();
    let app_repository = json!({
        "id": world.globex_repository, "name": "app", "full_name": "globex/app",
        "description": null, "github_id": world.globex_repository.to_string(),
        "organization_id": world.globex, "visibility": null, "archived": null,
        "setup_status": "COMPLETE", "language": null,
    });
    assert_eq!(answer["items"], json!([app_repository]));
}

#[tokio::test]
async fn a_run_keeps_what_it_was_created_with_until_its_end() {
    let world = World::new().await;
    let app = world.app();
    let metadata = json!({"deep": [1, {"er": null}], "n": -0.5, "": "\u{0}\u{1F980}"});
    let body = json!({
        "prompt": "why?", "metadata": metadata, "repo_id": world.app_repository,
        "model": "m", "agent_type": "codegen", "images": ["data:image/png;base64,AA=="],
        "unknown": {"field": true},
    });
    let created = post(world.acme("agent/run"), &body).bearer(&world.bo_token);
    let created = created.to(&app).await.expect(200).json();
    let id = created["id"].as_i64().unwrap();
    let path = world.acme(&format!("agent/run/{id}"));
    assert_eq!(created["status"], "PENDING");
    assert_eq!(created["source_type"], "API");
    assert_eq!(created["organization_id"], world.acme);
    assert_eq!(created["web_url"], format!("https://api.test{path}"));
    assert_eq!(created["metadata"], metadata);
    assert_eq!(created["result"], Value::Null);

    let read = async || get(&path).bearer(&world.bo_token).to(&app).await.json();
    assert_eq!(read().await, created);
    world.finish_a_run().await;
    let done = read().await;
    assert_eq!(done["status"], "COMPLETE");
    assert_eq!(
        (&done["result"], &done["summary"]),
        (&json!("done"), &json!("in short"))
    );
    for kept in ["id", "created_at", "web_url", "metadata", "source_type"] {
        assert_eq!(done[kept], created[kept], "{kept}");
    }
    assert_eq!(read().await, done);
}

#[tokio::test]
async fn log_entries_have_the_fields_of_their_kind() {
    let world = World::new().await;
    let app = world.app();
    let id = world.start_run(&app, "why?").await;
    world.finish_a_run().await;
    let answer = get(world.acme(&format!("agent/run/{id}/logs"))).bearer(&world.bo_token);
    let answer = answer.to(&app).await.expect(200).json();
    let logs = answer["logs"].as_array().unwrap();
    for log in logs {
        conforms(log, LOG);
        assert_eq!(log["agent_run_id"], id);
    }
    let [action, end] = &logs[..] else {
        panic!("{answer}")
    };
    assert_eq!(action["message_type"], "ACTION");
    assert_eq!(action["thought"], "look first");
    assert_eq!(action["tool_name"], "search");
    assert_eq!(action["tool_input"], json!({"query": "x"}));
    assert_eq!(action["tool_output"], json!({"hits": 2}));
    assert_eq!(end["message_type"], "FINAL_ANSWER");
    assert_eq!(end["observation"], "done");
    assert_eq!(
        (&answer["status"], &answer["result"]),
        (&json!("COMPLETE"), &json!("done"))
    );
}
