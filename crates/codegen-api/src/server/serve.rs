use std::{convert::Infallible, future::Future, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};

use super::lingering::{Lingering, Unread};

/// How long a connection may take to send the head of a request.
const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// Serves `app` on `listener` until `shutdown` ends, then lets requests in flight finish for up to
/// `drain`. Answers whether all of them did; the rest is cut when the program ends.
///
/// HTTP/1.1 with keep-alive. A connection that sends no complete request head within 10 s is
/// closed. A connection that is closed while its caller still sends (a body that was refused) is
/// read for up to 5 s more, so that the refusal arrives. A failure to accept (too many open files, say) is logged and tried again after a
/// moment; it never ends the server.
pub async fn serve<S>(
    listener: TcpListener,
    app: S,
    shutdown: impl Future<Output = ()>,
    drain: Duration,
) -> bool
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "accept");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        // A small answer must not wait for the acknowledgement of the one before it.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "set_nodelay");
        }
        let unread = Unread::default();
        let bodies = unread.clone();
        let app = app.clone().map_request(move |request: Request<Incoming>| {
            request.map(|body| Body::new(bodies.watch(body)))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_DEADLINE)
            .serve_connection(
                TokioIo::new(Lingering::new(stream, unread)),
                TowerToHyperService::new(app),
            );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection");
            }
        });
    }
    drop(listener);
    tokio::time::timeout(drain, graceful.shutdown())
        .await
        .is_ok()
}
