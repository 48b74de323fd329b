//! A database file that another process keeps locked.

use std::time::Duration;

use codegen_store::SqliteStore;
use serde_json::json;
use sqlx::{ConnectOptions, Connection, Executor, sqlite::SqliteConnectOptions};

use super::fixture::{World, get, post};

#[tokio::test]
async fn a_locked_database_is_503_with_nothing_stored_and_nothing_lost() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("store.db");
    let store = SqliteStore::open(&format!("sqlite:{}", file.display()));
    let store = store.busy_timeout(Duration::from_millis(20)).await.unwrap();
    let world = World::over(store).await;
    let app = world.app();
    let kept = world.start_run(&app, "kept").await;

    let mut other = SqliteConnectOptions::new()
        .filename(&file)
        .connect()
        .await
        .unwrap();
    other.execute("BEGIN EXCLUSIVE").await.unwrap();
    let create = || {
        let body = json!({"prompt": "refused"});
        post(world.acme("agent/run"), &body).bearer(&world.ada_token)
    };
    for _ in 0..3 {
        assert_eq!(create().to(&app).await.expect(503).retry_after(), 1);
    }
    // Reading goes on.
    get("/v1/health").to(&app).await.expect(200);
    let path = world.acme(&format!("agent/run/{kept}"));
    get(path)
        .bearer(&world.ada_token)
        .to(&app)
        .await
        .expect(200);
    assert_eq!(world.runs().await, 1);

    other.execute("ROLLBACK").await.unwrap();
    create().to(&app).await.expect(200);
    assert_eq!(world.runs().await, 2);
    other.close().await.unwrap();
}
