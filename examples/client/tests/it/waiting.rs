use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    process::{Child, ChildStderr},
};

use crate::scene::{Ended, Scene};

#[tokio::test]
async fn a_run_is_followed_to_its_answer() {
    let scene = Scene::new().await;
    let words = [
        "runs",
        "create",
        "--repo",
        "house",
        "where is open_door?",
        "--wait",
    ];
    let ended = scene.client(&words).await;
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("door.rs"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("run 1:"));
    let progress: Vec<&str> = ended.stderr.lines().collect();
    assert!(progress[0].starts_with("run 1: http://"));
    assert!(
        progress
            .iter()
            .any(|line| line.starts_with("run 1: search "))
    );
    assert!(
        progress
            .last()
            .unwrap()
            .starts_with("run 1: COMPLETE, watched for ")
    );
    assert!(
        !ended.stderr.contains("FINAL_ANSWER"),
        "the answer is printed once"
    );
    assert!(
        !ended.stderr.contains('\x1b'),
        "no cursor is moved in a file"
    );
}

#[tokio::test]
async fn a_machine_gets_the_run_and_nothing_else() {
    let scene = Scene::new().await;
    let words = ["--json", "runs", "create", "where is open_door?", "--wait"];
    let ended = scene.client(&words).await;
    let runs = ended.objects();
    assert_eq!(
        (ended.status, runs.len(), ended.stderr.as_str()),
        (Some(0), 1, "")
    );
    assert_eq!(runs[0]["status"], "COMPLETE");
    assert!(runs[0]["result"].as_str().unwrap().contains("door.rs"));
}

#[tokio::test]
async fn a_resumed_run_shows_only_what_is_new() {
    let scene = Scene::new().await;
    let first = ["runs", "create", "where is open_door?", "--wait"];
    assert_eq!(scene.client(&first).await.status, Some(0));
    let second = [
        "runs",
        "resume",
        "1",
        "and where is nowhere_at_all?",
        "--wait",
    ];
    let ended = scene.client(&second).await;
    assert_eq!(ended.status, Some(0), "{}", ended.stderr);
    assert!(ended.stderr.contains("nowhere_at_all"));
    assert!(!ended.stderr.contains("open_door"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_run_without_a_result_is_a_failure() {
    let scene = Scene::new().await;
    scene.script("exit 3").await;
    let ended = scene.client(&["runs", "wait", "1"]).await;
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.stdout, "");
    let last = ended.stderr.lines().last().unwrap();
    assert!(
        last.starts_with("client: run 1 ended without a result, "),
        "{last}"
    );

    let ended = scene.client(&["runs", "wait", "1", "--json"]).await;
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.error()["kind"], "no_result");
    assert_eq!(ended.objects()[0]["result"], Value::Null);
    let ended = scene.client(&["runs", "logs", "1", "--follow"]).await;
    assert_eq!(ended.status, Some(1));
    assert!(ended.stdout.contains("ERROR"));
    let ended = scene.client(&["runs", "get", "1"]).await;
    assert_eq!(ended.status, Some(0), "looking at it has not failed");
}

#[tokio::test]
async fn a_wait_that_is_over_shows_how_the_run_stands_and_how_to_go_on() {
    let scene = Scene::new().await;
    let id = scene.long_run().await;
    let ended = scene
        .client(&["runs", "wait", &id, "--timeout", "300ms", "--json"])
        .await;
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.objects()[0]["id"], 1);
    let error = ended.error();
    assert_eq!(error["kind"], "not_finished");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.ends_with("client runs wait 1 --organization 1"),
        "{message}"
    );
    scene.finish();
}

#[tokio::test]
async fn an_interrupt_leaves_the_run_alone() {
    let scene = Scene::new().await;
    let id = scene.long_run().await;
    let mut client = scene.command(&["runs", "wait", &id]).spawn().unwrap();
    let mut progress = errors(&mut client);
    until(&mut progress, "run 1: ").await;
    let pid = Pid::from_raw(i32::try_from(client.id().unwrap()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let last = until(&mut progress, "client: ").await;
    assert!(last.contains("interrupted; run 1 goes on"), "{last}");
    assert!(
        last.ends_with("client runs wait 1 --organization 1"),
        "{last}"
    );
    assert_eq!(client.wait().await.unwrap().code(), Some(130));

    scene.finish();
    let ended = scene.client(&["runs", "wait", &id]).await;
    assert_eq!((ended.status, ended.stdout.trim()), (Some(0), "done"));
}

#[tokio::test]
async fn a_log_is_followed_until_the_run_has_ended() {
    let scene = Scene::new().await;
    let id = scene.long_run().await;
    let mut client = scene
        .command(&["runs", "logs", &id, "--follow"])
        .spawn()
        .unwrap();
    let mut progress = errors(&mut client);
    until(&mut progress, "run 1: ").await;
    scene.finish();
    let mut log = BufReader::new(client.stdout.take().unwrap()).lines();
    until(&mut log, "  ACTION        command ").await;
    until(&mut log, "  FINAL_ANSWER  done").await;
    assert_eq!(log.next_line().await.unwrap(), None);
    assert_eq!(client.wait().await.unwrap().code(), Some(0));

    let entries = scene
        .client(&["runs", "logs", &id, "--json"])
        .await
        .objects();
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[1]["message_type"], "FINAL_ANSWER");
}

#[tokio::test]
async fn a_closed_standard_output_ends_following_before_the_run_does() {
    let scene = Scene::new().await;
    scene.script("echo first").await;
    assert_eq!(scene.client(&["runs", "wait", "1"]).await.status, Some(0));
    let more = scene.endless();
    let resumed = scene.client(&["runs", "resume", "1", &more]).await;
    assert_eq!(resumed.status, Some(0), "{}", resumed.stderr);
    let mut client = scene
        .command(&["runs", "logs", "1", "--follow"])
        .spawn()
        .unwrap();
    drop(client.stdout.take());
    assert_eq!(client.wait().await.unwrap().code(), Some(0));
    scene.finish();
}

#[tokio::test]
async fn what_does_not_exist_is_not_waited_for() {
    let scene = Scene::new().await;
    for words in [
        &["runs", "wait", "77"][..],
        &["runs", "logs", "77", "--follow"],
    ] {
        let Ended { status, stderr, .. } = scene.client(words).await;
        assert_eq!(status, Some(1));
        assert!(
            stderr.contains("status 404") && !stderr.contains("goes on"),
            "{stderr}"
        );
    }
}

fn errors(client: &mut Child) -> Lines<BufReader<ChildStderr>> {
    BufReader::new(client.stderr.take().unwrap()).lines()
}

/// The next line that has this in it.
async fn until<R: AsyncRead + Unpin>(lines: &mut Lines<BufReader<R>>, part: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().expect(part);
        if line.contains(part) {
            return line;
        }
    }
}
