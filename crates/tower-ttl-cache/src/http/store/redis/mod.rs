mod link;

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use ::redis::{Client, Cmd, Script, Value, aio::MultiplexedConnection};
use tokio::time::Instant;

use self::link::Link;
use super::{Entry, Key, Lookup, Resource, Store, Usage};

/// The longest an entry is kept. Epochs are kept longer, so that none is forgotten before the last
/// entry it makes invalid.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);
const EPOCH: Duration = Duration::from_secs(31 * 86_400);

static GET: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("get.lua")));
static PUT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("put.lua")));
static TAG: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tag.lua")));

/// Keeps entries on a Redis or Valkey server, for several processes.
///
/// Processes share entries if they have the same prefix and the same
/// [secret](crate::HttpCacheLayer::secret). Entries expire by themselves, a day after they last
/// answer without validation. The server bounds its memory itself: give it a `maxmemory` and a
/// policy that evicts. A cluster is not supported.
///
/// A lookup is one round trip, two for a response that varies. An invalidation by URI is one write
/// whatever is stored; one by prefix goes through all keys of the server. Responses are written
/// with nobody waiting, and answered from memory until that is done.
///
/// # When the server is away
///
/// Away is a server that fails or does not answer by the [`deadline`](Self::deadline). Then requests
/// go on without the cache: nothing is found, nothing is stored, and equal requests are not one
/// call. For a second the server is not asked; then one request tries it again. An invalidation
/// that fails is an error of the [handle](crate::CacheHandle), and counted when a request caused
/// it; what it was to remove then stays until its lifetime ends.
///
/// # Panics
///
/// Its futures, and the bodies that fill it, panic outside of a tokio runtime.
#[derive(Clone, Debug)]
pub struct RedisStore {
    shared: Arc<Shared>,
    deadline: Duration,
}

#[derive(Debug)]
struct Shared {
    link: Link,
    prefix: Vec<u8>,
    /// Entries on their way to the server, and under which epoch.
    writing: Writing,
}

/// Why an operation of a [`RedisStore`] failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The server did not answer in time.
    Deadline,
    /// The server failed a moment ago and was not asked.
    Away,
    /// The server, or the way to it, failed.
    Server(::redis::RedisError),
}

impl fmt::Display for RedisStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deadline => "the server did not answer in time",
            Self::Away => "the server is away",
            Self::Server(_) => "the server failed",
        })
    }
}

impl std::error::Error for RedisStoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Server(error) => Some(error),
            Self::Deadline | Self::Away => None,
        }
    }
}

impl RedisStore {
    /// Keeps entries under keys that begin with `prefix`. Connects when first asked, and again
    /// whenever the connection fails.
    #[must_use]
    pub fn new(client: Client, prefix: &str) -> Self {
        Self {
            shared: Arc::new(Shared {
                link: Link::new(client),
                prefix: prefix.as_bytes().to_vec(),
                writing: Writing::default(),
            }),
            deadline: Duration::from_millis(50),
        }
    }

    /// How long an operation may take before the server counts as away. 50 ms by default: some
    /// hundred times what a server nearby needs, and little beside what it saves. An invalidation by
    /// prefix may take a hundred times as long.
    #[must_use]
    pub const fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn ask<T, F>(
        &self,
        deadline: Duration,
        question: impl FnOnce(Arc<Shared>, MultiplexedConnection) -> F + Send + 'static,
    ) -> RedisFuture<T>
    where
        F: Future<Output = ::redis::RedisResult<T>> + Send,
    {
        let shared = Arc::clone(&self.shared);
        RedisFuture(Box::pin(async move {
            let asked = Arc::clone(&shared);
            let question = |connection| question(asked, connection);
            shared.link.ask(deadline, question).await
        }))
    }

    /// Removes what one command removes.
    fn tell(&self, command: Cmd) -> RedisFuture<()> {
        self.shared.writing.clear();
        self.ask(self.deadline, |_, mut connection| async move {
            command.query_async(&mut connection).await
        })
    }
}

impl Shared {
    fn key(&self, kind: &[u8], name: &[u8]) -> Vec<u8> {
        [&self.prefix, kind, name].concat()
    }

    /// What the scripts begin with.
    fn keys(&self, key: &Key) -> [Vec<u8>; 4] {
        [
            self.key(b":entry:", key.as_bytes()),
            self.key(b":epoch:", key.resource_bytes()),
            self.key(b":epoch", b""),
            self.key(b":purges", b""),
        ]
    }
}

impl Store for RedisStore {
    type Error = RedisStoreError;
    type Get = RedisFuture<Lookup>;
    type Done = RedisFuture<()>;

    fn get(&self, key: &Key) -> RedisFuture<Lookup> {
        if let Some(lookup) = self.shared.writing.get(key) {
            return RedisFuture(Box::pin(std::future::ready(Ok(lookup))));
        }
        let keys = self.shared.keys(key);
        self.ask(self.deadline, |_, mut connection| async move {
            let mut call = GET.prepare_invoke();
            for key in &keys {
                call.key(key);
            }
            let (entry, epoch): (Option<Vec<u8>>, String) =
                call.invoke_async(&mut connection).await?;
            Ok(Lookup {
                // An envelope of another version is none.
                entry: entry.and_then(|bytes| Entry::from_bytes(&bytes)),
                epoch: u64::from_str_radix(&epoch, 16).unwrap_or_default(),
            })
        })
    }

