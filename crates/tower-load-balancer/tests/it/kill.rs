//! Real sockets: a backend is killed under load.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Endpoint, Endpoints, Health, LeastPending};

/// One connection a request: a byte goes, and the next one comes back.
#[derive(Clone)]
struct Client(SocketAddr);

impl Service<u8> for Client {
    type Response = u8;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<u8>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u8) -> Self::Future {
        let address = self.0;
        Box::pin(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_u8(request).await?;
            stream.read_u8().await
        })
    }
}

async fn serve(listener: TcpListener) {
    // Connections end with the backend.
    let mut connections = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        connections.spawn(async move {
            let request = stream.read_u8().await?;
            tokio::task::yield_now().await;
            stream.write_u8(request.wrapping_add(1)).await
        });
    }
}

async fn backend() -> (Endpoint<SocketAddr, Client>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (
        Endpoint::new(address, Client(address)),
        tokio::spawn(serve(listener)),
    )
}

#[tokio::test]
async fn nobody_sees_that_one_of_three_backends_is_killed() {
    let mut running = Vec::new();
    let endpoints = Endpoints::new();
    for _ in 0..3 {
        let (endpoint, task) = backend().await;
        endpoints.insert(endpoint);
        running.push(task);
    }
    let service = Balance::new(endpoints.clone(), LeastPending::new())
        .failover(|request: &u8| Some(*request));

    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let mut service = service.clone();
        callers.spawn(async move {
            for request in 0..=u8::MAX {
                let answer = service.ready().await.expect("ready").call(request).await;
                assert_eq!(answer.expect("an answer"), request.wrapping_add(1));
            }
        });
    }
    // In the midst of it.
    while endpoints
        .status()
        .iter()
        .all(|status| status.in_flight == 0)
    {
        tokio::task::yield_now().await;
    }
    running.remove(1).abort();
    while let Some(caller) = callers.join_next().await {
        caller.expect("no error was seen");
    }
    let up: Vec<_> = endpoints
        .status()
        .iter()
        .map(|status| status.health == Health::Up)
        .collect();
    assert_eq!(up, [true, false, true]);
    assert!(
        endpoints
            .status()
            .iter()
            .all(|status| status.in_flight == 0)
    );
}
