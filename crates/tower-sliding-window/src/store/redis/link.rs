use std::{
    fmt,
    future::Future,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use ::redis::{RedisError, RedisResult, aio::ConnectionLike, aio::MultiplexedConnection};

/// Opens connections to the server: [`redis::Client`](::redis::Client), or with feature
/// `redis-cluster` a cluster's client.
pub trait Connect: Send + Sync + 'static {
    /// A connection that many requests share.
    type Connection: ConnectionLike + Clone + Send + Sync + 'static;

    /// Opens one.
    fn connect(&self) -> impl Future<Output = RedisResult<Self::Connection>> + Send;
}

impl Connect for ::redis::Client {
    type Connection = MultiplexedConnection;

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        self.get_multiplexed_async_connection().await
    }
}

#[cfg(feature = "redis-cluster")]
impl Connect for ::redis::cluster::ClusterClient {
    type Connection = ::redis::cluster_async::ClusterConnection;

    async fn connect(&self) -> RedisResult<Self::Connection> {
        self.get_async_connection().await
    }
}

/// One shared connection, opened when first asked for and again after it failed.
pub(super) struct Link<C: Connect> {
    client: C,
    live: Mutex<Option<C::Connection>>,
    /// Held while connecting, so that those who come meanwhile wait for the same connection.
    connecting: tokio::sync::Mutex<()>,
}

impl<C: Connect> Link<C> {
    pub(super) fn new(client: C) -> Arc<Self> {
        Arc::new(Self {
            client,
            live: Mutex::default(),
            connecting: tokio::sync::Mutex::default(),
        })
    }

    /// Who stops waiting doesn't stop the connecting, or a server further away than the deadline
    /// would never be reached.
    pub(super) async fn connection(self: &Arc<Self>) -> RedisResult<C::Connection> {
        if let Some(live) = self.live() {
            return Ok(live);
        }
        let link = Arc::clone(self);
        let connecting = tokio::spawn(async move {
            let _connecting = link.connecting.lock().await;
            if let Some(live) = link.live() {
                return Ok(live);
            }
            let connection = link.client.connect().await?;
            link.set(Some(connection.clone()));
            Ok(connection)
        });
        match connecting.await {
            Ok(connected) => connected,
            Err(stopped) => Err(RedisError::from(io::Error::other(stopped))),
        }
    }

    pub(super) fn forget(&self) {
        self.set(None);
    }

    fn live(&self) -> Option<C::Connection> {
        // Poison is ignored: nothing under this lock can leave it half changed.
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.clone()
    }

    fn set(&self, connection: Option<C::Connection>) {
        *self.live.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

/// Without the client: its address may hold a password.
impl<C: Connect> fmt::Debug for Link<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
