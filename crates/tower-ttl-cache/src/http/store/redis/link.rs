use std::{
    fmt,
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use ::redis::{Client, RedisResult, aio::MultiplexedConnection};
use tokio::time::{Instant, timeout};

use super::RedisStoreError;

/// How long a server that failed is left alone before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// One connection that all share, opened when first asked for and again after it failed.
pub(super) struct Link {
    client: Client,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<MultiplexedConnection>,
    /// Nobody asks the server before.
    away_until: Option<Instant>,
}

impl Link {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            state: Mutex::default(),
        }
    }

    /// Asks the server. While it is away this fails at once, but for one question a second.
    pub(super) async fn ask<T, F>(
        &self,
        deadline: Duration,
        question: impl FnOnce(MultiplexedConnection) -> F,
    ) -> Result<T, RedisStoreError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let live = self.enter(Instant::now())?;
        let asked = async {
            let live = match live {
                Some(live) => live,
                None => {
                    let live = self.client.get_multiplexed_async_connection().await?;
                    self.lock().live = Some(live.clone());
                    live
                }
            };
            question(live).await
        };
        let answer = match timeout(deadline, asked).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(RedisStoreError::Server(error)),
            Err(_) => Err(RedisStoreError::Deadline),
        };
        let mut state = self.lock();
        match &answer {
            Ok(_) => state.away_until = None,
            Err(_) => {
                state.live = None;
                state.away_until = Some(Instant::now() + PAUSE);
            }
        }
        answer
    }

    fn enter(&self, now: Instant) -> Result<Option<MultiplexedConnection>, RedisStoreError> {
        let mut state = self.lock();
        if let Some(until) = state.away_until {
            if now < until {
                return Err(RedisStoreError::Away);
            }
            // This one tries; the others wait for what it finds.
            state.away_until = Some(now + PAUSE);
        }
        Ok(state.live.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under this lock can leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Without the client: its address may hold a password.
impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
