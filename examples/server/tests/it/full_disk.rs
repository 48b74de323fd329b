//! No space left, in two ways: a limit on the size of files, which needs no privilege, and a real
//! file system of two megabytes where one may be mounted.
#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use codegen_api::client::Client;
use http::StatusCode;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use tempfile::tempdir;

use crate::process::{Gate, Launch, Server, assert_answered_once, fixture, start_command, until};

#[tokio::test]
async fn a_file_that_may_not_grow_is_answered_503_until_it_may() {
    let place = tempdir().unwrap();
    // Soft, so that it can be lifted. The signal that comes with it would end the process.
    let script = r#"trap '' XFSZ; ulimit -S -f 1200; exec "$0" "$@""#;
    let launch = Launch::demo().through("sh", &["-c", script]);
    let lift = |server: &Server| {
        let limit = Rlimit {
            current: None,
            maximum: getrlimit(Resource::Fsize).maximum,
        };
        prlimit(Some(server.pid()), Resource::Fsize, limit).unwrap();
    };
    drive(launch, &place.path().join("runs.db"), |_| (), lift).await;
}

#[tokio::test]
async fn a_full_file_system_is_answered_503_until_there_is_space() {
    let place = tempdir().unwrap();
    let mount = "mount -t tmpfs -o size=2m none";
    let path = place.path().to_str().unwrap();
    // The mount is the server's own and ends with it.
    let own = ["--map-root-user", "--mount", "sh", "-c"];
    let may = Command::new("unshare")
        .args(own)
        .args([&format!("{mount} \"$0\""), path])
        .stderr(Stdio::null())
        .status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("no file system can be mounted here: this test shows nothing");
        return;
    }
    let script = format!(r#"{mount} {path} && exec "$0" "$@""#);
    let launch = Launch::demo().through("unshare", &[&own[..], &[&script]].concat());
    let ballast = |server: &Server| -> PathBuf {
        let inside = place.path().strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", server.id()))
            .join(inside)
            .join("ballast")
    };
    let fill = |server: &Server| {
        let mut file = File::create_new(ballast(server)).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    };
    let empty = |server: &Server| fs::remove_file(ballast(server)).unwrap();
    drive(launch, &place.path().join("runs.db"), fill, empty).await;
}

/// Creates runs until there is no space, ends one that is at work then, makes space, and looks
/// whether everything that was answered for is there.
async fn drive(
    launch: Launch,
    file: &Path,
    fill: impl FnOnce(&Server),
    make_space: impl FnOnce(&Server),
) {
    let tree = fixture();
    let gate = Gate::closed();
    let server = launch
        .database(file)
        .repository(&tree)
        .args(["--command", &gate.command()])
        .args(["--no-rate-limits"])
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let mut created = vec![start_command(&client, organization).await];
    gate.wait_for_start(1).await;

    fill(&server);
    let full = create_until_refused(&client, organization, &mut created).await;
    assert_eq!(
        full.status(),
        Some(StatusCode::SERVICE_UNAVAILABLE),
        "{full}"
    );
    assert_eq!(full.retry_after(), Some(Duration::from_secs(1)));
    // Reading goes on; and it is full for the end of a run as well.
    let page = client.organizations().send().await.unwrap();
    assert_eq!(page.items.len(), 1);
    gate.open();
    until("an end that cannot be stored", async || {
        server.logs.to_string().contains("cannot ").then_some(())
    })
    .await;

    make_space(&server);
    // The pause of the runner is up to five seconds long.
    let late = client.create_run(organization, "half_open").send().await;
    created.push(late.unwrap().id);
    for id in &created {
        assert_answered_once(&client, organization, *id).await;
    }
    assert_eq!(gate.started().len(), 1, "the run was executed again");
    let page = client.runs(organization).limit(1).send().await.unwrap();
    let stored = usize::try_from(page.numbers.total).unwrap();
    assert_eq!(stored, created.len(), "a refused run was stored");
    server.stop().await;
}

/// Gives the refusal.
async fn create_until_refused(
    client: &Client,
    organization: i64,
    created: &mut Vec<i64>,
) -> codegen_api::client::Error {
    let prompt = "half_open ".repeat(2_000);
    for _ in 0..500 {
        match client.create_run(organization, &*prompt).send().await {
            Ok(run) => created.push(run.id),
            Err(error) => return error,
        }
    }
    panic!("500 runs fit on a full disk")
}
