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
