use std::{error, fmt, future::Future, pin::Pin, sync::LazyLock, time::Duration};

use redis::{
    Client, Script,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{Claimed, ReplayError, ReplayStore, Ticket};
use crate::{Encoding, ReplayKey};

static CLAIM: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("claim.lua")));
static COMMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("commit.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// A provider waits seconds for its answer; what the store hasn't said by now comes too late.
const PATIENCE: Duration = Duration::from_secs(2);

/// Deliveries in a Redis server, for several processes (feature `redis`). A clone shares the
/// connection, which comes back by itself.
///
/// One key for a delivery, which ends by itself, so that the server's `maxmemory-policy` has to be
/// one that doesn't evict it (`noeviction`). Of any number of processes one gets the claim. Without
/// an answer within 2 s a delivery is refused with 503. Its futures are boxed.
#[derive(Clone)]
pub struct RedisReplay {
    connection: ConnectionManager,
    prefix: String,
}

impl RedisReplay {
    /// Connects to `url` (`redis://…`). Keys begin with `prefix`; guards with another prefix know
    /// nothing of these deliveries.
    ///
    /// # Errors
    ///
    /// When the server can't be reached or `url` is none.
    pub async fn connect(url: &str, prefix: impl Into<String>) -> Result<Self, RedisReplayError> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = Client::open(url).map_err(RedisReplayError)?;
        let connection = ConnectionManager::new_with_config(client, config);
        Ok(Self {
            connection: connection.await.map_err(RedisReplayError)?,
            prefix: prefix.into(),
        })
    }

    fn key(&self, key: ReplayKey) -> String {
        format!("{}{}", self.prefix, Encoding::Hex.encode(&key.0))
    }

    fn run(
        &self,
        script: &'static Script,
        key: ReplayKey,
        ticket: Ticket,
        time: Duration,
    ) -> impl Future<Output = Result<u8, ReplayError>> + Send + use<> {
        let key = self.key(key);
        let mut connection = self.connection.clone();
        async move {
            let mut call = script.key(key);
            call.arg(format!("{:032x}", ticket.0));
            call.arg(millis(time));
            let answer = tokio::time::timeout(PATIENCE, call.invoke_async(&mut connection)).await;
            answer
                .ok()
                .and_then(Result::ok)
                .ok_or(ReplayError::Unavailable)
        }
    }
}

/// At least one, which is the least Redis takes, and no more than it takes.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis())
        .unwrap_or(u64::MAX)
        .clamp(1, 1 << 52)
}

impl ReplayStore for RedisReplay {
    type Claiming = Pin<Box<dyn Future<Output = Result<Claimed, ReplayError>> + Send>>;
    type Committing = Pin<Box<dyn Future<Output = Result<(), ReplayError>> + Send>>;

    fn claim(&self, key: ReplayKey, lease: Duration) -> Self::Claiming {
        let mut random = [0; 16];
        if getrandom::fill(&mut random).is_err() {
            return Box::pin(async { Err(ReplayError::Unavailable) });
        }
        let ticket = Ticket(u128::from_le_bytes(random));
        let answer = self.run(&CLAIM, key, ticket, lease);
        let late = Late {
            store: self.clone(),
            key,
            ticket: Some(ticket),
        };
        Box::pin(async move {
            let mut late = late;
            let answer = answer.await?;
            // The guard of the caller answers for it from here on, or nobody has it.
            late.ticket = None;
            Ok(match answer {
                0 => Claimed::Fresh(ticket),
                1 => Claimed::InFlight,
                _ => Claimed::Done,
            })
        })
    }

    fn commit(&self, key: ReplayKey, ticket: Ticket, keep: Duration) -> Self::Committing {
        let answer = self.run(&COMMIT, key, ticket, keep);
        Box::pin(async move { answer.await.map(|_| ()) })
    }

    fn release(&self, key: ReplayKey, ticket: Ticket) {
        let answer = self.run(&RELEASE, key, ticket, Duration::ZERO);
        // Outside a runtime the lease has to end it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(answer);
        }
    }
}

/// A claim whose answer nobody has seen: the server may have given it all the same.
struct Late {
    store: RedisReplay,
    key: ReplayKey,
    ticket: Option<Ticket>,
}

impl Drop for Late {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.store.release(self.key, ticket);
        }
    }
}

impl fmt::Debug for RedisReplay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisReplay")
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// Why a store couldn't be connected.
#[derive(Debug)]
pub struct RedisReplayError(redis::RedisError);

impl fmt::Display for RedisReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the replay store can't be connected")
    }
}

impl error::Error for RedisReplayError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.0)
    }
}
