//! The program between a client and an origin, on real sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::{
    convert::Infallible,
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

struct Proxy {
    process: Child,
    address: String,
    client: Client<HttpConnector, Full<Bytes>>,
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Proxy {
    fn start(origin: SocketAddr) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_cache-proxy"))
            .args(["--listen", "127.0.0.1:0", "--origin"])
            .arg(format!("http://{origin}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line
            .trim()
            .strip_prefix("listening on ")
            .unwrap()
            .to_owned();
        Self {
            process,
            address,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Got {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::default()).unwrap();
        let (parts, body) = self.client.request(request).await.unwrap().into_parts();
        Got {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }

    async fn get(&self, path: &str) -> Got {
        self.send(Method::GET, path, &[]).await
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Counts its calls in the body. `/short` is fresh for no time, everything else for a minute.
async fn origin() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let counted = Arc::clone(&counted);
            let service = service_fn(move |request: Request<Incoming>| {
                let call = counted.fetch_add(1, Ordering::Relaxed);
                async move { Ok::<_, Infallible>(answer(call, &request)) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, calls)
}

fn answer(call: u64, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    assert!(request.headers().contains_key("via"));
    assert!(!request.headers().contains_key("x-hop"));
    let lifetime = match request.uri().path() {
        "/short" => {
            // The proxy asks about what it has.
            assert_eq!(request.headers().contains_key("if-none-match"), call > 0);
            "max-age=0"
        }
        _ => "max-age=60",
    };
    Response::builder()
        .header("cache-control", lifetime)
        .header("etag", "\"a\"")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .body(Full::new(Bytes::from(format!("call {call}"))))
        .unwrap()
}

#[tokio::test]
async fn what_is_fresh_is_answered_without_the_origin() {
    let (origin, calls) = origin().await;
    let proxy = Proxy::start(origin);
    let hop = [("connection", "x-hop"), ("x-hop", "1")];
    let miss = proxy.send(Method::GET, "/a?b", &hop).await;
    assert_eq!(miss.body, "call 0");
    assert!(!miss.headers.contains_key("x-hop"));
    let hit = proxy.get("/a?b").await;
    assert_eq!(
        (hit.status, &hit.body[..]),
        (StatusCode::OK, &b"call 0"[..])
    );
    assert_eq!(hit.headers["cache-status"], "cache-proxy; hit");
    assert!(hit.headers.contains_key("age"));

    let head = proxy.send(Method::HEAD, "/a?b", &[]).await;
    assert_eq!(head.headers["content-length"], "6");
    let part = proxy
        .send(Method::GET, "/a?b", &[("range", "bytes=5-")])
        .await;
    assert_eq!((part.status.as_u16(), &part.body[..]), (206, &b"0"[..]));
    let known = proxy
        .send(Method::GET, "/a?b", &[("if-none-match", "\"a\"")])
        .await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    assert_eq!(calls.load(Ordering::Relaxed), 1);

    let put = proxy.send(Method::PUT, "/a?b", &[]).await;
    assert_eq!(put.body, "call 1");
    assert_eq!(proxy.get("/a?b").await.body, "call 2");
}

#[tokio::test]
async fn what_is_stale_is_validated() {
    let (origin, calls) = origin().await;
    let proxy = Proxy::start(origin);
    for call in 0..2 {
        assert_eq!(proxy.get("/short").await.body, format!("call {call}"));
    }
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn an_origin_that_is_away_is_a_502() {
    let away = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = away.local_addr().unwrap();
    drop(away);
    let proxy = Proxy::start(nobody);
    assert_eq!(proxy.get("/").await.status, StatusCode::BAD_GATEWAY);
}
