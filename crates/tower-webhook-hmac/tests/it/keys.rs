//! Which secrets a request is checked with.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header::RETRY_AFTER, request::Parts};
use http_body_util::Full;
use tower::{Layer, ServiceExt, service_fn};
use tower_webhook_hmac::{
    KeyError, KeyProvider, Rejection, Scheme, Secret, Secrets, SharedSecrets, Verified,
    VerifiedBody, VerifyWebhookLayer,
};

use crate::script::{Script, data};

fn secret(text: &str) -> Secret {
    Secret::new(text).unwrap()
}

fn signed(by: &str) -> Request<Full<Bytes>> {
    let mut request = Request::post("/hooks/acme").body(Full::from("{}")).unwrap();
    let headers = Scheme::github().sign(&secret(by), "{}").unwrap();
    request.headers_mut().extend(headers);
    request
}

/// The status and the number of the key.
async fn send<K, B>(layer: &VerifyWebhookLayer<K>, request: Request<B>) -> (u16, Option<usize>)
where
    K: KeyProvider + Clone,
    B: http_body::Body<Data = Bytes>,
{
    let inner = service_fn(|request: Request<VerifiedBody>| async move {
        let index = request
            .extensions()
            .get::<Verified>()
            .map(Verified::key_index);
        Ok::<_, Infallible>(Response::new(index))
    });
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    (response.status().as_u16(), response.into_body())
}

#[tokio::test]
async fn secrets_can_be_replaced_while_requests_are_served() {
    let secrets = SharedSecrets::new(secret("one"));
    let layer = VerifyWebhookLayer::with_keys(Scheme::github(), secrets.clone());
    assert_eq!(send(&layer, signed("one")).await, (200, Some(0)));
    assert_eq!(send(&layer, signed("two")).await.0, 401);
    secrets.replace(Secrets::new(secret("two")).previous(secret("one")));
    assert_eq!(send(&layer, signed("one")).await, (200, Some(1)));
    secrets.replace(secret("two"));
    assert_eq!(send(&layer, signed("two")).await, (200, Some(0)));
    assert_eq!(send(&layer, signed("one")).await.0, 401);
}

#[tokio::test]
async fn an_older_secret_ends_when_it_was_told_to() {
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let secrets = Secrets::new(secret("new")).previous_until(secret("old"), at(100));
    for (now, status) in [(99, 200), (100, 200), (101, 401)] {
        let layer = VerifyWebhookLayer::github(secrets.clone()).clock(move || at(now));
        assert_eq!(send(&layer, signed("old")).await.0, status, "at {now}");
        assert_eq!(send(&layer, signed("new")).await.0, 200);
        let verdict = Scheme::github().verify(signed("old").headers(), &secrets, at(now), "{}");
        assert_eq!(verdict.is_ok(), status == 200);
    }
}

#[tokio::test]
async fn the_secrets_of_a_tenant_are_looked_up_by_the_head_of_the_request() {
    let look_up = async |path: String| match path.as_str() {
        "/hooks/acme" => {
            tokio::task::yield_now().await;
            Ok(Secrets::from(secret("of acme")))
        }
        "/hooks/away" => Err(KeyError::Unavailable),
        _ => Err(KeyError::Unknown),
    };
    let keys = move |head: &Parts| look_up(head.uri.path().to_owned());
    let layer = VerifyWebhookLayer::with_keys(Scheme::github(), keys);
    assert_eq!(send(&layer, signed("of acme")).await, (200, Some(0)));
    assert_eq!(send(&layer, signed("of another")).await.0, 401);
    for (path, status) in [("/hooks/away", 503), ("/hooks/nobody", 401)] {
        let body = Script::new([data("{}")]);
        let polls = body.polls();
        let (mut parts, _) = signed("of acme").into_parts();
        parts.uri = path.parse().unwrap();
        assert_eq!(
            send(&layer, Request::from_parts(parts, body)).await.0,
            status
        );
        assert_eq!(polls.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn nobody_is_looked_up_for_an_unsigned_request() {
    let keys = |_: &Parts| -> Ready<Result<Secrets, KeyError>> { panic!("looked up") };
    let layer = VerifyWebhookLayer::with_keys(Scheme::github(), keys);
    assert_eq!(
        send(&layer, Request::new(Full::<Bytes>::default())).await.0,
        401
    );
}

#[tokio::test]
async fn an_answer_that_has_to_wait_says_when_to_come_back() {
    let keys = |_: &Parts| ready(Err::<Secrets, _>(KeyError::Unavailable));
    let layer = VerifyWebhookLayer::with_keys(Scheme::github(), keys);
    let inner =
        service_fn(|_: Request<VerifiedBody>| async { Ok::<_, Infallible>(Response::new(())) });
    let response = layer.layer(inner).oneshot(signed("x")).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(RETRY_AFTER));
    assert_eq!(
        response.extensions().get(),
        Some(&Rejection::SecretsUnavailable)
    );
}
