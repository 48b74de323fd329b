//! A database that another process holds.

use std::time::Duration;

use codegen_api::client::ErrorKind;
use http::StatusCode;
use sqlx::{Connection, SqliteConnection};
use tempfile::tempdir;

use crate::process::{Gate, Launch, assert_answered_once, fixture, sqlite, start_command, until};

#[tokio::test]
async fn a_locked_database_is_answered_503_and_nothing_is_lost() {
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let tree = fixture();
    let gate = Gate::closed();
    let launch = Launch::demo()
        .database(&file)
        .repository(&tree)
        .args(["--command", &gate.command()]);
    let server = launch.start().await;
    let (client, organization) = (server.client(), server.organization());
    let at_work = start_command(&client, organization).await;
    gate.wait_for_start(1).await;

    let mut other = SqliteConnection::connect(&sqlite(&file)).await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE")
        .execute(&mut other)
        .await
        .unwrap();
    let refused = client.create_run(organization, "half_open").send().await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.status(), Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(*refused.kind(), ErrorKind::Server);
    assert_eq!(refused.retry_after(), Some(Duration::from_secs(1)));
    // Who only reads is answered.
    let run = client.run(organization, at_work).send().await.unwrap();
    assert!(!run.is_final());
    // The end of this one finds the database locked.
    gate.open();
    until("the end could not be stored", async || {
        server.logs.to_string().contains("cannot ").then_some(())
    })
    .await;
    // A second server is told so instead of waiting for ever.
    let second = launch.end().await;
    assert_eq!(second.status.code(), Some(1));
    assert!(
        second.stderr.contains("locked by another process"),
        "{second:?}"
    );

    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let created = client.create_run(organization, "half_open").send().await;
    assert_answered_once(&client, organization, created.unwrap().id).await;
    assert_answered_once(&client, organization, at_work).await;
    assert_eq!(gate.started().len(), 1, "the run was executed again");
    let runs = client.runs(organization).send().await.unwrap();
    assert_eq!(runs.items.len(), 2, "the refused run was stored");
    server.stop().await;
}
