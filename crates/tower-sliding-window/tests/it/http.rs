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
        .respond(TooManyRequests::new())
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
        .respond(TooManyRequests::new())
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

fn field<'a, B>(response: &'a Response<B>, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn the_fields_of_the_draft_say_what_remains_and_when_there_is_more() {
    let mut service = RateLimitLayer::new(by_host, quota(2, Duration::from_millis(1500)))
        .respond(TooManyRequests::new().on_every_response().legacy_fields())
        .layer(service_fn(echo));
    let mut call = async || {
        let service = service.ready().await.unwrap();
        service.call(request("http://a/")).await.unwrap()
    };
    for remaining in ["1", "0"] {
        let passed = call().await;
        assert_eq!(passed.status(), StatusCode::OK);
        assert_eq!(
            field(&passed, "ratelimit-policy"),
            Some(r#""2-in-1500ms";q=2;w=2"#)
        );
        let state = format!(r#""2-in-1500ms";r={remaining}"#);
        assert_eq!(field(&passed, "ratelimit"), Some(&*state));
        assert_eq!(field(&passed, "x-ratelimit-limit"), Some("2"));
        assert_eq!(field(&passed, "x-ratelimit-remaining"), Some(remaining));
        assert_eq!(field(&passed, "x-ratelimit-reset"), None);
        assert_eq!(field(&passed, "retry-after"), None);
    }
    let refused = call().await;
    assert_eq!(
        field(&refused, "ratelimit-policy"),
        Some(r#""2-in-1500ms";q=2;w=2"#)
    );
    assert_eq!(
        field(&refused, "ratelimit"),
        Some(r#""2-in-1500ms";r=0;t=2"#)
    );
    assert_eq!(field(&refused, "retry-after"), Some("2"));
    assert_eq!(field(&refused, "x-ratelimit-reset"), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn the_fields_stay_off_what_passed_unless_asked_for_and_off_last_redirects() {
    let moved = service_fn(|_: Request<Vec<u8>>| async {
        let mut response = Response::new(Vec::<u8>::new());
        *response.status_mut() = StatusCode::FOUND;
        Ok::<_, Infallible>(response)
    });
    let layer = RateLimitLayer::new(by_host, quota(2, Duration::from_secs(1)));
    let mut quiet = layer.clone().respond(TooManyRequests::new()).layer(moved);
    let passed = quiet
        .ready()
        .await
        .unwrap()
        .call(request("http://a/"))
        .await
        .unwrap();
    assert_eq!(field(&passed, "ratelimit"), None);

    let every = TooManyRequests::new().on_every_response();
    let mut telling = layer.respond(every).layer(moved);
    for described in [true, false] {
        let passed = telling
            .ready()
            .await
            .unwrap()
            .call(request("http://b/"))
            .await
            .unwrap();
        assert_eq!(field(&passed, "ratelimit").is_some(), described);
    }
}

#[tokio::test(start_paused = true)]
async fn problem_details_name_the_policy() {
    let mut service = RateLimitLayer::new(by_host, quota(1, Duration::from_secs(30)))
        .cost(|request: &Request<Vec<u8>>| u32::try_from(request.body().len()).unwrap() / 2)
        .respond(TooManyRequests::new().problem_details())
        .layer(service_fn(echo));
    let mut call = async |uri: &str, body: &str| {
        let request = Request::builder().uri(uri).body(body.into()).unwrap();
        let service = service.ready().await.unwrap();
        let response = service.call(request).await.unwrap();
        let kind = field(&response, "content-type").map(str::to_owned);
        let status = response.status().as_u16();
        (
            status,
            kind,
            String::from_utf8(response.into_body()).unwrap(),
        )
    };
    let json = Some("application/problem+json".to_owned());
    assert_eq!(call("http://a/", "hi").await, (200, None, "hi".to_owned()));
    let (status, kind, body) = call("http://a/", "hi").await;
    assert_eq!((status, &kind), (429, &json));
    assert_eq!(
        body,
        concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","#,
            r#""title":"Too many requests","status":429,"#,
            r#""detail":"rate limit of 1 in 30s reached, next in 30s","#,
            r#""violated-policies":["1-in-30s"]}"#
        )
    );
    let (status, kind, body) = call("http://a/", "four").await;
    assert_eq!((status, &kind), (400, &json));
    assert!(body.contains("a cost of 2 is above the rate limit of 1 in 30s"));
    let (status, kind, _) = call("/", "").await;
    assert_eq!((status, &kind), (400, &json));
}
