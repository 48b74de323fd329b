//! The layer on a hyper server without a framework, as seen from the wire.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, service_fn};
use tower_webhook_hmac::{Scheme, VerifiedBody};

use crate::script::{layer, secret};

/// What a server says until it closes the connection, which the client never does.
async fn talk(request: &str) -> String {
    let (mut client, server) = tokio::io::duplex(64 * 1024);
    let inner = service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("taken")))
    });
    let service = TowerToHyperService::new(layer().max_body(8).layer(inner));
    let serve = http1::Builder::new().serve_connection(TokioIo::new(server), service);
    let converse = async {
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    };
    tokio::join!(serve, converse).1
}

fn signature(content: &str) -> String {
    let headers = Scheme::github().sign(&secret(), content).unwrap();
    headers["x-hub-signature-256"].to_str().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_signed_body_in_chunks_is_taken() {
    let answer = talk(&format!(
        "POST / HTTP/1.1\r\nhost: here\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\
         x-hub-signature-256: {}\r\n\r\n1\r\n{{\r\n1\r\n}}\r\n0\r\n\r\n",
        signature("{}"),
    ))
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ntaken"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_whether_to_send_an_unsigned_body_is_not_told_to() {
    let answer =
        talk("POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 8\r\nexpect: 100-continue\r\n\r\n")
            .await;
    assert!(answer.starts_with("HTTP/1.1 401 Unauthorized"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_whether_to_send_too_much_is_not_told_to() {
    let answer = talk(&format!(
        "POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\
         x-hub-signature-256: {}\r\n\r\n",
        signature("{}"),
    ))
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 413 Payload Too Large"),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_answered_and_its_connection_closed() {
    let answer = talk(&format!(
        "POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 2\r\nx-hub-signature-256: {}\r\n\r\n{{",
        signature("{}"),
    ))
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout"),
        "{answer}"
    );
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn broken_chunks_are_a_bad_request() {
    let answer = talk(&format!(
        "POST / HTTP/1.1\r\nhost: here\r\ntransfer-encoding: chunked\r\n\
         x-hub-signature-256: {}\r\n\r\n1\r\n{{\r\nnot a size\r\n",
        signature("{}"),
    ))
    .await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
}
