//! The one line on standard output, and what a second start makes of the first one's file.

use std::{collections::BTreeSet, fs};

use codegen_api::{client::ErrorKind, model::RunStatus};
use tempfile::tempdir;
use tokio::net::TcpStream;

use crate::process::{Launch, end_of_run, exchange, fixture, log_of};

#[tokio::test]
async fn the_demo_prints_one_line_of_json_once_it_accepts_connections() {
    let server = Launch::demo().start().await;

    let announcement = server.announcement.as_object().unwrap();
    let fields: BTreeSet<_> = announcement.keys().map(String::as_str).collect();
    let promised = [
        "base_url",
        "token",
        "org_id",
        "second_token",
        "second_org_id",
    ];
    assert_eq!(fields, BTreeSet::from(promised));
    TcpStream::connect(server.address()).await.unwrap();
    for (token, organization) in [
        ("token", server.organization()),
        ("second_token", server.second_organization()),
    ] {
        let client = server.client_of(server.text(token));
        let page = client.organizations().send().await.unwrap();
        let ids: Vec<_> = page.items.iter().map(|org| org.id).collect();
        assert_eq!(ids, [organization]);
    }

    // `stop` looks for anything else on standard output.
    let ended = server.stop().await;
    assert!(ended.stderr.contains("listening"), "{}", ended.stderr);
}

#[tokio::test]
async fn without_the_demo_the_line_has_the_address_alone() {
    let place = tempdir().unwrap();
    let launch = Launch::bare()
        .args(["--listen", "127.0.0.1:0"])
        .database(&place.path().join("runs.db"));
    let server = launch.start().await;
    assert_eq!(server.announcement.as_object().unwrap().len(), 1);
    let head = "GET /v1/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(server.address(), head).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_neither_in_the_log_nor_in_the_database() {
    let place = tempdir().unwrap();
    let tree = fixture();
    let server = Launch::demo()
        .database(&place.path().join("runs.db"))
        .repository(&tree)
        // As talkative as it gets.
        .args(["--log", "trace"])
        .start()
        .await;
    let tokens = [server.text("token"), server.text("second_token")].map(str::to_owned);
    let organization = server.organization();
    for token in &tokens {
        let client = server.client_of(token);
        let run = client.create_run(organization, "half_open").send().await;
        match run {
            Ok(run) => drop(end_of_run(&client, organization, run.id).await),
            Err(error) => assert_eq!(*error.kind(), ErrorKind::Permission),
        }
        client.current_user().send().await.unwrap();
    }
    let made_up = "cg_0123456789abcdef";
    let refused = server.client_of(made_up).current_user().send().await;
    assert_eq!(*refused.unwrap_err().kind(), ErrorKind::Authentication);

    // While it serves: the write-ahead log is a file too.
    let mut written = Vec::new();
    for entry in fs::read_dir(place.path()).unwrap() {
        written.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    let logs = server.stop().await.stderr;
    assert!(logs.contains("TRACE") && logs.contains("run claimed"));
    let holds = |bytes: &[u8], text: &str| {
        let mut windows = bytes.windows(text.len());
        windows.any(|window| window == text.as_bytes())
    };
    assert!(holds(&written, "half_open"));
    for token in tokens.iter().map(String::as_str).chain([made_up]) {
        let secret = token.strip_prefix("cg_").unwrap();
        assert!(!logs.contains(secret), "a token is in the log");
        assert!(!holds(&written, secret), "a token is in the database");
    }
}

#[tokio::test]
async fn a_second_start_on_the_same_file_finds_everything_where_it_was() {
    let place = tempdir().unwrap();
    let file = place.path().join("runs.db");
    let tree = fixture();
    let launch = Launch::demo().database(&file).repository(&tree);

    let first = launch.start().await;
    let (organization, token) = (first.organization(), first.text("token").to_owned());
    let client = first.client();
    let created = client.create_run(organization, "Where is half_open?");
    let id = created.send().await.unwrap().id;
    let run = end_of_run(&client, organization, id).await;
    let log = log_of(&client, organization, id).await;
    let users = client.users(organization).send().await.unwrap();
    let repositories = client.repositories(organization).send().await.unwrap();
    first.stop().await;
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "a stopped server leaves one file: {left:?}");

    let second = launch.start().await;
    assert_eq!(second.organization(), organization);
    assert_ne!(second.text("token"), token);
    for token in [&*token, second.text("token")] {
        let client = second.client_of(token);
        let organizations = client.organizations().send().await.unwrap();
        assert_eq!(organizations.items.len(), 1);
        let page = client.users(organization).send().await.unwrap();
        assert_eq!(page.items, users.items);
        let page = client.repositories(organization).send().await.unwrap();
        assert_eq!(page.items, repositories.items);
        let mut again = client.run(organization, id).send().await.unwrap();
        assert_eq!(again.status, Some(RunStatus::Complete));
        // The port is another one.
        again.web_url.clone_from(&run.web_url);
        assert_eq!(again, run);
        assert_eq!(log_of(&client, organization, id).await, log);
    }
    second.stop().await;
}
