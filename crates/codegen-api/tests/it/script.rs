//! A transport that answers from a script and keeps what it was asked: the clock can be paused
//! with it, which it cannot be over a socket.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use codegen_api::{client::Client, config::ClientConfig};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full};
use tower::Service;

#[derive(Clone)]
pub(crate) struct Script(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    last: Option<Answer>,
    seen: Vec<Seen>,
}

#[derive(Clone)]
pub(crate) enum Answer {
    Response(u16, &'static [(&'static str, &'static str)], String),
    Broken,
    Never,
}

#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn status(status: u16) -> Answer {
    Answer::Response(status, &[], format!(r#"{{"message":"status {status}"}}"#))
}

pub(crate) fn ok(body: impl Into<String>) -> Answer {
    Answer::Response(200, &[], body.into())
}

impl Script {
    /// Answers in this order; the last one again and again.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        Self(Arc::new(Mutex::new(State {
            answers: answers.into_iter().collect(),
            ..State::default()
        })))
    }

    pub(crate) fn client(&self) -> Client {
        self.client_with(|config| config)
    }

    pub(crate) fn client_with(&self, change: impl FnOnce(ClientConfig) -> ClientConfig) -> Client {
        let config = ClientConfig::new("sesame")
            .unwrap()
            .base_url("http://api.test/v1")
            .unwrap();
        Client::with_transport(change(config), self.clone()).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.0.lock().unwrap().seen.clone()
    }

    pub(crate) fn sent(&self) -> usize {
        self.0.lock().unwrap().seen.len()
    }

    fn next(&self) -> Answer {
        let mut state = self.0.lock().unwrap();
        if let Some(answer) = state.answers.pop_front() {
            state.last = Some(answer);
        }
        state
            .last
            .clone()
            .expect("a script has at least one answer")
    }
}

impl Service<Request<Full<Bytes>>> for Script {
    type Response = Response<Full<Bytes>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let script = self.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            script.0.lock().unwrap().seen.push(Seen {
                method: parts.method.to_string(),
                target: parts.uri.path_and_query().unwrap().to_string(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).unwrap(),
            });
            match script.next() {
                Answer::Never => std::future::pending().await,
                Answer::Broken => Err(std::io::ErrorKind::ConnectionReset.into()),
                Answer::Response(status, headers, body) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(*name, *value);
                    }
                    Ok(response.body(Full::from(body)).unwrap())
                }
            }
        })
    }
}
