//! A caching reverse proxy. `--help` says what there is.

mod arguments;
mod connection;
mod origin;

use std::{convert::Infallible, io, time::Duration};

use arguments::Arguments;
use bytes::Bytes;
use clap::Parser;
use http::{HeaderName, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use origin::Origin;
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, Service, ServiceExt};
use tower_ttl_cache::{
    HttpCacheLayer, SetCookie, TokioSpawn,
    store::{MemoryStore, RedisStore, Store},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a response may answer for an origin that fails.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let listener = TcpListener::bind(arguments.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let origin = Origin::new(arguments.origin.clone());
    match &arguments.redis {
        Some(url) => {
            let store = RedisStore::new(redis::Client::open(url.as_str())?, "cache-proxy");
            run(listener, cache(store, &arguments), origin).await?;
        }
        None => {
            let store = MemoryStore::new()
                .max_entries(1_000_000)
                .max_bytes(arguments.max_bytes);
            run(listener, cache(store, &arguments), origin).await?;
        }
    }
    Ok(())
}

fn cache<St>(store: St, arguments: &Arguments) -> HttpCacheLayer<St, TokioSpawn> {
    HttpCacheLayer::shared(store)
        // Of a shared cache without credentials in its keys: what several proxies have in common
        // are digests of selecting headers, which are no secrets to those who share a server.
        .secret(b"cache-proxy")
        .max_object_bytes(arguments.max_object_bytes)
        .heuristic(DAY)
        .stale_if_error(PATIENCE)
        .targeted_fields([HeaderName::from_static("cdn-cache-control")])
        .set_cookie(SetCookie::Store)
        .vary_normalize(as_a_list)
        .cache_status("cache-proxy")
        .spawn(TokioSpawn)
}

async fn run<St>(
    listener: TcpListener,
    cache: HttpCacheLayer<St, TokioSpawn>,
    origin: Origin,
) -> io::Result<()>
where
    St: Store<Get: Send, Done: Send> + Send + Sync + 'static,
{
    let handle = cache.handle();
    tokio::select! {
        never = serve(listener, cache, origin) => match never {},
        stop = tokio::signal::ctrl_c() => stop?,
    }
    println!("{}", handle.stats());
    Ok(())
}

/// Takes every selecting header for a list, as most are: space makes no difference. Languages are
/// a set: an origin that prefers the first of two is answered for by whoever asked first.
fn as_a_list(name: &HeaderName, value: &str) -> Option<String> {
    let mut members: Vec<&str> = value.split(',').map(str::trim).collect();
    if name == http::header::ACCEPT_LANGUAGE {
        members.sort_unstable();
    }
    Some(members.join(","))
}

async fn serve<St>(
    listener: TcpListener,
    cache: HttpCacheLayer<St, TokioSpawn>,
    origin: Origin,
) -> Infallible
where
    St: Store<Get: Send, Done: Send> + Send + Sync + 'static,
{
    let proxy = cache.layer(origin);
    loop {
        // A connection that fails while it is accepted is the end of that connection alone.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let proxy = proxy.clone();
        let service = tower::service_fn(move |request: Request<Incoming>| {
            let answer = proxy.clone().oneshot(request);
            async move {
                Ok::<_, Infallible>(match answer.await {
                    Ok(response) => response.map(BodyExt::boxed_unsync),
                    Err(_) => bad_gateway(),
                })
            }
        });
        tokio::spawn(connection(stream, service));
    }
}

async fn connection<S, B>(stream: TcpStream, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    B: http_body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + 'static,
{
    // Both are about one peer, and there is nobody to tell.
    let _ = stream.set_nodelay(true);
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .await;
}

fn bad_gateway() -> Response<UnsyncBoxBody<Bytes, hyper::Error>> {
    let body = Full::new(Bytes::from_static(b"the origin did not answer\n"));
    let body = body.map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
