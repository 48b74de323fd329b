use std::{convert::Infallible, time::Duration};

use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{RateLimitLayer, TooManyRequests};

use crate::oracle::quota;

async fn echo(request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Infallible> {
    Ok(Response::new(request.into_body()))
}

fn by_host(request: &Request<Vec<u8>>) -> Option<String> {
    request.uri().host().map(str::to_owned)
}

fn request(uri: &str) -> Request<Vec<u8>> {
    Request::builder().uri(uri).body(b"hi".to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_429_with_a_retry_after_that_is_true() {
    let mut service = RateLimitLayer::new(by_host, quota(1, Duration::from_millis(2300)))
        .respond(TooManyRequests)
        .layer(service_fn(echo));
    for (waited, retry_after) in [(0, "3"), (1300, "1"), (999, "1")] {
        if waited == 0 {
            let response = service
                .ready()
                .await
                .unwrap()
                .call(request("http://a/"))
                .await
                .unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        }
        advance(Duration::from_millis(waited)).await;
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request("http://a/"))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[RETRY_AFTER], retry_after);
        assert!(response.body().is_empty());
    }
    advance(Duration::from_secs(1)).await;
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request("http://a/"))
        .await
        .unwrap();
    assert_eq!(response.body(), b"hi");
}

#[tokio::test(start_paused = true)]
async fn a_request_without_key_is_a_bad_request_and_not_to_be_retried() {
    let mut service = RateLimitLayer::new(by_host, quota(1, Duration::from_secs(1)))
        .respond(TooManyRequests)
        .layer(service_fn(echo));
    let response = service
        .ready()
        .await
        .unwrap()
        .call(request("/"))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!response.headers().contains_key(RETRY_AFTER));
}
