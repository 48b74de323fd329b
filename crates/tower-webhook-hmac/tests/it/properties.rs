//! The rule against a slow and obvious model, and the layer against the rule.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request};
use proptest::{collection::vec, prelude::*};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tower_webhook_hmac::{Rejection, Scheme, Secret, Secrets};

use crate::script::{Script, Step, layer, send, signed};

/// HMAC as RFC 2104 defines it, written as GitHub writes it.
fn signature(secret: &[u8], body: &[u8]) -> String {
    let mut key = if secret.len() > 64 {
        Sha256::digest(secret).to_vec()
    } else {
        secret.to_vec()
    };
    key.resize(64, 0);
    let pad = |byte: u8| key.iter().map(|k| k ^ byte).collect::<Vec<u8>>();
    let inner = Sha256::digest([&pad(0x36), body].concat());
    let outer = Sha256::digest([&pad(0x5c)[..], &inner].concat());
    let hex: String = outer.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn verdict(values: &[Vec<u8>], secrets: &[Vec<u8>], body: &[u8]) -> Result<usize, Rejection> {
    let value = match values {
        [] => return Err(Rejection::MissingSignature),
        [value] => String::from_utf8_lossy(value),
        _ => return Err(Rejection::RepeatedSignature),
    };
    let hex = value
        .strip_prefix("sha256=")
        .ok_or(Rejection::MalformedSignature)?;
    if hex.len() != 64 || !hex.chars().all(|c| "0123456789abcdef".contains(c)) {
        return Err(Rejection::MalformedSignature);
    }
    let index = secrets
        .iter()
        .position(|secret| signature(secret, body) == value);
    index.ok_or(Rejection::WrongSignature)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Any header value, or one that is nearly right.
fn value(secrets: Vec<Vec<u8>>, body: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let right = move |index: usize| signature(&secrets[index % secrets.len()], &body).into_bytes();
    prop_oneof![
        1 => vec(any::<u8>(), 0..80),
        2 => "sha256=[0-9a-fA-F]{60,68}".prop_map(String::into_bytes),
        4 => any::<usize>().prop_map(right.clone()),
        2 => (any::<usize>(), any::<prop::sample::Index>(), any::<u8>()).prop_map(
            move |(index, at, byte)| {
                let mut value = right(index);
                let at = at.index(value.len());
                value[at] = byte;
                value
            }
        ),
    ]
}

prop_compose! {
    fn request()(
        secrets in vec(vec(any::<u8>(), 1..100), 1..4),
        body in vec(any::<u8>(), 0..200),
    )(
        values in vec(value(secrets.clone(), body.clone()), 0..3),
        secrets in Just(secrets),
        body in Just(body),
    ) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<u8>) {
        (values, secrets, body)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_headers_get_the_verdict_of_the_definition((values, secrets, body) in request()) {
        let values: Vec<_> =
            values.into_iter().filter(|value| HeaderValue::from_bytes(value).is_ok()).collect();
        let mut headers = HeaderMap::new();
        for value in &values {
            headers.append("x-hub-signature-256", HeaderValue::from_bytes(value).unwrap());
        }
        let mut keys = secrets.iter().map(|secret| Secret::new(&secret[..]).unwrap());
        let newest = Secrets::new(keys.next().unwrap());
        let keys = keys.fold(newest, Secrets::previous);
        let ours = Scheme::github().verify(&headers, &keys, SystemTime::now(), &body);
        prop_assert_eq!(ours.map(|it| it.key_index()), verdict(&values, &secrets, &body));
    }

    #[test]
    fn signing_is_the_definition(secret in vec(any::<u8>(), 1..200), body in vec(any::<u8>(), 0..300)) {
        let headers = Scheme::github().sign(&Secret::new(&secret[..]).unwrap(), &body).unwrap();
        prop_assert_eq!(&headers["x-hub-signature-256"], &signature(&secret, &body));
    }

    #[test]
    fn how_a_body_is_split_makes_no_difference(
        body in vec(any::<u8>(), 0..400),
        sizes in vec(0_usize..60, 0..80),
        altered in proptest::option::of((any::<prop::sample::Index>(), 1..=255_u8)),
    ) {
        let mut sent = body.clone();
        let altered = altered.filter(|_| !body.is_empty());
        if let Some((at, bits)) = altered {
            sent[at.index(body.len())] ^= bits;
        }
        let mut rest = Bytes::from(sent);
        let mut frames: Vec<_> =
            sizes.iter().map(|size| rest.split_to((*size).min(rest.len()))).collect();
        frames.push(rest);
        let script = Script::new(frames.iter().cloned().map(Step::Data));
        let received = runtime().block_on(send(&layer(), signed(script, &body)));
        match altered {
            None => prop_assert_eq!(received.map(|it| it.frames), Ok(frames)),
            Some(_) => prop_assert_eq!(received, Err(Rejection::WrongSignature)),
        }
    }

    #[test]
    fn no_header_makes_the_layer_panic_or_pass(
        name in prop::sample::select(vec![
            "x-hub-signature-256", "x-hub-signature", "content-length", "x-github-event",
        ]),
        value in vec(any::<u8>(), 0..100),
    ) {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            let mut request = Request::new(Script::new([]));
            request.headers_mut().insert(name, value);
            prop_assert!(runtime().block_on(send(&layer(), request)).is_err());
        }
    }
}

/// Of each kind of header, query and body that a scheme may look at.
fn every_layout() -> Vec<Scheme> {
    use tower_webhook_hmac::{Hash, Part, PublicUrl, Signature, Source, Unit};

    let own = Scheme::hmac("own", Hash::Sha512)
        .signature(Signature::at(Source::query("sig")))
        .id(Source::form("id"))
        .timestamp(Source::json("/t/0"), Unit::Rfc3339)
        .signed([Part::Id, Part::Timestamp, Part::SortedForm, Part::Body]);
    vec![
        Scheme::github(),
        Scheme::svix(),
        Scheme::stripe(),
        Scheme::slack(),
        Scheme::linear(),
        Scheme::pagerduty(),
        Scheme::twitch(),
        Scheme::twilio(PublicUrl::origin("https://example.com:8443")),
        Scheme::hubspot_v3("https://example.com"),
        own.build().unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes, nothing panics, nothing passes, and both ways to the verdict agree.
    #[test]
    fn anything_at_all_is_refused_by_every_scheme(
        texts in vec("[tv01hs=,; .:+a-f0-9A-Z/-]{0,90}|t=1700000000,v1=[0-9a-f]{64}|\\PC{0,40}", 4),
        query in "([a-z%&=+]{0,20}|sig=[0-9a-f]{128}|bodySHA256=[0-9a-f]{64})",
        body in prop_oneof![
            vec(any::<u8>(), 0..200),
            "\\{\"t\": \\[\"[-0-9TZ:.+]{0,30}\"\\], \"webhookTimestamp\": [0-9]{1,20}\\}".prop_map(String::into_bytes),
        ],
        now in any::<u32>(),
    ) {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(now.into());
        let names = [
            "x-hub-signature-256", "svix-id", "svix-timestamp", "svix-signature", "webhook-id",
            "stripe-signature", "x-slack-signature", "x-slack-request-timestamp",
            "linear-signature", "x-pagerduty-signature", "x-twilio-signature",
            "twitch-eventsub-message-id", "twitch-eventsub-message-timestamp",
            "twitch-eventsub-message-signature", "x-hubspot-signature-v3",
            "x-hubspot-request-timestamp", "content-type",
        ];
        let mut request = Request::new(());
        if let Ok(uri) = format!("/hooks?{query}").parse() {
            *request.uri_mut() = uri;
        }
        for (name, text) in names.iter().zip(texts.iter().cycle()) {
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                request.headers_mut().insert(*name, value);
            }
        }
        let keys = Secrets::from(Secret::new("secret").unwrap());
        for scheme in every_layout() {
            let at_once = scheme.verify(&request, &keys, now, &body);
            prop_assert!(at_once.is_err());
            let layer = tower_webhook_hmac::VerifyWebhookLayer::new(scheme, keys.clone())
                .clock(move || now);
            let frames = body.chunks(3).map(Bytes::copy_from_slice).map(Step::Data);
            let (parts, ()) = request.clone().into_parts();
            let sent = Request::from_parts(parts, Script::new(frames));
            let through = runtime().block_on(send(&layer, sent));
            prop_assert_eq!(through.map(|it| it.verified), at_once);
        }
    }
}
