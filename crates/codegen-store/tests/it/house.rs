use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use codegen_agents::ClaimedRun;
use codegen_agents::RunStore;
use codegen_api::model::{AgentRun, AgentRunLog, CreateAgentRun};
use codegen_api::server::{
    CreateRun, Listing, OrgScope, Role, Store, StoreError, TokenDigest, Window,
};
use codegen_store::{NewUser, SqliteStore};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

pub(crate) const LEASE: Duration = Duration::from_secs(30);

/// A time that stands still until a test moves it.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicU64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_700_000_000_000_000)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.0
            .fetch_add(u64::try_from(by.as_micros()).unwrap(), Relaxed);
    }

    pub(crate) fn reader(&self) -> impl Fn() -> SystemTime + Send + Sync + 'static {
        let now = Arc::clone(&self.0);
        move || UNIX_EPOCH + Duration::from_micros(now.load(Relaxed))
    }
}

/// Two organizations with a member and a repository each.
pub(crate) struct House {
    pub(crate) store: SqliteStore,
    pub(crate) clock: Clock,
    pub(crate) acme: OrgScope,
    pub(crate) rival: OrgScope,
    directory: Option<TempDir>,
}

impl House {
    pub(crate) async fn in_memory() -> Self {
        Self::furnish("sqlite::memory:", None).await
    }

    pub(crate) async fn on_a_file() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = url(&directory.path().join("store.db"));
        Self::furnish(&url, Some(directory)).await
    }

    async fn furnish(url: &str, directory: Option<TempDir>) -> Self {
        let clock = Clock::new();
        let store = SqliteStore::open(url).clock(clock.reader()).await.unwrap();
        Self {
            acme: organization(&store, "acme", "ada").await,
            rival: organization(&store, "rival", "bob").await,
            store,
            clock,
            directory,
        }
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.as_ref().unwrap().path()
    }

    /// A second store on the same file, under the same clock.
    pub(crate) async fn neighbour(&self) -> SqliteStore {
        SqliteStore::open(&url(&self.directory().join("store.db")))
            .busy_timeout(Duration::from_millis(50))
            .clock(self.clock.reader())
            .await
            .unwrap()
    }

    /// A connection to the file that knows nothing of the store.
    pub(crate) async fn connection(&self) -> SqliteConnection {
        let url = url(&self.directory().join("store.db"));
        SqliteConnection::connect(&url).await.unwrap()
    }
}

pub(crate) fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

async fn organization(store: &SqliteStore, name: &str, member: &str) -> OrgScope {
    let id = store.create_organization(name).await.unwrap();
    let user = store.create_user(NewUser::new(member)).await.unwrap();
    store.add_member(id, user, Role::Admin).await.unwrap();
    store
        .register_repository(
            id,
            name,
            "engine",
            Some(Path::new("/srv").join(name).as_path()),
        )
        .await
        .unwrap();
    scope(store, user, id).await
}

pub(crate) async fn scope(store: &SqliteStore, user: i64, organization: i64) -> OrgScope {
    let token = store.create_token(user).await.unwrap();
    let digest = TokenDigest::of(token.as_bytes());
    let principal = store.principal(&digest).await.unwrap().unwrap();
    principal.scope(organization).unwrap()
}

pub(crate) fn window(skip: i64, limit: i64) -> Window {
    Window { skip, limit }
}

pub(crate) fn everything() -> Window {
    window(0, 100)
}

pub(crate) async fn create(store: &SqliteStore, scope: &OrgScope, prompt: &str) -> AgentRun {
    match store.create_run(scope, CreateAgentRun::new(prompt)).await {
        Ok(CreateRun::Created(run)) => *run,
        other => panic!("{other:?}"),
    }
}

/// Claims as a runner that holds nothing yet.
pub(crate) async fn claim(store: &SqliteStore) -> Option<ClaimedRun> {
    static STARTED: AtomicU32 = AtomicU32::new(0);
    let runner = format!("runner {}", STARTED.fetch_add(1, Relaxed));
    store.claim(&runner, LEASE).await.unwrap()
}

pub(crate) async fn logs(store: &SqliteStore, scope: &OrgScope, run: i64) -> Listing<AgentRunLog> {
    let found = store.run_logs(scope, run, everything(), false).await;
    found.unwrap().unwrap().1
}

pub(crate) fn is_unavailable<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Unavailable(_)))
}

/// Runs each test on both kinds of database.
macro_rules! on_each_database {
    ($($test:ident)+) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::house::House::in_memory().await).await;
            })+
        }

        mod on_a_file {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::house::House::on_a_file().await).await;
            })+
        }
    };
}
pub(crate) use on_each_database;
