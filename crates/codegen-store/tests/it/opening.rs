use std::path::Path;

use codegen_agents::RunStore;
use codegen_api::server::Store;
use codegen_store::{OpenError, SqliteStore};
use sqlx::{Connection, Executor, SqliteConnection};

use crate::house::{House, LEASE, create, url};

async fn refusal(url: &str) -> OpenError {
    let error = SqliteStore::open(url).await.unwrap_err();
    let line = error.to_string();
    assert!(!line.contains('\n') && line.len() < 200, "{line}");
    error
}

#[tokio::test]
async fn what_is_stored_is_there_after_opening_again() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a ? b.db");
    let plain = format!("sqlite:{}", directory.path().join("a %3F b.db").display());
    let slashes = plain.replace("sqlite:", "sqlite://");
    let store = SqliteStore::open(&plain).await.unwrap();
    let id = store.create_organization("acme").await.unwrap();
    store.close().await;
    assert!(file.is_file());
    let store = SqliteStore::open(&slashes).await.unwrap();
    assert_eq!(store.organization_by_name("acme").await.unwrap(), Some(id));
    store.close().await;
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "no log is left beside a closed file");
}

#[tokio::test]
async fn memory_is_private_and_shared_by_clones() {
    let one = SqliteStore::open("sqlite::memory:").await.unwrap();
    let other = SqliteStore::open("sqlite::memory:").await.unwrap();
    one.create_organization("acme").await.unwrap();
    let clone = one.clone();
    drop(one);
    assert!(clone.organization_by_name("acme").await.unwrap().is_some());
    assert_eq!(other.organization_by_name("acme").await.unwrap(), None);
    assert!(!Path::new(":memory:").exists());
}

#[tokio::test]
async fn what_is_not_a_url_of_sqlite_is_refused() {
    for wrong in [
        "",
        "sqlite",
        "sqlite:",
        "sqlite://",
        "postgres://localhost/codegen",
        "/tmp/store.db",
        "sqlite:store.db?mode=ro",
        "sqlite:%FF",
        "sqlite:a\0b",
    ] {
        assert!(
            matches!(refusal(wrong).await, OpenError::Url { .. }),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_a_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let missing = refusal(&url(&directory.path().join("no/where.db"))).await;
    assert!(matches!(&missing, OpenError::NoDirectory { path } if path.ends_with("no")));
    let taken = refusal(&url(directory.path())).await;
    assert!(matches!(taken, OpenError::CannotOpen { .. }), "{taken:?}");
    assert!(!directory.path().join("no").exists());
}

#[tokio::test]
async fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let letter = directory.path().join("letter.txt");
    let text = "Dear database,\n".repeat(1000);
    std::fs::write(&letter, &text).unwrap();
    let error = refusal(&url(&letter)).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&letter).unwrap(), text);

    let foreign = directory.path().join("foreign.db");
    let create = format!("{}?mode=rwc", url(&foreign));
    let mut connection = SqliteConnection::connect(&create).await.unwrap();
    connection.execute("CREATE TABLE users (id)").await.unwrap();
    connection.close().await.unwrap();
    let error = refusal(&url(&foreign)).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let house = House::on_a_file().await;
    house.store.close().await;
    let file = house.directory().join("store.db");
    let mut bytes = std::fs::read(&file).unwrap();
    // The first page holds the schema.
    bytes[100..4096].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let error = refusal(&url(&file)).await;
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error:?}");
}

#[tokio::test]
async fn an_edited_or_newer_migration_is_refused() {
    let house = House::on_a_file().await;
    let mut outside = house.connection().await;
    house.store.close().await;
    let file = url(&house.directory().join("store.db"));

    outside
        .execute(
            "INSERT INTO codegen_store_migrations VALUES (999, 'x', '2000-01-01', TRUE, X'00', 0)",
        )
        .await
        .unwrap();
    let error = refusal(&file).await;
    assert!(
        matches!(error, OpenError::UnknownMigration { version: 999 }),
        "{error:?}"
    );

    outside
        .execute("DELETE FROM codegen_store_migrations WHERE version = 999")
        .await
        .unwrap();
    outside
        .execute("UPDATE codegen_store_migrations SET checksum = X'00'")
        .await
        .unwrap();
    let error = refusal(&file).await;
    assert!(
        matches!(error, OpenError::EditedMigration { version: 1 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_file_locked_by_another_process_is_refused_in_time() {
    let house = House::on_a_file().await;
    house.store.close().await;
    let mut outside = house.connection().await;
    outside.execute("BEGIN EXCLUSIVE").await.unwrap();
    let file = url(&house.directory().join("store.db"));
    let patience = std::time::Duration::from_millis(50);
    let error = SqliteStore::open(&file)
        .busy_timeout(patience)
        .await
        .unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error:?}");
}

#[tokio::test]
async fn a_read_only_file_is_refused() {
    let house = House::on_a_file().await;
    house.store.close().await;
    let file = house.directory().join("store.db");
    let mut permissions = std::fs::metadata(&file).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(&file, permissions).unwrap();
    if std::fs::OpenOptions::new().append(true).open(&file).is_ok() {
        return; // The superuser may write anyway.
    }
    let error = refusal(&url(&file)).await;
    assert!(matches!(error, OpenError::ReadOnly { .. }), "{error:?}");
}

#[tokio::test]
async fn many_that_open_a_new_file_at_once_all_succeed() {
    for _ in 0..5 {
        let directory = tempfile::tempdir().unwrap();
        let file = url(&directory.path().join("store.db"));
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let file = file.clone();
                tokio::spawn(async move { SqliteStore::open(&file).await })
            })
            .collect();
        for opened in opening {
            let store = opened.await.unwrap().unwrap();
            store.create_organization("acme").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_lost_process_leaves_a_run_that_the_next_one_takes_over() {
    let house = House::on_a_file().await;
    let run = create(&house.store, &house.acme, "unfinished").await;
    let claimed = house.store.claim("first", LEASE).await.unwrap().unwrap();
    // Not closed: as if the process had been killed.
    let next = house.neighbour().await;
    assert!(next.claim("second", LEASE).await.unwrap().is_none());
    house.clock.advance(LEASE);
    let taken = next.claim("second", LEASE).await.unwrap().unwrap();
    assert_eq!((taken.claim.run_id, taken.attempt), (run.id, 2));
    assert!(taken.claim.fence > claimed.claim.fence);
    assert!(next.run(&house.acme, run.id).await.unwrap().is_some());
}
