use std::{convert::Infallible, future::Future, net::SocketAddr, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;

use crate::body::Body;

/// Answers requests for ever; `answer` also gets the client's address.
pub(crate) async fn serve<F, Answer>(listener: TcpListener, answer: F) -> Infallible
where
    F: Fn(Request<Incoming>, SocketAddr) -> Answer + Clone + Send + 'static,
    Answer: Future<Output = Response<Body>> + Send,
{
    loop {
        // A connection that fails while it is accepted is the end of that connection alone.
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            // Both are about one client, and there is nobody to tell.
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| {
                let answer = answer(request, client);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}
