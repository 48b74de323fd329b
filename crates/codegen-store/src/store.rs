use sqlx::Transaction;
use sqlx::sqlite::{Sqlite, SqlitePool};

use crate::Open;
use crate::time::Clock;

/// Everything the product keeps, in one SQLite database. The crate docs say how.
///
/// Clones share the database. Implements [`codegen_api::server::Store`] for the routes and
/// [`codegen_agents::RunStore`] for the runner; the methods here are for the operator.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(crate) writer: SqlitePool,
    pub(crate) readers: SqlitePool,
    pub(crate) _anchor: Option<SqlitePool>,
    pub(crate) clock: Clock,
}

impl SqliteStore {
    /// Opens `sqlite:PATH`, `sqlite://PATH` (a file, made when missing) or `sqlite::memory:` (a
    /// private database that lives as long as the store). Await the result.
    ///
    /// # Errors
    ///
    /// [`OpenError`](crate::OpenError) says in one line why the database is of no use.
    pub fn open(url: &str) -> Open {
        Open::new(url)
    }

    /// Waits for calls under way, then closes all connections. Later calls are answered
    /// "unavailable". Leaves a file without a write-ahead log beside it.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// A transaction that writes. It takes the lock at once: taking it later, after a read, fails
    /// instead of waiting when another process wrote in between.
    ///
    /// Also for a single statement: only `COMMIT` reports that the disk is full. The time is read
    /// after this, so that it grows with the ids and no lease is shorter by the wait.
    pub(crate) async fn write(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// A transaction that only reads: all its statements see the same moment.
    pub(crate) async fn read(&self) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
        self.readers.begin().await
    }
}

#[cfg(test)]
mod tests {
    use codegen_api::server::{Delivery, Store, StoreError};

    use super::*;

    async fn pragma(pool: &SqlitePool, name: &'static str) -> String {
        sqlx::query_scalar(name).fetch_one(pool).await.unwrap()
    }

    #[tokio::test]
    async fn a_file_is_durable_and_readers_only_read() {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/store.db", directory.path().display());
        let store = SqliteStore::open(&url).await.unwrap();
        let journal = pragma(
            &store.writer,
            "SELECT journal_mode FROM pragma_journal_mode",
        );
        assert_eq!(journal.await, "wal");
        let number = "SELECT CAST(synchronous AS TEXT) FROM pragma_synchronous";
        assert_eq!(pragma(&store.writer, number).await, "2", "FULL");
        let number = "SELECT CAST(foreign_keys AS TEXT) FROM pragma_foreign_keys";
        assert_eq!(pragma(&store.writer, number).await, "1");
        let write = sqlx::query("INSERT INTO organizations (name) VALUES ('x')");
        assert!(write.execute(&store.readers).await.is_err());
    }

    /// SQLite ends the transaction by itself here, which sqlx does not notice.
    #[tokio::test]
    async fn a_full_database_fails_the_call_and_not_the_next_ones() {
        let directory = tempfile::tempdir().unwrap();
        let file = format!("sqlite:{}/store.db", directory.path().display());
        for url in [file.as_str(), "sqlite::memory:"] {
            let store = SqliteStore::open(url).await.unwrap();
            let kept = store.create_organization("kept").await.unwrap();
            for round in 0..3 {
                let long = Delivery {
                    id: format!("delivery {round}"),
                    event: "push".to_owned(),
                    payload: vec![b'x'; 100_000].into(),
                };
                limit(&store, "PRAGMA max_page_count = 1").await;
                let answer = store.record_delivery(long.clone()).await;
                assert!(
                    matches!(answer, Err(StoreError::Unavailable(_))),
                    "{answer:?}"
                );
                // A replaced connection has no limit of its own; in memory they share one.
                limit(&store, "PRAGMA max_page_count = 1000000").await;
                assert!(
                    store.record_delivery(long).await.unwrap(),
                    "not kept before"
                );
                let found = store.organization_by_name("kept").await.unwrap();
                assert_eq!(found, Some(kept));
            }
        }
    }

    async fn limit(store: &SqliteStore, pragma: &'static str) {
        sqlx::query(pragma).execute(&store.writer).await.unwrap();
    }
}
