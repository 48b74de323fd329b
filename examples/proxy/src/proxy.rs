use std::{convert::Infallible, net::SocketAddr};

use http::{HeaderValue, Method, Request, Response, StatusCode, header::RETRY_AFTER};
use http_body_util::BodyExt;
use hyper::{body::Incoming, upgrade};
use hyper_util::client::legacy;
use tokio::net::TcpListener;
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Error, HttpStatus, Idempotent, LeastPending};

use crate::{
    backend::Backends,
    body::{self, Body},
    connection,
    forwarded::{remove_hop_by_hop, set_forwarded, set_upgrade},
    tunnel::{self, AtTheEnd, Tunnel},
};

pub(crate) async fn serve(listener: TcpListener, backends: Backends) -> Infallible {
    let service = Balance::new(backends, LeastPending::new())
        .classify(HttpStatus)
        .release(AtTheEnd)
        .failover(Idempotent::new(body::copy));
    connection::serve(listener, move |request, client| {
        forward(service.clone(), request, client)
    })
    .await
}

async fn forward<S>(
    mut service: S,
    mut request: Request<Incoming>,
    client: SocketAddr,
) -> Response<Body>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Error<legacy::Error>>,
{
    if request.method() == Method::CONNECT {
        return body::answer(
            StatusCode::NOT_IMPLEMENTED,
            String::from("no CONNECT here\n"),
        );
    }
    let from_client = upgrade::on(&mut request);
    let protocol = remove_hop_by_hop(request.headers_mut());
    if let Some(protocol) = protocol {
        set_upgrade(request.headers_mut(), protocol);
    }
    set_forwarded(request.headers_mut(), client);
    *request.version_mut() = http::Version::HTTP_11;

    let answer = match service.ready().await {
        Ok(ready) => ready.call(request.map(BodyExt::boxed_unsync)).await,
        Err(error) => Err(error),
    };
    let mut response = match answer {
        Ok(response) => response,
        Err(error) => return refusal(&error),
    };
    let protocol = remove_hop_by_hop(response.headers_mut());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let from_backend = upgrade::on(&mut response);
        let tunnel = response.extensions_mut().remove::<Tunnel>();
        tokio::spawn(tunnel::run(from_client, from_backend, tunnel));
        if let Some(protocol) = protocol {
            set_upgrade(response.headers_mut(), protocol);
        }
    }
    response
}

fn refusal(error: &Error<legacy::Error>) -> Response<Body> {
    match error {
        Error::Inner(_) => body::answer(
            StatusCode::BAD_GATEWAY,
            String::from("the backend did not answer\n"),
        ),
        _ => {
            let text = String::from("no backend can take this request now\n");
            let mut response = body::answer(StatusCode::SERVICE_UNAVAILABLE, text);
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}
