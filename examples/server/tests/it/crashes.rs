//! SIGKILL at the worst moments, and the next start on the same file.

use std::{path::Path, time::Duration};

use codegen_api::{client::Client, model::RunStatus};
use rustix::process::Signal;
use sqlx::{Connection, SqliteConnection};
use tempfile::tempdir;
use tokio::{task::JoinSet, time::timeout};

use crate::process::{
    Gate, Launch, Server, assert_answered_once, fixture, log_of, sqlite, start_command, until,
};

/// A database that a crash has damaged, or with an open run in it, is a failure.
async fn assert_sound(file: &Path) {
    let mut connection = SqliteConnection::connect(&sqlite(file)).await.unwrap();
    let report: String = sqlx::query_scalar("PRAGMA integrity_check")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(report, "ok");
    let open: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM agent_runs WHERE status IN ('PENDING', 'ACTIVE')")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert_eq!(open, 0, "runs were left open");
}

/// Ids of all runs of the organization.
async fn runs(client: &Client, organization: i64) -> Vec<i64> {
    let page = client.runs(organization).send().await.unwrap();
    assert_eq!(page.numbers.pages, 1);
    page.items.iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn runs_at_work_and_waiting_survive_two_kills_and_each_ends_once() {
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let tree = fixture();
    let gate = Gate::closed();
    let launch = Launch::demo()
        .database(&file)
        .repository(&tree)
        .args(["--command", &gate.command()])
        .args(["--no-rate-limits", "--lease", "2"]);

    // Two at work, which is all the runner takes, and three that wait.
    let server = launch.start().await;
    let organization = server.organization();
    let client = server.client();
    let mut created = Vec::new();
    for _ in 0..2 {
        created.push(start_command(&client, organization).await);
    }
    gate.wait_for_start(2).await;
    for prompt in ["half_open", "SlidingWindow", "milk"] {
        let call = client.create_run(organization, prompt);
        created.push(call.send().await.unwrap().id);
    }
    server.kill().await;

    // Killed again as soon as the two are at work again: after their lease, not the default one.
    let server = launch.start().await;
    let client = server.client();
    let mut found = runs(&client, organization).await;
    found.sort_unstable();
    assert_eq!(found, created);
    let taken_up = timeout(Duration::from_secs(12), gate.wait_for_start(4)).await;
    taken_up.expect("the lease is two seconds long");
    for id in &created[..2] {
        let run = client.run(organization, *id).send().await.unwrap();
        assert_eq!(run.status, Some(RunStatus::Active));
    }
    server.kill().await;

    let server = launch.start().await;
    gate.wait_for_start(6).await;
    gate.open();
    let client = server.client();
    for id in created {
        assert_answered_once(&client, organization, id).await;
    }
    server.stop().await;
    assert_sound(&file).await;
}

#[tokio::test]
async fn every_run_that_was_answered_for_is_there_after_a_kill() {
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let tree = fixture();
    let launch =
        Launch::demo()
            .database(&file)
            .repository(&tree)
            .args(["--no-rate-limits", "--lease", "2"]);
    let mut answered = Vec::new();
    for _ in 0..2 {
        let server = launch.start().await;
        answered.extend(create_until_killed(server).await);
    }
    assert!(answered.len() >= 2 * BEFORE_THE_KILL);

    let server = launch.start().await;
    let (client, organization) = (server.client(), server.organization());
    for id in &answered {
        assert_answered_once(&client, organization, *id).await;
    }
    // Others were stored, but their answers did not get through: they end as well.
    until("the end of all runs", async || {
        let page = client.runs(organization).send().await.unwrap();
        page.items.iter().all(|run| run.is_final()).then_some(())
    })
    .await;
    server.stop().await;
    assert_sound(&file).await;
}

const BEFORE_THE_KILL: usize = 20;

/// Creates runs from several sides, kills the server in the middle, and gives the ids that were
/// answered.
async fn create_until_killed(server: Server) -> Vec<i64> {
    let organization = server.organization();
    let mut creators = JoinSet::new();
    let (ids, mut answered) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..4 {
        let (client, ids) = (server.client(), ids.clone());
        creators.spawn(async move {
            while let Ok(run) = client.create_run(organization, "half_open").send().await {
                ids.send(run.id).unwrap();
            }
        });
    }
    drop(ids);
    let mut created = Vec::new();
    while created.len() < BEFORE_THE_KILL {
        created.push(answered.recv().await.expect("creations fail"));
    }
    server.kill().await;
    creators.join_all().await;
    while let Some(id) = answered.recv().await {
        created.push(id);
    }
    created
}

#[tokio::test]
async fn two_servers_on_one_file_share_the_runs_and_each_ends_once() {
    let place = tempdir().unwrap();
    let tree = fixture();
    let launch = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree)
        .args(["--no-rate-limits"]);
    let (one, other) = (launch.start().await, launch.start().await);
    let organization = one.organization();
    let (client, second) = (one.client(), other.client());
    let mut created = Vec::new();
    for _ in 0..10 {
        for client in [&client, &second] {
            let run = client.create_run(organization, "half_open").send().await;
            created.push(run.unwrap().id);
        }
    }
    for id in created {
        assert_answered_once(&second, organization, id).await;
    }
    one.stop().await;
    other.stop().await;
}

/// Its lease is over, but it is not dead: it finds its answer worthless when it wakes up.
#[tokio::test]
async fn a_server_that_froze_over_a_run_does_not_end_it_a_second_time() {
    let place = tempdir().unwrap();
    let tree = fixture();
    let gate = Gate::closed();
    let launch = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree)
        .args(["--command", &gate.command(), "--lease", "2"]);
    let frozen = launch.start().await;
    let organization = frozen.organization();
    let id = start_command(&frozen.client(), organization).await;
    gate.wait_for_start(1).await;
    frozen.signal(Signal::STOP);

    let server = launch.start().await;
    let client = server.client();
    gate.wait_for_start(2).await;
    gate.open();
    assert_answered_once(&client, organization, id).await;
    let log = log_of(&client, organization, id).await;
    assert_eq!(log.len(), 2, "{log:?}");

    frozen.signal(Signal::CONT);
    // Its program has ended too: in order or not, its stop waits for what it wants to write.
    let ended = frozen.stop().await;
    assert!(!ended.stderr.contains("run ended"), "{ended:?}");
    assert_eq!(log_of(&client, organization, id).await, log);
    server.stop().await;
}
