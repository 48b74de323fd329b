//! What every throw-away server has: a free port, a password, a moment when it is ready.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use super::guard::Guard;
use crate::error::{Error, Result};

/// A running server, stopped and removed when dropped.
#[derive(Debug)]
pub(super) struct Server {
    url: String,
    _guard: Guard,
}

impl Server {
    /// Where tests find it, with the password.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// A server's port may be taken between our looking and its binding.
const ATTEMPTS: u32 = 3;

const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// At most a minute: a cold disk and two busy cores make `initdb` slow.
const LOOKS: u32 = 1200;

/// Starts a server on a free port and waits until `ready` says that it answers.
pub(super) fn start(
    name: &str,
    launch: impl Fn(u16, &str) -> Result<Guard>,
    ready: impl Fn(u16, &str) -> bool,
    url: impl Fn(u16, &str) -> String,
) -> Result<Server> {
    let mut last_words = String::new();
    for _ in 0..ATTEMPTS {
        let port = free_port().map_err(Error::because("no free port on loopback"))?;
        // Others on this machine reach loopback too.
        let password = secret();
        let mut guard = launch(port, &password)?;
        match wait(name, &mut guard, || ready(port, &password))? {
            None => {
                eprintln!("-- {name} runs on port {port}");
                return Ok(Server {
                    url: url(port, &password),
                    _guard: guard,
                });
            }
            Some(words) => last_words = words,
        }
    }
    Err(Error::new(format!("{name} does not start: {last_words}")))
}

/// Until it is ready (nothing), or has ended (its last words).
fn wait(name: &str, guard: &mut Guard, ready: impl Fn() -> bool) -> Result<Option<String>> {
    for _ in 0..LOOKS {
        if let Some(words) = guard.last_words()? {
            return Ok(Some(words));
        }
        if ready() {
            return Ok(None);
        }
        pause();
    }
    Err(Error::new(format!("{name} runs but does not answer")))
}

#[expect(
    clippy::disallowed_methods,
    reason = "no runtime here that it could block"
)]
fn pause() {
    std::thread::sleep(BETWEEN_LOOKS);
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// 128 bits that nobody guesses: each of std's hashers starts from the system's randomness.
pub(super) fn secret() -> String {
    let half = || RandomState::new().hash_one(());
    format!("{:016x}{:016x}", half(), half())
}
