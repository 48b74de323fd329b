use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

/// Answers each request with what it got, on a connection of its own; echoes what comes after an
/// upgrade.
pub(crate) struct Backend {
    address: SocketAddr,
    served: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Backend {
    pub(crate) async fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect(name);
        let address = listener.local_addr().expect(name);
        let served = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(serve(listener, served.clone()));
        Self {
            address,
            served,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns when it has answered so many.
    pub(crate) async fn served(&self, requests: usize) {
        while self.served.load(Ordering::Relaxed) < requests {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn kill(&self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, served: Arc<AtomicUsize>) {
    // Connections end with the backend.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(answer(stream, served.clone()));
    }
}

async fn answer(mut stream: TcpStream, served: Arc<AtomicUsize>) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    if text.contains("upgrade: echo") {
        let head =
            b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
        stream.write_all(head).await?;
        let (mut read, mut write) = stream.split();
        tokio::io::copy(&mut read, &mut write).await?;
        return Ok(());
    }
    if text.contains("content-length: 5") {
        let mut body = [0; 5];
        stream.read_exact(&mut body).await?;
        head.extend_from_slice(&body);
    }
    let length = head.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(&head).await?;
    served.fetch_add(1, Ordering::Relaxed);
    stream.shutdown().await
}
