//! Both agents end to end, and what an organization sees of another one's runs.

use std::{fs, time::Duration};

use codegen_api::{
    client::ErrorKind,
    model::{MessageType, RunStatus},
};
use tokio::time::timeout;

use crate::process::{Launch, assert_answered_once, end_of_run, fixture, log_of, start_command};

#[tokio::test]
async fn the_search_finds_where_a_thing_lives_and_leaves_ignored_files_out() {
    let tree = fixture();
    let server = Launch::demo().repository(&tree).start().await;
    let (client, organization) = (server.client(), server.organization());
    let repositories = client.repositories(organization).send().await.unwrap();
    assert_eq!(repositories.items.len(), 1);
    assert_eq!(repositories.items[0].name, "fixture");

    let prompt = "Where is half_open decided?";
    let created = client
        .create_run(organization, prompt)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status, Some(RunStatus::Pending));
    assert_answered_once(&client, organization, created.id).await;
    let run = client.run(organization, created.id).send().await.unwrap();
    let result = run.result.unwrap();
    assert!(result.contains("src/breaker.rs"), "{result}");
    assert!(result.contains("pub fn half_open(probes: u32)"), "{result}");
    assert!(!result.contains("private"), "{result}");
    assert!(run.summary.unwrap().contains("src/breaker.rs"));
    let log = log_of(&client, organization, created.id).await;
    assert_eq!(log[0].message_type, Some(MessageType::Action));
    assert_eq!(log[0].tool_name.as_deref(), Some("search"));
    assert!(log[0].tool_input.is_some() && log[0].tool_output.is_some());
    server.stop().await;
}

/// A runner that is not told of new runs finds one a second.
#[tokio::test]
async fn a_new_run_does_not_wait_for_the_next_look() {
    let tree = fixture();
    let server = Launch::demo()
        .repository(&tree)
        .args(["--no-rate-limits"])
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let twenty = async {
        for _ in 0..20 {
            let created = client.create_run(organization, "half_open").send().await;
            end_of_run(&client, organization, created.unwrap().id).await;
        }
    };
    let ended = timeout(Duration::from_secs(12), twenty).await;
    ended.expect("each takes some milliseconds");
    server.stop().await;
}

#[tokio::test]
async fn one_organization_sees_nothing_of_another_ones_runs() {
    let tree = fixture();
    let server = Launch::demo().repository(&tree).start().await;
    let (first, own) = (server.organization(), server.second_organization());
    let client = server.client();
    let created = client.create_run(first, "half_open").send().await.unwrap();
    assert_answered_once(&client, first, created.id).await;

    let stranger = server.client_of(server.text("second_token"));
    let id = created.id;
    let refusals = [
        stranger.run(first, id).send().await.err(),
        stranger.run_logs(first, id).send().await.err(),
        stranger.runs(first).send().await.err(),
        stranger.users(first).send().await.err(),
        stranger.repositories(first).send().await.err(),
        stranger.create_run(first, "half_open").send().await.err(),
        stranger
            .resume_run(first, id, "half_open")
            .send()
            .await
            .err(),
    ];
    for refusal in refusals {
        assert_eq!(*refusal.unwrap().kind(), ErrorKind::Permission);
    }
    // Through the own organization there is no such run.
    let absences = [
        stranger.run(own, id).send().await.err(),
        stranger.run_logs(own, id).send().await.err(),
        stranger.resume_run(own, id, "half_open").send().await.err(),
    ];
    for absence in absences {
        assert_eq!(*absence.unwrap().kind(), ErrorKind::NotFound);
    }
    assert!(stranger.runs(own).send().await.unwrap().items.is_empty());
    let repositories = client.repositories(first).send().await.unwrap();
    let foreign = repositories.items[0].id;
    let call = stranger.create_run(own, "half_open").repository(foreign);
    let absence = call.send().await.unwrap_err();
    assert_eq!(*absence.kind(), ErrorKind::NotFound);

    // It has the source tree as well, and runs of its own.
    let created = stranger.create_run(own, "half_open").send().await.unwrap();
    assert_answered_once(&stranger, own, created.id).await;
    let runs = client.runs(first).send().await.unwrap();
    assert_eq!(runs.items.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_program_gets_the_prompt_and_its_output_and_diff_are_the_result() {
    let tree = fixture();
    let tools = tempfile::tempdir().unwrap();
    let program = tools.path().join("edit.sh");
    let script = "read -r prompt; echo \"asked to $prompt\"\n\
                  echo 'Buy more milk.' >>notes.txt\n";
    fs::write(&program, script).unwrap();
    let server = Launch::demo()
        .repository(&tree)
        .args(["--command", &format!("sh {}", program.display())])
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let id = start_command(&client, organization).await;
    assert_answered_once(&client, organization, id).await;
    let run = client.run(organization, id).send().await.unwrap();
    let result = run.result.unwrap();
    assert!(result.starts_with("asked to work\n"), "{result}");
    assert!(result.contains("\n+Buy more milk.\n"), "{result}");
    assert!(result.contains("notes.txt"), "{result}");
    let original = fs::read_to_string(tree.path().join("notes.txt")).unwrap();
    assert_eq!(original, "Remember the milk.\n");
    server.stop().await;
}

#[tokio::test]
async fn a_program_does_not_see_the_environment_of_the_server() {
    let tree = fixture();
    let server = Launch::demo()
        .repository(&tree)
        .args(["--command", "env"])
        .env("GITHUB_WEBHOOK_SECRET", "it-is-a-secret")
        .env("CODEGEN_API_TOKEN", "it-is-a-token")
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let id = start_command(&client, organization).await;
    let run = end_of_run(&client, organization, id).await;
    let result = run.result.unwrap();
    assert!(result.contains("PATH="), "{result}");
    let log = serde_json::to_string(&log_of(&client, organization, id).await).unwrap();
    for word in ["it-is-a-", "GITHUB_", "CODEGEN_", server.text("token")] {
        assert!(!result.contains(word), "{word} in {result}");
        assert!(!log.contains(word), "{word} in {log}");
    }
    server.stop().await;
}

/// Other handles may be there: whoever starts the tests leaves some to all of its children.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_inherits_no_handle_of_the_server() {
    let place = tempfile::tempdir().unwrap();
    let tree = fixture();
    let server = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree)
        .args(["--command", "ls -l /proc/self/fd"])
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let id = start_command(&client, organization).await;
    let run = end_of_run(&client, organization, id).await;
    let result = run.result.unwrap();
    assert!(result.contains(" 0 -> pipe:"), "{result}");
    for word in ["socket:", "runs.db", "eventpoll", "eventfd"] {
        assert!(!result.contains(word), "{result}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_program_a_run_for_it_ends_with_an_error() {
    let tree = fixture();
    let server = Launch::demo().repository(&tree).start().await;
    let (client, organization) = (server.client(), server.organization());
    let id = start_command(&client, organization).await;
    let run = end_of_run(&client, organization, id).await;
    assert_eq!(run.status, Some(RunStatus::Error));
    let log = log_of(&client, organization, id).await;
    assert_eq!(log.len(), 1);
    assert_eq!(log[0].message_type, Some(MessageType::Error));
    server.stop().await;
}
