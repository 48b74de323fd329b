use std::path::Path;

use codegen_api::server::Role;
use codegen_store::{NewUser, SqliteStore};
use serde_json::{Value, json};

use crate::scene::{Ended, Scene};

#[tokio::test]
async fn lists_are_tables_for_people_and_lines_of_json_for_machines() {
    let scene = Scene::new().await;
    let table = scene.client(&["users", "list"]).await;
    assert_eq!(table.status, Some(0), "{}", table.stderr);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("ID  LOGIN  NAME"));
    assert!(lines[1].starts_with("1   ada    Ada of Acme"));
    assert_eq!(lines.len(), 3);

    let users = scene.client(&["users", "list", "--json"]).await.objects();
    assert_eq!(users.len(), 2);
    assert_eq!(users[0]["github_username"], "ada");

    let organizations = scene.client(&["organizations", "list"]).await;
    assert!(organizations.stdout.contains("1   acme"));
    let repositories = scene.client(&["repositories", "list"]).await;
    assert!(repositories.stdout.contains("acme/house"));
    let runs = scene.client(&["runs", "list"]).await;
    assert_eq!(runs.stdout, "ID  STATUS  AGE  SUMMARY\n");
}

#[tokio::test]
async fn single_things_are_shown_with_what_is_known_of_them() {
    let scene = Scene::new().await;
    let health = scene.client(&["health"]).await;
    assert!(
        health.stdout.starts_with("status   healthy\n"),
        "{health:?}"
    );
    let health = scene.client(&["health", "--json"]).await.objects();
    assert_eq!(health[0]["status"], "healthy");
    assert!(
        scene
            .client(&["whoami"])
            .await
            .stdout
            .contains("login  ada\n")
    );
    let user = scene
        .client(&["users", "get", "1", "--json"])
        .await
        .objects();
    assert_eq!(user[0]["role"], "ADMIN");
    let run = scene.client(&["runs", "create", "open_door"]).await;
    assert!(
        run.stdout.starts_with("id       1\nstatus   PENDING\n"),
        "{run:?}"
    );
    let run = scene
        .client(&["runs", "get", "1", "--json"])
        .await
        .objects();
    assert_eq!(run[0]["source_type"], "API");
}

#[tokio::test]
async fn failures_say_why_in_words_or_in_json() {
    let scene = Scene::new().await;
    let unknown = scene
        .client(&["runs", "create", "x", "--repo", "barn"])
        .await;
    assert_eq!(unknown.status, Some(1));
    let text = "client: there is no repository \"barn\"; there is acme/house\n";
    assert_eq!(
        (unknown.stdout.as_str(), unknown.stderr.as_str()),
        ("", text)
    );

    let missing = scene.client(&["runs", "get", "77", "--json"]).await;
    assert_eq!(missing.status, Some(1));
    let mut error = missing.error();
    assert!(error["request_id"].take().is_string());
    assert!(
        error["message"]
            .take()
            .as_str()
            .unwrap()
            .contains("get_run")
    );
    let rest = json!({"kind": "not_found", "status": 404, "attempts": 1, "retry_after": null,
        "message": null, "request_id": null});
    assert_eq!(error, rest);

    let foreign = scene
        .client(&["runs", "list", "--organization", "2", "--json"])
        .await;
    assert_eq!(foreign.error()["kind"], "permission");
    let wrong = scene
        .command(&["whoami", "--json"])
        .env("CODEGEN_API_TOKEN", "x")
        .output()
        .await;
    assert_eq!(
        Ended::from(wrong.unwrap()).error()["kind"],
        "authentication"
    );
}

#[tokio::test]
async fn wrong_arguments_and_settings_send_nothing_and_exit_with_2() {
    let scene = Scene::new().await;
    for (words, kind) in [
        (&["runs", "frobnicate", "--json"][..], "usage"),
        (
            &["health", "--base-url", "nowhere", "--json"],
            "configuration",
        ),
        (&["runs", "create", " ", "--json"], "validation"),
    ] {
        let ended = scene.client(words).await;
        assert_eq!(ended.status, Some(2), "{words:?}");
        assert_eq!(ended.error()["kind"], kind, "{words:?}");
        assert_eq!(ended.stdout, "");
    }
    let output = scene
        .command(&["health"])
        .env_remove("CODEGEN_API_TOKEN")
        .output()
        .await;
    let ended = Ended::from(output.unwrap());
    assert_eq!(ended.status, Some(2));
    assert!(ended.stderr.contains("CODEGEN_API_TOKEN"));
}

#[tokio::test]
async fn a_closed_standard_output_ends_quietly() {
    let scene = Scene::new().await;
    let mut client = scene.command(&["users", "list", "--json"]).spawn().unwrap();
    drop(client.stdout.take());
    let output = client.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

/// A member of two organizations, the first with 150 repositories on two pages.
async fn crowd(directory: &Path) -> String {
    let file = format!("sqlite:{}", directory.join("database.sqlite").display());
    let store = SqliteStore::open(&file).await.unwrap();
    let user = store.create_user(NewUser::new("zoe")).await.unwrap();
    for name in ["north", "south"] {
        let organization = store.create_organization(name).await.unwrap();
        store
            .add_member(organization, user, Role::Admin)
            .await
            .unwrap();
    }
    for number in 1..=150 {
        let name = format!("r{number}");
        store
            .register_repository(1, "north", &name, None)
            .await
            .unwrap();
    }
    store
        .register_repository(1, "fork", "r7", None)
        .await
        .unwrap();
    let token = store.create_token(user).await.unwrap();
    store.close().await;
    token
}

#[tokio::test]
async fn what_is_left_out_or_said_by_name_is_found_or_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let token = crowd(directory.path()).await;
    let scene = Scene::over(directory, token).await;

    let which = scene.client(&["runs", "list", "--json"]).await;
    assert_eq!(which.status, Some(1));
    let error = which.error();
    assert_eq!(error["kind"], "several_organizations");
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .ends_with("1 (north), 2 (south)")
    );
    let chosen = scene
        .command(&["runs", "list"])
        .env("CODEGEN_ORG_ID", "2")
        .output()
        .await;
    assert!(chosen.unwrap().status.success());

    let north = ["--json", "--organization", "1"];
    let north = |words: &[&'static str]| [words, &north[..]].concat();
    let all = scene
        .client(&north(&["repositories", "list"]))
        .await
        .objects();
    assert_eq!(all.len(), 151);
    let last = all
        .iter()
        .find(|one| one["full_name"] == "north/r150")
        .unwrap();
    for name in ["r150", "north/r150"] {
        let run = scene
            .client(&north(&["runs", "create", "x", "--repo", name]))
            .await;
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert_ne!(last["id"], Value::Null);
    }
    let several = scene
        .client(&north(&["runs", "create", "x", "--repo", "r7"]))
        .await;
    let error = several.error();
    assert_eq!(error["kind"], "several_repositories");
    assert!(error["message"].as_str().unwrap().contains("north/r7"));
    assert!(error["message"].as_str().unwrap().contains("fork/r7"));
    let full = scene
        .client(&north(&["runs", "create", "x", "--repo", "fork/r7"]))
        .await;
    assert_eq!(full.status, Some(0), "{}", full.stderr);
    let two = scene
        .client(&north(&["runs", "list", "--limit", "2"]))
        .await;
    assert_eq!(two.objects().len(), 2);
}
