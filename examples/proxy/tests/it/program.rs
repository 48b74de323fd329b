use std::{net::SocketAddr, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

use crate::backend::Backend;

/// The proxy; it ends with this value.
pub(crate) struct Program {
    pub(crate) listen: SocketAddr,
    admin: SocketAddr,
    _child: Child,
}

impl Program {
    pub(crate) async fn start(backends: &[&Backend]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_proxy"));
        command.args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
        for backend in backends {
            command.args(["--backend", &backend.url()]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut address = async || {
            let line = lines.next_line().await.expect("text").expect("a line");
            let (_, address) = line.split_once("http://").expect("a URL");
            address.parse().expect("an address")
        };
        let listen = address().await;
        let admin = address().await;
        Self {
            listen,
            admin,
            _child: child,
        }
    }

    pub(crate) async fn admin(&self, method: &str, target: &str) -> String {
        let head = format!("{method} {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        request(self.admin, &head).await
    }
}

/// Sends this and reads until the other side closes.
pub(crate) async fn request(to: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(to).await.expect("connected");
    stream.write_all(text.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
