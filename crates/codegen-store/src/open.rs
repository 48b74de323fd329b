use std::fmt;
use std::future::{Future, IntoFuture};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use sqlx::Connection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::time::{Instant, sleep};

use crate::error::is_locked;
use crate::time::Clock;
use crate::{OpenError, SqliteStore, migrations};

const DEFAULT_BUSY_TIMEOUT: Duration = Duration::from_secs(2);
const RETRY_PAUSE: Duration = Duration::from_millis(5);
/// Connections that read a file at the same time; each has a thread of its own.
const READERS: u32 = 4;
/// Marks a file as ours (`CGST`).
const APPLICATION_ID: i64 = 0x4347_5354;

/// A database about to be opened: `.await` does it.
///
/// Made by [`SqliteStore::open`]; the crate docs say what opening does.
#[must_use = "nothing is opened until this is awaited"]
pub struct Open {
    url: String,
    busy_timeout: Duration,
    clock: Clock,
}

impl Open {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            busy_timeout: DEFAULT_BUSY_TIMEOUT,
            clock: Clock::new(SystemTime::now),
        }
    }

    /// How long a write waits for another process that writes, before it fails as unavailable.
    ///
    /// 2 seconds by default: far longer than a transaction of this crate, short enough to answer
    /// a request. At most an hour. A call waits one second more for a connection of its pool.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout.min(Duration::from_secs(3600));
        self
    }

    /// Where the store reads the time of leases and entries; the system's clock by default.
    pub fn clock(mut self, now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Clock::new(now);
        self
    }

    async fn open(self) -> Result<SqliteStore, OpenError> {
        let place = Place::parse(&self.url)?;
        let store = match &place {
            Place::Memory => self.memory().await,
            Place::File(path) => self.file(path).await,
        }
        .map_err(|error| OpenError::from_sqlx(place.path(), error))?;
        prepare(&store.writer, place.path()).await?;
        Ok(store)
    }

    /// One connection for everything: with two, SQLite's shared cache answers "table is locked"
    /// instead of waiting.
    async fn memory(self) -> Result<SqliteStore, sqlx::Error> {
        // Every parse makes the name of a new database.
        let options = SqliteConnectOptions::from_str("sqlite::memory:")?;
        let pool = self.pool(1);
        // Never used: it keeps the database alive when the pool replaces its connection.
        let anchor = pool.clone().connect_with(options.clone()).await?;
        let pool = replace_confused(pool).connect_with(options).await?;
        Ok(SqliteStore {
            writer: pool.clone(),
            readers: pool,
            _anchor: Some(anchor),
            clock: self.clock,
        })
    }

    async fn file(self, path: &Path) -> Result<SqliteStore, sqlx::Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(self.busy_timeout)
            .foreign_keys(true);
        let writer = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let reader = options.pragma("query_only", "ON");
        let readers = self.pool(READERS).connect_lazy_with(reader);
        Ok(SqliteStore {
            writer: self.connect_writer(writer).await?,
            readers,
            _anchor: None,
            clock: self.clock,
        })
    }

    /// Changing a new file to write-ahead mode is the one thing that SQLite does not wait for when
    /// another process does the same.
    async fn connect_writer(
        &self,
        options: SqliteConnectOptions,
    ) -> Result<SqlitePool, sqlx::Error> {
        let give_up = Instant::now() + self.busy_timeout;
        loop {
            let pool = replace_confused(self.pool(1));
            match pool.connect_with(options.clone()).await {
                Err(error) if is_locked(&error) && Instant::now() < give_up => {
                    sleep(RETRY_PAUSE).await;
                }
                connected => return connected,
            }
        }
    }

    fn pool(&self, connections: u32) -> SqlitePoolOptions {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(self.busy_timeout + Duration::from_secs(1))
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
    }
}

/// SQLite itself rolls a transaction back when the disk is full; sqlx then goes on counting it, and
/// no transaction could start on the connection ever again.
fn replace_confused(pool: SqlitePoolOptions) -> SqlitePoolOptions {
    pool.after_release(|connection, _| {
        Box::pin(async move {
            // Lets a rollback that is under way come to its end.
            connection.ping().await?;
            Ok(!connection.is_in_transaction())
        })
    })
}

/// Brings the schema up to date, in one transaction that other processes wait for.
async fn prepare(writer: &SqlitePool, path: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::from_sqlx(path, error);
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let id: i64 = sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    let tables: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master")
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
    if id != APPLICATION_ID && (id != 0 || tables != 0) {
        return Err(OpenError::Foreign {
            path: path.to_owned(),
        });
    }
    // Also shows whether the file can be written at all. The number is APPLICATION_ID.
    sqlx::query("PRAGMA application_id = 1128747860")
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    migrations::run(&mut tx)
        .await
        .map_err(|error| OpenError::from_migrate(path, error))?;
    tx.commit().await.map_err(failed)
}

impl IntoFuture for Open {
    type Output = Result<SqliteStore, OpenError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("url", &self.url)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

enum Place {
    Memory,
    File(PathBuf),
}

impl Place {
    /// `sqlite:PATH`, `sqlite://PATH`, `sqlite::memory:`; `%` escapes, no parameters.
    fn parse(url: &str) -> Result<Self, OpenError> {
        let wrong = || OpenError::Url {
            url: url.to_owned(),
        };
        let rest = url.strip_prefix("sqlite:").ok_or_else(wrong)?;
        let name = rest.strip_prefix("//").unwrap_or(rest);
        if name.is_empty() || name.contains(['?', '\0']) {
            return Err(wrong());
        }
        if name == ":memory:" {
            return Ok(Self::Memory);
        }
        let options = SqliteConnectOptions::from_str(url).map_err(|_| wrong())?;
        // Absolute, because connections are opened later too, perhaps from another directory.
        std::path::absolute(options.get_filename())
            .map(Self::File)
            .map_err(|_| wrong())
    }

    fn path(&self) -> &Path {
        match self {
            Self::Memory => Path::new(":memory:"),
            Self::File(path) => path,
        }
    }
}
