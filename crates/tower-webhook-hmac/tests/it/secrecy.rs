//! What `Debug` shows.

use std::{convert::Infallible, fmt::Debug, future::poll_fn, pin::pin};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio_test::{assert_pending, task};
use tower::{Layer, service_fn};
use tower_webhook_hmac::{Rejection, Scheme, Secret, SecretError, Secrets, VerifiedBody};

use crate::script::{SECRET, Script, Step, data, layer, secret, signed, start};

const CONTENT: &str = "content of the body";

/// Neither the secret nor the body nor the signature, in any spelling `Debug` might choose.
fn assert_tells_nothing(shown: impl Debug) {
    let scheme = Scheme::github();
    let header = &scheme.sign(&secret(), CONTENT).unwrap()["x-hub-signature-256"];
    let tag = header.to_str().unwrap().strip_prefix("sha256=").unwrap();
    let tag_bytes: Vec<u8> = tag
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let list = |bytes: &[u8]| format!("{bytes:?}").trim_matches(['[', ']']).to_owned();
    let telling = [
        SECRET.to_owned(),
        hex(SECRET.as_bytes()),
        list(SECRET.as_bytes()),
        CONTENT.to_owned(),
        list(CONTENT.as_bytes()),
        tag.to_owned(),
        list(&tag_bytes),
    ];
    for shown in [
        format!("{shown:?}"),
        format!("{shown:#?}").replace(['\n', ' '], ""),
    ] {
        for telling in &telling {
            assert!(!shown.contains(telling.as_str()), "{shown} tells {telling}");
            assert!(
                !shown.contains(&telling.replace(' ', "")),
                "{shown} tells {telling}"
            );
        }
    }
}

/// Doesn't compile unless the hash is built to wipe. A keyed HMAC is two such states and a buffer.
#[test]
fn hash_states_are_wiped_when_dropped() {
    fn wiped<T: zeroize::ZeroizeOnDrop>() {}
    wiped::<sha2::Sha256>();
}

#[tokio::test]
async fn no_type_shows_a_secret_a_signature_or_a_body() {
    let scheme = Scheme::github();
    let secrets = Secrets::new(secret()).previous(secret());
    let headers = scheme.sign(&secret(), CONTENT).unwrap();
    assert_tells_nothing(&headers);
    assert_tells_nothing(secret());
    assert_tells_nothing(&secrets);
    assert_tells_nothing(&scheme);
    assert_tells_nothing(SecretError::Empty);
    let mut signer = scheme.signer(&secret());
    signer.update(CONTENT.as_bytes());
    assert_tells_nothing(&signer);
    let mut verifier = scheme
        .verifier(&headers, &secrets, std::time::SystemTime::now())
        .unwrap();
    verifier.update(CONTENT.as_bytes());
    assert_tells_nothing(&verifier);
    assert_tells_nothing(verifier.finish().unwrap());

    assert_tells_nothing(layer());
    let mut service = layer().layer(service_fn(|request: Request<VerifiedBody>| async move {
        assert_tells_nothing(request.body());
        Ok::<_, Infallible>(Response::new(()))
    }));
    assert_tells_nothing(&service);
    let slow = signed(Script::new([data(CONTENT), Step::Hang]), CONTENT);
    let mut slow = pin!(start(&mut service, slow));
    let mut once = task::spawn(poll_fn(|cx| slow.as_mut().poll(cx)));
    assert_pending!(once.poll());
    drop(once);
    assert_tells_nothing(slow);
    let whole = signed(Full::<Bytes>::from(CONTENT), CONTENT);
    let response = start(&mut service, whole).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(Secret::new("").is_err());
    assert_tells_nothing(Rejection::WrongSignature);
}
