use tokio::net::TcpStream;

use super::Probe;

/// Opens a TCP connection and closes it again.
#[derive(Debug, Clone)]
pub struct TcpProbe<F> {
    address: F,
}

impl<F> TcpProbe<F> {
    /// `address` says where, as `host:port`, from the key of the endpoint.
    pub const fn new(address: F) -> Self {
        Self { address }
    }
}

impl<F, K, S> Probe<K, S, ()> for TcpProbe<F>
where
    F: Fn(&K) -> String + Sync,
    K: Send,
    S: Send,
{
    async fn check(&self, key: K, service: S) -> bool {
        drop(service);
        let address = (self.address)(&key);
        drop(key);
        TcpStream::connect(address).await.is_ok()
    }
}
