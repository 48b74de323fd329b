use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use super::{
    guard::{Guard, Guarded},
    install,
    server::{self, Server},
};
use crate::{error::Result, process};

/// The password goes by way of a file, since arguments are there for everybody to read.
const SERVE: &str = "\
echo requirepass \"$(cat password)\" >redis.conf
exec \"$1\" redis.conf --bind 127.0.0.1 --port \"$2\" --save '' --appendonly no";

/// The `redis-server` that is installed, after having installed one if need be.
pub(super) fn program() -> Result<PathBuf> {
    install::find_or_install(&install::REDIS, || process::find("redis-server"))
}

/// Starts one that forgets everything when it ends.
pub(super) fn start(program: &Path) -> Result<Server> {
    server::start(
        "Redis",
        |port, password| launch(program, port, password),
        answers,
        |port, password| format!("redis://:{password}@127.0.0.1:{port}/0"),
    )
}

fn launch(program: &Path, port: u16, password: &str) -> Result<Guard> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", SERVE, "serve"])
        .arg(program)
        .arg(port.to_string());
    Guard::start(&Guarded {
        name: "redis",
        owner: None,
        signal: "TERM",
        command,
        password,
    })
}

fn answers(port: u16, password: &str) -> bool {
    ping(port, password).is_ok_and(|answer| answer == *b"+OK\r\n+PONG\r\n")
}

fn ping(port: u16, password: &str) -> std::io::Result<[u8; 12]> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    write!(stream, "AUTH {password}\r\nPING\r\n")?;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
