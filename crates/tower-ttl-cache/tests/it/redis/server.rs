//! Servers of the tests' own, which they may stop and break.

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::Client;

/// The server that the tests share and leave as it is.
pub(super) fn shared() -> Client {
    Client::open(env::var("REDIS_URL").unwrap()).unwrap()
}

/// A prefix nobody else uses.
pub(super) fn prefix() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("cache-{}-{number}", std::process::id())
}

/// A server on a free port, ended with the test.
pub(super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    pub(super) async fn start() -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let server = Self {
            child: spawn(port),
            port,
        };
        server.answers().await;
        server
    }

    pub(super) fn client(&self) -> Client {
        Client::open(format!("redis://127.0.0.1:{}/", self.port)).unwrap()
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(super) async fn restart(&mut self) {
        self.child = spawn(self.port);
        self.answers().await;
    }

    /// Stops or continues it, without its connections noticing.
    pub(super) fn signal(&self, signal: &str) {
        let process = self.child.id().to_string();
        let status = Command::new("kill").args([signal, &process]).status();
        assert!(status.unwrap().success());
    }

    async fn answers(&self) {
        for _ in 0..500 {
            if let Ok(mut connection) = self.client().get_multiplexed_async_connection().await
                && redis::cmd("PING")
                    .query_async::<()>(&mut connection)
                    .await
                    .is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server does not answer");
    }
}

fn spawn(port: u16) -> Child {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(env::temp_dir())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
