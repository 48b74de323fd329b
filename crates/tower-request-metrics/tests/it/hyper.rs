//! Under hyper alone, which polls bodies no further than it needs to.

use std::future::pending;

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tower::{Layer, service_fn};
use tower_request_metrics::RequestMetricsLayer;

use crate::{
    recorder::Memory,
    scripted::{Act, Script, response},
};

/// Serves one connection until it is over.
async fn serve<F>(io: DuplexStream, memory: Memory, answer: fn() -> F)
where
    F: Future<Output = Result<Response<Script>, &'static str>>,
{
    let layer = RequestMetricsLayer::server().recorder(memory.recorder());
    let service = layer.layer(service_fn(move |_: Request<Incoming>| answer()));
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(service))
        .await;
}

/// Sends `head`, reads the whole answer, and tells what was recorded.
async fn exchange<F>(method: &str, answer: fn() -> F) -> Vec<String>
where
    F: Future<Output = Result<Response<Script>, &'static str>>,
{
    let memory = Memory::default();
    let (mut client, io) = duplex(1024);
    let head = format!("{method} / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let client = async move {
        client.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
    };
    tokio::join!(client, serve(io, memory.clone(), answer));
    assert_eq!(memory.in_flight(), 0.0);
    memory.counts()
}

#[tokio::test]
async fn a_body_of_known_length_is_complete_without_its_end_being_polled() {
    let counts = exchange("GET", || async {
        let body = Script::new([Act::Data("a"), Act::Data("b"), Act::Panic]);
        Ok(response(200, body.of_length(2)))
    });
    assert_eq!(
        counts.await,
        ["http.server.request.duration{http.request.method=GET,http.response.status_code=200} 1"]
    );
}

#[tokio::test]
async fn the_body_of_a_head_request_is_never_polled() {
    let counts = exchange("HEAD", || async {
        Ok(response(200, Script::new([Act::Panic]).of_length(2)))
    });
    assert_eq!(
        counts.await,
        ["http.server.request.duration{http.request.method=HEAD,http.response.status_code=200} 1"]
    );
}

#[tokio::test]
async fn a_caller_who_hangs_up_has_cancelled() {
    let memory = Memory::default();
    let (mut client, io) = duplex(1024);
    let hang_up = async {
        client
            .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            .await
            .unwrap();
        while memory.in_flight() == 0.0 {
            tokio::task::yield_now().await;
        }
        drop(client);
    };
    tokio::join!(hang_up, serve(io, memory.clone(), pending));
    assert_eq!(
        memory.counts(),
        ["http.server.request.duration{error.type=cancelled,http.request.method=GET} 1"]
    );
    assert_eq!(memory.in_flight(), 0.0);
}
