//! The program as it is shipped, with backends of plain sockets.

mod backend;
mod program;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use backend::Backend;
use program::{Program, request};

const GET: &str = "GET /a?b=c HTTP/1.1\r\nhost: example.org\r\nconnection: close\r\n";

#[tokio::test]
async fn a_request_says_who_the_client_is_and_nothing_about_the_connection() {
    let backend = Backend::start("one").await;
    let proxy = Program::start(&[&backend]).await;
    let forged =
        "x-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nkeep-alive: 9\r\nte: gzip\r\n";
    let answer = request(proxy.listen, &format!("{GET}{forged}\r\n")).await;
    let answer = answer.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200"), "{answer}");
    for line in [
        "get /a?b=c http/1.1",
        "host: example.org",
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-host: example.org",
        "x-forwarded-proto: http",
        "forwarded: for=127.0.0.1;host=\"example.org\";proto=http",
    ] {
        assert!(answer.contains(&format!("{line}\r\n")), "{line}: {answer}");
    }
    for word in ["6.6.6.6", "keep-alive: 9", "gzip"] {
        assert!(!answer.contains(word), "{word}: {answer}");
    }
}

#[tokio::test]
async fn every_method_goes_through_with_its_body() {
    let backend = Backend::start("one").await;
    let proxy = Program::start(&[&backend]).await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
        let head = format!("{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n");
        let answer = request(
            proxy.listen,
            &format!("{head}content-length: 5\r\n\r\nhello"),
        )
        .await;
        assert!(answer.contains(&format!("{method} / HTTP/1.1")), "{answer}");
        assert!(answer.ends_with("hello"), "{answer}");
    }
    let connect = request(
        proxy.listen,
        "CONNECT a:1 HTTP/1.1\r\nhost: a:1\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(connect.starts_with("HTTP/1.1 501"), "{connect}");
}

#[tokio::test]
async fn an_upgrade_becomes_a_tunnel_that_counts_as_in_flight() {
    let backend = Backend::start("one").await;
    let proxy = Program::start(&[&backend]).await;
    let mut stream = TcpStream::connect(proxy.listen).await.expect("connected");
    let head = "GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: echo\r\n\r\n";
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.expect("a head"));
    }
    let answer = String::from_utf8(answer)
        .expect("text")
        .to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(answer.contains("upgrade: echo\r\n"), "{answer}");
    stream.write_all(b"ping").await.expect("sent");
    let mut echo = [0; 4];
    stream.read_exact(&mut echo).await.expect("an echo");
    assert_eq!(&echo, b"ping");
    let list = proxy.admin("GET", "/backends").await;
    assert!(list.contains("Up 1\n"), "{list}");
    drop(stream);
    // Answers when the tunnel is gone.
    let drained = proxy
        .admin("POST", &format!("/backends/drain?url={}", backend.url()))
        .await;
    assert!(drained.contains("Draining 0\n"), "{drained}");
}

#[tokio::test]
async fn backends_are_added_drained_removed_and_killed_under_load_and_nobody_notices() {
    let first = Backend::start("first").await;
    let second = Backend::start("second").await;
    let third = Backend::start("third").await;
    let proxy = Program::start(&[&first, &second]).await;

    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let listen = proxy.listen;
        callers.spawn(async move {
            for _ in 0..150 {
                let answer = request(listen, &format!("{GET}\r\n")).await;
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            }
        });
    }
    first.served(20).await;
    let list = proxy
        .admin("PUT", &format!("/backends?url={}", third.url()))
        .await;
    assert!(list.contains(&third.url()), "{list}");
    third.served(20).await;
    proxy
        .admin("POST", &format!("/backends/drain?url={}", first.url()))
        .await;
    let list = proxy
        .admin("DELETE", &format!("/backends?url={}", first.url()))
        .await;
    assert!(!list.contains(&first.url()), "{list}");
    second.kill();
    while let Some(caller) = callers.join_next().await {
        caller.expect("no error was seen");
    }
}

#[tokio::test]
async fn without_a_backend_clients_are_told_to_come_back() {
    let proxy = Program::start(&[]).await;
    let answer = request(proxy.listen, &format!("{GET}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let refused = proxy.admin("PUT", "/backends?url=ftp://a").await;
    assert!(refused.contains("http://host:port"), "{refused}");
}
