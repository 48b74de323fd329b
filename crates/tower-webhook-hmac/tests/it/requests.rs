//! What passes, how it arrives at the inner service, and how the rest is answered.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header::WWW_AUTHENTICATE};
use http_body_util::{Empty, Full};
use tower::{Layer, service_fn};
use tower_webhook_hmac::{Rejection, VerifiedBody};

use crate::script::{Broken, Script, Step, answer, data, layer, send, signed, start};

#[tokio::test]
async fn frames_and_trailers_reach_the_inner_service_as_they_came() {
    let trailers =
        HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("\"end\""))]);
    let frames = [&b"{\"a\""[..], b"", b": ", b"1}"].map(Bytes::from_static);
    let steps = frames.iter().cloned().map(Step::Data);
    let body = Script::new(steps.chain([Step::Trailers(trailers.clone())]));
    let received = send(&layer(), signed(body, "{\"a\": 1}")).await.unwrap();
    assert_eq!(received.frames, frames);
    assert_eq!(received.trailers, Some(trailers));
    assert_eq!(received.hint, Some(8));
    for (sent, kept) in frames
        .iter()
        .zip(&received.frames)
        .filter(|(sent, _)| !sent.is_empty())
    {
        assert_eq!(sent.as_ptr(), kept.as_ptr(), "copied");
    }
}

#[tokio::test]
async fn bytes_after_the_trailers_are_never_handed_on() {
    let steps = [
        data("signed"),
        Step::Trailers(HeaderMap::new()),
        data("smuggled"),
    ];
    let received = send(&layer(), signed(Script::new(steps), "signed"))
        .await
        .unwrap();
    assert_eq!(received.frames, ["signed"]);
}

#[tokio::test]
async fn an_empty_body_passes_when_it_is_signed_whatever_the_method() {
    for method in [Method::POST, Method::GET, Method::HEAD] {
        let mut request = signed(Empty::<Bytes>::new(), "");
        *request.method_mut() = method;
        let received = send(&layer(), request).await.unwrap();
        assert_eq!((received.frames.len(), received.hint), (0, Some(0)));
    }
}

#[tokio::test]
async fn headers_that_cannot_pass_cost_no_byte_of_the_body() {
    let cases: [(&[&[u8]], Rejection); 5] = [
        (&[], Rejection::MissingSignature),
        (&[b""], Rejection::MalformedSignature),
        (&[b"sha256=00"], Rejection::MalformedSignature),
        (&[b"sha256=\xff"], Rejection::MalformedSignature),
        (&[b"sha256=00", b"sha256=00"], Rejection::RepeatedSignature),
    ];
    for (signatures, rejection) in cases {
        let body = Script::new([data("{}")]);
        let polls = body.polls();
        let mut request = Request::new(body);
        for signature in signatures {
            let value = HeaderValue::from_bytes(signature).unwrap();
            request.headers_mut().append("x-hub-signature-256", value);
        }
        assert_eq!(send(&layer(), request).await, Err(rejection));
        assert_eq!(polls.load(Ordering::SeqCst), 0, "{rejection}");
    }
}

#[tokio::test]
async fn uppercase_digits_and_padding_are_other_spellings_and_refused() {
    let right = signed(Full::<Bytes>::from("{}"), "{}");
    let text = right.headers()["x-hub-signature-256"]
        .to_str()
        .unwrap()
        .to_owned();
    let hex = text.strip_prefix("sha256=").unwrap();
    assert_eq!(send(&layer(), right.clone()).await.map(|_| ()), Ok(()));
    for other in [
        format!("sha256={}", hex.to_uppercase()),
        format!("SHA256={hex}"),
        format!("sha256={hex} "),
        format!(" sha256={hex}"),
        format!("sha256= {hex}"),
        format!("sha256=sha256={hex}"),
        format!("sha256={hex},sha256={hex}"),
    ] {
        let mut request = right.clone();
        request
            .headers_mut()
            .insert("x-hub-signature-256", other.parse().unwrap());
        assert_eq!(
            send(&layer(), request).await,
            Err(Rejection::MalformedSignature),
            "{other}"
        );
    }
}

#[tokio::test]
async fn neighbours_of_the_digits_are_malformed() {
    for neighbour in ['/', ':', '`', 'g'] {
        let request = Request::builder()
            .header(
                "x-hub-signature-256",
                format!("sha256={neighbour}{:063}", 0),
            )
            .body(Full::<Bytes>::from("{}"))
            .unwrap();
        let refused = Err(Rejection::MalformedSignature);
        assert_eq!(send(&layer(), request).await, refused, "{neighbour}");
    }
}

#[tokio::test]
async fn a_wrong_or_missing_signature_is_challenged() {
    let wrong = signed(Full::<Bytes>::from("other"), "{}");
    let missing = Request::new(Full::<Bytes>::from("{}"));
    for request in [wrong, missing] {
        let response = answer(&layer(), request).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(
            response.headers()[WWW_AUTHENTICATE],
            r#"Webhook-Signature realm="github", header="X-Hub-Signature-256""#,
        );
    }
    let malformed = Request::builder()
        .header("x-hub-signature-256", "?")
        .body(Full::from("{}"));
    let response = answer(&layer(), malformed.unwrap()).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_bad_request_even_with_all_its_bytes_there() {
    let body = Script::new([data("{}"), Step::Fail]);
    assert_eq!(
        send(&layer(), signed(body, "{}")).await,
        Err(Rejection::BodyUnreadable)
    );
}

#[tokio::test]
async fn labels_are_taken_from_headers_that_occur_once() {
    let mut request = signed(Full::<Bytes>::from("{}"), "{}");
    request
        .headers_mut()
        .insert("x-github-event", "push".parse().unwrap());
    request
        .headers_mut()
        .append("x-github-delivery", "1".parse().unwrap());
    request
        .headers_mut()
        .append("x-github-delivery", "2".parse().unwrap());
    let verified = send(&layer(), request).await.unwrap().verified;
    assert_eq!(
        (verified.event(), verified.delivery()),
        (Some("push"), None)
    );
}

#[tokio::test]
async fn errors_of_the_inner_service_keep_their_type() {
    let inner =
        service_fn(|_: Request<VerifiedBody>| async { Err::<http::Response<()>, _>(Broken) });
    let mut service = layer().layer(inner);
    let request = signed(Full::<Bytes>::from("{}"), "{}");
    let result = start(&mut service, request).await;
    assert_eq!(result.map(|_| ()), Err(Broken));
}