    fn put(&self, key: Key, entry: Entry, epoch: u64) -> bool {
        let keep = entry.keep_for().min(LONGEST);
        let sealed = entry.to_bytes();
        let mut keys = self.shared.keys(&key).to_vec();
        keys.extend(
            entry
                .tags()
                .map(|tag| self.shared.key(b":tag:", tag.as_bytes())),
        );
        let shared = Arc::clone(&self.shared);
        let turn = shared.writing.begin(&key, entry, epoch);
        let written = self.ask(self.deadline, move |_, mut connection| async move {
            let mut call = PUT.prepare_invoke();
            for key in &keys {
                call.key(key);
            }
            call.arg(format!("{epoch:015x}"))
                .arg(sealed)
                .arg(milliseconds(keep))
                .arg(milliseconds(EPOCH));
            call.invoke_async::<Value>(&mut connection).await
        });
        tokio::spawn(async move {
            // A write that fails costs a hit.
            let _ = written.await;
            shared.writing.end(&key, turn);
        });
        true
    }

    fn invalidate(&self, resource: &Resource) -> RedisFuture<()> {
        let epoch = self.shared.key(b":epoch:", resource.as_bytes());
        self.tell(new_epoch(&epoch))
    }

    fn invalidate_prefix(&self, prefix: &Resource) -> RedisFuture<()> {
        self.shared.writing.clear();
        let pattern = [
            glob(&self.shared.key(b":entry:", b"")),
            prefix_pattern(prefix),
        ]
        .concat();
        self.ask(self.deadline * 100, |shared, mut connection| async move {
            let purges = shared.key(b":purges", b"");
            Cmd::incr(&purges, 1)
                .query_async::<()>(&mut connection)
                .await?;
            let mut cursor = 0_u64;
            loop {
                let mut scan = ::redis::cmd("SCAN");
                scan.arg(cursor)
                    .arg("MATCH")
                    .arg(&pattern)
                    .arg("COUNT")
                    .arg(1_000);
                let (next, keys): (u64, Vec<Vec<u8>>) = scan.query_async(&mut connection).await?;
                if !keys.is_empty() {
                    let unlink = Cmd::unlink(keys);
                    unlink.query_async::<()>(&mut connection).await?;
                }
                if next == 0 {
                    return Ok(());
                }
                cursor = next;
            }
        })
    }

    fn invalidate_tag(&self, tag: &str) -> RedisFuture<()> {
        self.shared.writing.clear();
        let set = self.shared.key(b":tag:", tag.as_bytes());
        self.ask(self.deadline, |shared, mut connection| async move {
            let purges = shared.key(b":purges", b"");
            let mut call = TAG.key(set);
            call.key(purges);
            call.invoke_async::<Value>(&mut connection).await.map(drop)
        })
    }

    fn clear(&self) -> RedisFuture<()> {
        let epoch = self.shared.key(b":epoch", b"");
        self.tell(new_epoch(&epoch))
    }

    /// Nothing: only the server knows.
    fn usage(&self) -> Usage {
        Usage::default()
    }
}

/// Any value that was not there before will do.
fn new_epoch(key: &[u8]) -> Cmd {
    let value = RandomState::new().hash_one(Instant::now());
    let mut command = ::redis::cmd("SET");
    command
        .arg(key)
        .arg(value)
        .arg("PX")
        .arg(milliseconds(EPOCH));
    command
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

/// Matches the keys of resources that start with this: the authority, any length, the path.
fn prefix_pattern(prefix: &Resource) -> Vec<u8> {
    let (authority, path) = prefix.parts();
    let length = (authority.len() as u64).to_le_bytes();
    [
        &glob(&length),
        &glob(authority),
        &b"????????"[..],
        &glob(path),
        b"*",
    ]
    .concat()
}

fn glob(literal: &[u8]) -> Vec<u8> {
    let mut pattern = Vec::with_capacity(literal.len());
    for &byte in literal {
        if b"*?[]\\^-".contains(&byte) {
            pattern.push(b'\\');
        }
        pattern.push(byte);
    }
    pattern
}

/// Entries that the server does not have yet. Without them, those who waited for a response would
/// look for it too early.
#[derive(Default)]
struct Writing(Mutex<Table>);

#[derive(Default)]
struct Table {
    entries: HashMap<Key, (u64, Entry, u64)>,
    turns: u64,
}

impl Writing {
    fn begin(&self, key: &Key, entry: Entry, epoch: u64) -> u64 {
        let mut table = self.lock();
        table.turns = table.turns.wrapping_add(1);
        let turn = table.turns;
        table.entries.insert(key.clone(), (turn, entry, epoch));
        turn
    }

    /// Unless a newer one is being written.
    fn end(&self, key: &Key, turn: u64) {
        let mut table = self.lock();
        if table
            .entries
            .get(key)
            .is_some_and(|(latest, ..)| *latest == turn)
        {
            table.entries.remove(key);
        }
    }

    fn get(&self, key: &Key) -> Option<Lookup> {
        let table = self.lock();
        let (_, entry, epoch) = table.entries.get(key)?;
        Some(Lookup {
            entry: Some(entry.clone()),
            epoch: *epoch,
        })
    }

    /// After an invalidation, none of them may answer.
    fn clear(&self) {
        self.lock().entries.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        // Nothing under this lock can leave it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Writing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writing")
            .field("entries", &self.lock().entries.len())
            .finish_non_exhaustive()
    }
}

/// An operation of a [`RedisStore`].
pub struct RedisFuture<T>(Pin<Box<dyn Future<Output = Result<T, RedisStoreError>> + Send>>);

impl<T> Future for RedisFuture<T> {
    type Output = Result<T, RedisStoreError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T> fmt::Debug for RedisFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisFuture").finish_non_exhaustive()
    }
}
