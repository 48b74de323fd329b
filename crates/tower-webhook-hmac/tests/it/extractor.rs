//! `Verified` in the handlers of axum.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{Request, StatusCode};
use tower_webhook_hmac::{Scheme, Verified};

use crate::script::{secret, signed};

#[tokio::test]
async fn a_handler_gets_what_the_layer_has_verified() {
    let (mut parts, ()) = Request::new(()).into_parts();
    let missing = <Verified as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
    assert_eq!(missing, Err(StatusCode::INTERNAL_SERVER_ERROR));
    let none = <Verified as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &());
    assert_eq!(none.await, Ok(None));

    let request = signed((), "body");
    let now = std::time::SystemTime::now();
    let verified = Scheme::github()
        .verify(&request, &secret().into(), now, "body")
        .unwrap();
    parts.extensions.insert(verified.clone());
    let found = <Verified as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
    assert_eq!(found, Ok(verified.clone()));
    let found = <Verified as OptionalFromRequestParts<()>>::from_request_parts(&mut parts, &());
    assert_eq!(found.await, Ok(Some(verified)));
}
