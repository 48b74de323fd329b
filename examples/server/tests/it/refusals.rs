//! What cannot be started says why in one line, and leaves nothing behind.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use tempfile::tempdir;

use crate::process::{Ended, Launch, sqlite};

/// Nothing on standard output, one line of the server's own on standard error.
fn assert_refused(ended: &Ended, code: i32, says: &str) {
    assert_eq!(ended.status.code(), Some(code), "{ended:?}");
    assert_eq!(ended.stdout, "", "{ended:?}");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{ended:?}");
    assert!(lines[0].starts_with("server: "), "{ended:?}");
    assert!(ended.stderr.contains(says), "{ended:?} has no {says:?}");
}

async fn assert_no_database(url: &str, says: &str) {
    let launch = Launch::demo().args(["--database", url]);
    assert_refused(&launch.end().await, 1, says);
}

#[tokio::test]
async fn a_taken_port_is_refused_before_the_database_is_touched() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let launch = Launch::bare()
        .args(["--demo", "--listen", &address])
        .database(&file);
    let says = format!("cannot listen on {address}: Address already in use");
    assert_refused(&launch.end().await, 1, &says);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_database_that_is_none_is_refused() {
    let place = tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    fs::write(path("letter.txt"), "Dear reader,\n".repeat(1_000)).unwrap();
    fs::create_dir(path("folder")).unwrap();

    assert_no_database("nonsense", "`nonsense` is not a database URL").await;
    assert_no_database("", "is not a database URL").await;
    assert_no_database("sqlite:", "is not a database URL").await;
    assert_no_database("postgres://localhost/x", "is not a database URL").await;
    assert_no_database("sqlite:x?mode=memory", "is not a database URL").await;
    let missing = sqlite(&path("missing/runs.db"));
    assert_no_database(&missing, "missing does not exist").await;
    // The library's error repeats its cause; the line doesn't.
    let folder = "folder cannot be opened or created: error returned from database: \
                  (code: 14) unable to open database file\n";
    assert_no_database(&sqlite(&path("folder")), folder).await;
    let letter = sqlite(&path("letter.txt"));
    assert_no_database(&letter, "letter.txt is not a SQLite database").await;
    assert_no_database("sqlite:/dev/full", "cannot be opened").await;
    // What was there is as it was.
    assert!(fs::read(path("letter.txt")).unwrap().starts_with(b"Dear"));
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

/// For the superuser no directory is read-only; for them it is one of the kernel's.
#[tokio::test]
async fn a_database_that_cannot_be_written_is_refused() {
    let place = tempdir().unwrap();
    let directory = place.path().join("fixed");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    let writable = fs::write(directory.join("probe"), "").is_ok();
    let directory = match writable {
        true => Path::new("/proc/self"),
        false => &directory,
    };
    let says = "runs.db cannot be opened or created";
    assert_no_database(&sqlite(&directory.join("runs.db")), says).await;
}

#[tokio::test]
async fn wrong_arguments_are_refused() {
    for (line, says) in [
        (&["--frobnicate"][..], "unexpected argument '--frobnicate'"),
        (&["--dem"], "a similar argument exists: '--demo'"),
        (&["stray"], "unexpected argument 'stray'"),
        (&["--listen"], "a value is required for '--listen"),
        (&["--listen", "here"], "invalid value 'here' for '--listen"),
        (&["--drain", "soon"], "expected whole seconds"),
        (&["--lease", "0"], "at least 1 second"),
        (&["--log", "a=b=c"], "invalid value 'a=b=c' for '--log"),
        (&["--demo", "--demo"], "cannot be used multiple times"),
        (
            &["--repository", "x=/no/such/tree"],
            "/no/such/tree: No such file",
        ),
        (
            &["--repository", "x=/dev/null"],
            "/dev/null: not a directory",
        ),
        (&["--repository", "x"], "expected [ORGANIZATION/]NAME=PATH"),
        (&["--repository", "x=/"], "without --demo"),
    ] {
        assert_refused(&Launch::bare().args(line).end().await, 2, says);
    }
}

#[tokio::test]
async fn a_secret_that_is_no_text_is_refused_without_being_shown() {
    use std::os::unix::ffi::OsStringExt;
    let secret = std::ffi::OsString::from_vec(b"s3cret\xff".to_vec());
    let launch = Launch::demo().env("GITHUB_WEBHOOK_SECRET", secret);
    let ended = launch.end().await;
    assert_refused(&ended, 1, "GITHUB_WEBHOOK_SECRET: expected a secret");
    assert!(!ended.stderr.contains("s3cret"));
}

/// Panicked, with a backtrace on standard error.
#[tokio::test]
async fn standard_output_that_takes_nothing_is_refused() {
    let script = r#"exec "$0" "$@" >/dev/full"#;
    let launch = Launch::demo()
        .args(["--log", "off"])
        .through("sh", &["-c", script]);
    assert_refused(&launch.end().await, 1, "cannot write to standard output");
}

#[tokio::test]
async fn the_help_names_every_argument_and_the_environment() {
    let ended = Launch::bare().args(["--help"]).end().await;
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(ended.stderr, "");
    for part in [
        "--listen",
        "--database",
        "--demo",
        "--repository",
        "--command",
        "--public-url",
        "--complete-word",
        "--refuse-empty-prompts",
        "--no-rate-limits",
        "--drain",
        "--lease",
        "--log",
        "--version",
        "GITHUB_WEBHOOK_SECRET",
        "Exit status",
    ] {
        assert!(ended.stdout.contains(part), "no {part} in the help");
    }
}
