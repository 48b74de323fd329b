//! The server on a loopback socket, and a caller that writes bytes.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use codegen_api::server::serve;
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::fixture::{Answer, App};

pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    pub(crate) stop: oneshot::Sender<()>,
    pub(crate) ended: JoinHandle<bool>,
}

impl Serving {
    pub(crate) async fn start(app: App, drain: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move {
            let _ = stopped.await;
        };
        Self {
            address,
            stop,
            ended: tokio::spawn(serve(listener, app, shutdown, drain)),
        }
    }

    pub(crate) async fn connect(&self) -> Wire {
        Wire {
            stream: TcpStream::connect(self.address).await.unwrap(),
            read: Vec::new(),
        }
    }

    /// That the server still does what it is there for.
    pub(crate) async fn lives(&self) {
        let mut wire = self.connect().await;
        wire.send("GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n")
            .await;
        assert_eq!(wire.answer().await.unwrap().status, 200);
    }
}

pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

impl Wire {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The next answer; `None` at the end of the connection.
    pub(crate) async fn answer(&mut self) -> Option<Answer> {
        let end = loop {
            match self.read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end,
                None => self.more().await?,
            }
        };
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.trim_end().lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: HeaderMap = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| {
                let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
                (name, HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let length = headers
            .get("content-length")
            .map(|length| length.to_str().unwrap());
        let length = length.map_or(0, |length| length.parse().unwrap());
        while self.read.len() < length {
            self.more().await?;
        }
        Some(Answer {
            status: status.parse().unwrap(),
            headers,
            body: Bytes::from_iter(self.read.drain(..length)),
        })
    }

    async fn more(&mut self) -> Option<()> {
        let read = self.stream.read_buf(&mut self.read).await;
        // A reset is an end too: who sends garbage is not always waited for.
        (read.unwrap_or(0) > 0).then_some(())
    }
}
