use std::{convert::Infallible, fmt::Write};

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use tokio::net::TcpListener;

use crate::{
    backend::{Backend, Backends, HttpClient, Origin},
    body::{Body, answer},
    connection,
};

pub(crate) async fn serve(
    listener: TcpListener,
    backends: Backends,
    client: HttpClient,
) -> Infallible {
    connection::serve(listener, move |request, _| {
        let (backends, client) = (backends.clone(), client.clone());
        async move { route(&request, &backends, &client).await }
    })
    .await
}

async fn route(
    request: &Request<Incoming>,
    backends: &Backends,
    client: &HttpClient,
) -> Response<Body> {
    let uri = request.uri();
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let url = query.into_iter().find(|(name, _)| name == "url");
    let origin = url.map(|(_, url)| url.parse::<Origin>());
    match (request.method(), uri.path(), origin) {
        (&Method::GET, "/backends", None) => answer(StatusCode::OK, list(backends)),
        (_, _, Some(Err(error))) => answer(StatusCode::BAD_REQUEST, error + "\n"),
        (&Method::PUT, "/backends", Some(Ok(origin))) => {
            backends.insert(Backend::endpoint(origin, client));
            answer(StatusCode::OK, list(backends))
        }
        (&Method::DELETE, "/backends", Some(Ok(origin))) => match backends.remove(&origin) {
            true => answer(StatusCode::OK, list(backends)),
            false => unknown(),
        },
        (&Method::POST, "/backends/drain", Some(Ok(origin))) => match backends.drain(&origin) {
            Some(draining) => {
                draining.idle().await;
                answer(StatusCode::OK, list(backends))
            }
            None => unknown(),
        },
        _ => answer(
            StatusCode::NOT_FOUND,
            String::from("see the README for what there is\n"),
        ),
    }
}

fn unknown() -> Response<Body> {
    answer(
        StatusCode::NOT_FOUND,
        String::from("there is no such backend\n"),
    )
}

fn list(backends: &Backends) -> String {
    let mut list = String::new();
    for backend in backends.status() {
        // Writing to a string does not fail.
        let _ = writeln!(
            list,
            "{} {:?} {}",
            backend.key, backend.health, backend.in_flight
        );
    }
    list
}
