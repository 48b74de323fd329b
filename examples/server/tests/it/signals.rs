//! Stopping: in order at the first signal, at once at the second.

use std::time::Duration;

use codegen_api::model::RunStatus;
use rustix::process::{Pid, Signal, test_kill_process};
use sqlx::{Connection, SqliteConnection};
use tempfile::tempdir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::process::{
    Gate, Launch, PATIENCE, assert_answered_once, exchange, fixture, sqlite, start_command, until,
};

#[tokio::test]
async fn a_request_in_flight_at_sigint_is_answered_and_what_it_made_is_kept() {
    let place = tempdir().unwrap();
    let tree = fixture();
    let launch = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree);
    let server = launch.start().await;
    // Connections that wait for nothing hold nobody up.
    let client = server.client();
    client.current_user().send().await.unwrap();

    let body = r#"{"prompt":"Where is half_open?"}"#;
    let head = format!(
        "POST /v1/organizations/{}/agent/run HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        server.organization(),
        server.text("token"),
        body.len(),
    );
    let mut connection = TcpStream::connect(server.address()).await.unwrap();
    connection.write_all(head.as_bytes()).await.unwrap();
    let (begin, rest) = body.split_at(10);
    connection.write_all(begin.as_bytes()).await.unwrap();
    // Answered, so whatever was sent before has been read.
    let health = "GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    exchange(server.address(), health).await;

    let (address, organization) = (server.address(), server.organization());
    server.signal(Signal::INT);
    until("the server listens no more", async || {
        TcpStream::connect(address).await.err()
    })
    .await;
    connection.write_all(rest.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = connection.read_to_string(&mut answer);
    timeout(PATIENCE, read).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let ended = server.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert!(!ended.stderr.contains("still in flight"), "{ended:?}");

    let (_, json) = answer.split_once("\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let server = launch.start().await;
    assert_answered_once(&server.client(), organization, json["id"].as_i64().unwrap()).await;
    server.stop().await;
}

#[tokio::test]
async fn connections_without_a_request_do_not_hold_up_the_end() {
    let server = Launch::demo().args(["--drain", "60"]).start().await;
    let silent = TcpStream::connect(server.address()).await.unwrap();
    let client = server.client();
    client.health().send().await.unwrap();
    server.signal(Signal::TERM);
    let ended = timeout(Duration::from_secs(8), server.ended()).await;
    assert!(ended.expect("it waits for nothing").status.success());
    drop(silent);
}

#[tokio::test]
async fn a_run_at_work_at_sigterm_is_put_back_and_ends_once_after_the_next_start() {
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let tree = fixture();
    let gate = Gate::closed();
    let launch = Launch::demo()
        .database(&file)
        .repository(&tree)
        .args(["--command", &gate.command()])
        .args(["--drain", "1"]);
    let server = launch.start().await;
    let organization = server.organization();
    let id = start_command(&server.client(), organization).await;
    let program = gate.wait_for_start(1).await[0];

    let ended = server.stop().await;
    assert!(ended.stderr.contains("run interrupted"), "{ended:?}");
    let program = Pid::from_raw(program.try_into().unwrap()).unwrap();
    assert!(test_kill_process(program).is_err(), "the program goes on");

    // Not abandoned but put back: nobody waits for a lease of fifteen seconds.
    let mut database = SqliteConnection::connect(&sqlite(&file)).await.unwrap();
    let status: String = sqlx::query_scalar("SELECT status FROM agent_runs WHERE id = $1")
        .bind(id)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(status, "PENDING");
    database.close().await.unwrap();

    let server = launch.start().await;
    gate.wait_for_start(2).await;
    let client = server.client();
    let run = client.run(organization, id).send().await.unwrap();
    assert_eq!(run.status, Some(RunStatus::Active));
    gate.open();
    assert_answered_once(&client, organization, id).await;
    server.stop().await;
}

#[tokio::test]
async fn a_run_that_ends_within_the_drain_time_is_not_interrupted() {
    let place = tempdir().unwrap();
    let tree = fixture();
    let gate = Gate::closed();
    let launch = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree)
        .args(["--command", &gate.command()])
        .args(["--drain", "60"]);
    let server = launch.start().await;
    let (address, organization) = (server.address(), server.organization());
    let id = start_command(&server.client(), organization).await;
    gate.wait_for_start(1).await;
    server.signal(Signal::TERM);
    until("the server listens no more", async || {
        TcpStream::connect(address).await.err()
    })
    .await;
    gate.open();
    let ended = server.ended().await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(!ended.stderr.contains("run interrupted"), "{ended:?}");

    let server = launch.start().await;
    assert_answered_once(&server.client(), organization, id).await;
    assert_eq!(gate.started().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_with_its_programs() {
    let tree = fixture();
    let gate = Gate::closed();
    let server = Launch::demo()
        .repository(&tree)
        .args(["--command", &gate.command()])
        .args(["--drain", "60"])
        .start()
        .await;
    start_command(&server.client(), server.organization()).await;
    let program = gate.wait_for_start(1).await[0];
    server.signal(Signal::TERM);
    until("it has understood", async || {
        server.logs.to_string().contains("stopping").then_some(())
    })
    .await;
    server.signal(Signal::INT);
    let ended = timeout(Duration::from_secs(8), server.ended()).await;
    let ended = ended.expect("at once");
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("before everything had finished"));
    assert_eq!(ended.stdout, "");
    let program = Pid::from_raw(program.try_into().unwrap()).unwrap();
    until("the program is gone", async || {
        test_kill_process(program).err()
    })
    .await;
}
