use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{SqlSafeStr, SqliteConnection};

/// Named, so that a program that keeps its own tables beside ours can use sqlx's default.
const TABLE: &str = "codegen_store_migrations";

/// Applies what is missing. `Migrator::run` would be the documented way, but its future is not
/// `Send` in the eyes of the compiler.
pub(crate) async fn run(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    migrator().run_direct(None, connection, false).await
}

/// All migrations, embedded. An applied one is never edited: its checksum is in the database.
fn migrator() -> Migrator {
    let migration = |version, direction, sql: &'static str| {
        Migration::new(
            version,
            "schema".into(),
            direction,
            sql.into_sql_str(),
            false,
        )
    };
    let mut migrator = Migrator::with_migrations(vec![
        migration(
            1,
            MigrationType::ReversibleUp,
            include_str!("../migrations/sqlite/0001_schema.up.sql"),
        ),
        migration(
            1,
            MigrationType::ReversibleDown,
            include_str!("../migrations/sqlite/0001_schema.down.sql"),
        ),
    ]);
    migrator.dangerous_set_table_name(TABLE);
    migrator
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    async fn schema(connection: &mut SqliteConnection) -> Vec<(String, Option<String>)> {
        sqlx::query_as(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'codegen_store_%' \
             AND tbl_name NOT LIKE 'sqlite_%' ORDER BY name",
        )
        .fetch_all(connection)
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn going_down_reverses_going_up() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        run(&mut connection).await.unwrap();
        let first = schema(&mut connection).await;
        assert!(first.len() > 10);
        run(&mut connection).await.unwrap();
        assert_eq!(
            schema(&mut connection).await,
            first,
            "a second time does nothing"
        );
        migrator().undo(&mut connection, 0).await.unwrap();
        assert_eq!(schema(&mut connection).await, []);
        run(&mut connection).await.unwrap();
        assert_eq!(schema(&mut connection).await, first);
    }
}
