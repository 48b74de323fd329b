use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    guard::{Guard, Guarded},
    install,
    server::{self, Server},
};
use crate::{error::Result, process};

/// Who runs the server when we are root, which it refuses to be run by. The package makes him.
const UNPRIVILEGED: &str = "postgres";

/// Where packages put the server, which is mostly not in `PATH`: (folder, start of the names in
/// it that hold `bin`).
const PLACES: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
];

/// Not durable, since nothing outlives the run, but otherwise as in production.
const SERVE: &str = "\
\"$1\" --pgdata=data --username=postgres --pwfile=password --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync || exit
exec \"$2\" -D data -p \"$3\" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off";

/// The folder with the server's programs, after having installed them if need be.
pub(super) fn programs() -> Result<PathBuf> {
    install::find_or_install(&install::POSTGRES, find)
}

/// Starts one with an empty database.
pub(super) fn start(programs: &Path) -> Result<Server> {
    server::start(
        "PostgreSQL",
        |port, password| launch(programs, port, password),
        |port, password| answers(programs, port, password),
        |port, password| format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"),
    )
}

fn launch(programs: &Path, port: u16, password: &str) -> Result<Guard> {
    let mut command = Command::new("/bin/sh");
    let mut owner = None;
    if install::is_root() {
        owner = Some(UNPRIVILEGED);
        command = Command::new("setpriv");
        command.args([
            &format!("--reuid={UNPRIVILEGED}"),
            &format!("--regid={UNPRIVILEGED}"),
            "--init-groups",
            "--",
            "/bin/sh",
        ]);
    }
    command
        .args(["-c", SERVE, "serve"])
        .args([programs.join("initdb"), programs.join("postgres")])
        .arg(port.to_string());
    Guard::start(&Guarded {
        name: "postgres",
        owner,
        // Shut down without waiting for clients to go.
        signal: "INT",
        command,
        password,
    })
}

fn answers(programs: &Path, port: u16, password: &str) -> bool {
    let port = port.to_string();
    let mut psql = Command::new(programs.join("psql"));
    psql.env("PGPASSWORD", password)
        .env("PGCONNECT_TIMEOUT", "5")
        .args([
            "--no-psqlrc",
            "--no-password",
            "--tuples-only",
            "--no-align",
        ])
        .args(["--host=127.0.0.1", "--username=postgres", "--port", &port])
        .args(["--command=select 1", "postgres"])
        .stdin(Stdio::null());
    process::output(&mut psql).is_ok_and(|answer| answer.trim() == "1")
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(
            PLACES
                .iter()
                .flat_map(|(folder, start)| newest_first(folder, start)),
        )
        // A link in `PATH` may stand apart from the other programs.
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_owned))
        .find(|folder| {
            ["postgres", "psql"]
                .iter()
                .all(|name| folder.join(name).is_file())
        })
}

/// The `bin` folders of the versions installed side by side.
fn newest_first(folder: &str, start: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(start))
        .map(|entry| {
            (
                version(&entry.file_name().to_string_lossy()),
                entry.path().join("bin"),
            )
        })
        .collect();
    found.sort_by(|one, other| other.cmp(one));
    found.into_iter().map(|(_, path)| path).collect()
}

/// The number at the end of `15`, `pgsql-16` or `postgresql@17`.
fn version(name: &str) -> u32 {
    let number = name.rsplit(|letter: char| !letter.is_ascii_digit()).next();
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_several_versions_comes_first() {
        let installed = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql", "redis"] {
            fs::create_dir(installed.path().join(name)).unwrap();
        }
        let found = newest_first(installed.path().to_str().unwrap(), "postgresql");
        let expected = ["postgresql@17", "postgresql@9", "postgresql"];
        assert_eq!(
            found,
            expected.map(|name| installed.path().join(name).join("bin"))
        );
    }
}
