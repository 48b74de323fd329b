//! Schemes that are described rather than named, and what a description may not say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header::CONTENT_TYPE};
use tower_webhook_hmac::{
    Encoding, Hash, Part, PublicUrl, Rejection, Scheme, SchemeBuilder, SchemeError, Secret,
    Secrets, SignError, Signature, Source, Unit, Verified,
};

const NOW: Duration = Duration::from_millis(1_700_000_000_123);

fn now() -> SystemTime {
    UNIX_EPOCH + NOW
}

fn secret() -> Secret {
    Secret::new("0123456789abcdef0123456789abcdef").unwrap()
}

fn keys() -> Secrets {
    secret().into()
}

fn hmac() -> SchemeBuilder {
    Scheme::hmac("test", Hash::Sha256).signature(Signature::header("x-sig"))
}

/// Signs with everything a scheme may ask for.
fn signed(scheme: &Scheme, body: &[u8]) -> Request<Vec<u8>> {
    let uri: Uri = "https://example.com/hooks?b=2&a=%20".parse().unwrap();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    let mut signer = scheme
        .signer(&secret())
        .id("msg_1")
        .at(now())
        .method(Method::PUT)
        .uri(uri.clone())
        .header(CONTENT_TYPE, form.clone());
    signer.update(body);
    let headers = signer.finish().unwrap();
    let mut request = Request::put(uri).body(body.to_vec()).unwrap();
    request.headers_mut().insert(CONTENT_TYPE, form);
    request.headers_mut().extend(headers);
    request
}

fn verify(scheme: &Scheme, request: &Request<Vec<u8>>) -> Result<Verified, Rejection> {
    scheme.verify(request, &keys(), now(), request.body())
}

fn presets() -> Vec<Scheme> {
    let url = || PublicUrl::origin("https://example.com");
    vec![
        Scheme::github(),
        Scheme::standard_webhooks(),
        Scheme::svix(),
        Scheme::stripe(),
        Scheme::slack(),
        Scheme::zoom(),
        Scheme::shopify(),
        Scheme::square(url()),
        Scheme::twilio(url()),
        Scheme::hubspot_v3(url()),
        Scheme::gocardless(),
        Scheme::razorpay(),
        Scheme::coinbase_commerce(),
        Scheme::convoy_simple(Hash::Sha512, Encoding::Base64),
        Scheme::convoy_advanced(Hash::Sha256, Encoding::Hex),
        Scheme::paddle(),
        Scheme::pagerduty(),
        Scheme::sentry(),
        Scheme::twitch(),
    ]
}

#[test]
fn what_a_provider_s_scheme_signs_it_verifies_and_nothing_else() {
    for scheme in presets() {
        let name = scheme.name();
        let request = signed(&scheme, b"a=1&b=2");
        let verified = verify(&scheme, &request);
        assert_eq!(verified.map(|it| it.key_index()), Ok(0), "{name}");
        let mut altered = request.clone();
        *altered.body_mut() = b"a=1&b=3".to_vec();
        assert!(verify(&scheme, &altered).is_err(), "{name}");
        let other: Secrets = Secret::new("another").unwrap().into();
        let verdict = scheme.verify(&request, &other, now(), request.body());
        assert_eq!(verdict.err(), Some(Rejection::WrongSignature), "{name}");
        let mut unsigned = request.clone();
        unsigned.headers_mut().clear();
        let rejection = verify(&scheme, &unsigned).unwrap_err();
        assert_eq!(rejection, Rejection::MissingSignature, "{name}");
    }
}

#[test]
fn a_timestamp_at_the_tolerance_passes_and_one_beyond_does_not() {
    for scheme in presets() {
        let request = signed(&scheme, b"a=1");
        let Some(at) = verify(&scheme, &request).unwrap().timestamp() else {
            continue;
        };
        let tolerance = Duration::from_secs(17);
        let scheme = scheme.tolerance(tolerance);
        let verdict = |now| {
            scheme
                .verify(&request, &keys(), now, request.body())
                .map(|_| ())
        };
        let milli = Duration::from_millis(1);
        let stale = Err(Rejection::OutsideTolerance);
        for (now, expected) in [
            (at + tolerance, Ok(())),
            (at - tolerance, Ok(())),
            (at + tolerance + milli, stale),
            (at - tolerance - milli, stale),
            (UNIX_EPOCH, stale),
        ] {
            assert_eq!(verdict(now), expected, "{}", scheme.name());
        }
    }
}

#[test]
fn every_hash_encoding_unit_and_place_can_be_described() {
    let pairs = Signature::header("x-sig").pairs(';', ':', "h1");
    let mut described = Vec::new();
    for hash in [
        Hash::Md5,
        Hash::Sha1,
        Hash::Sha256,
        Hash::Sha384,
        Hash::Sha512,
    ] {
        for encoding in [
            Encoding::Hex,
            Encoding::HexUpper,
            Encoding::Base64,
            Encoding::Base64Unpadded,
            Encoding::Base64Url,
            Encoding::Base64UrlUnpadded,
        ] {
            let signature = Signature::header("X-Sig")
                .prefix("alg=x,")
                .encoding(encoding);
            described.push(Scheme::hmac("test", hash).signature(signature.clone()));
            described.push(Scheme::digest("test", hash).signature(signature).signed([
                Part::Secret,
                Part::Body,
                Part::Secret,
            ]));
        }
    }
    for unit in [
        Unit::Seconds,
        Unit::Milliseconds,
        Unit::Microseconds,
        Unit::Nanoseconds,
        Unit::Rfc3339,
        Unit::HttpDate,
    ] {
        described.push(hmac().timestamp(Source::header("x-time"), unit).signed([
            Part::Body,
            Part::literal("|"),
            Part::Timestamp,
        ]));
    }
    described.push(
        hmac()
            .signature(pairs)
            .id(Source::pair("id"))
            .timestamp(Source::pair("ts"), Unit::Seconds)
            .signed([Part::Id, Part::literal("/"), Part::Timestamp, Part::Body]),
    );
    described.push(hmac().truncated(16));
    described.push(hmac().signed([
        Part::Method,
        Part::literal("\n"),
        Part::Path,
        Part::literal("\n"),
        Part::Query,
        Part::literal("\n"),
        Part::PathAndQuery,
        Part::header("content-type"),
        Part::Optional(Source::header("x-absent")),
        Part::Value(Source::query("a")),
        Part::BodyDigest(Hash::Sha256, Encoding::Base64),
    ]));
    described.push(hmac().signed([
        Part::Value(Source::json("/data/0/id")),
        Part::literal(":"),
        Part::Optional(Source::json("/nothing")),
        Part::Body,
        Part::Body,
    ]));
    let body = br#"{"data": [{"id": "x"}], "n": 1.50}"#;
    for builder in described {
        let scheme = builder.build().unwrap();
        let request = signed(&scheme, body);
        let verdict = verify(&scheme, &request).map(|_| ());
        assert_eq!(verdict, Ok(()), "{scheme:?}");
        let mut altered = request.clone();
        altered.body_mut()[20] ^= 1;
        assert!(verify(&scheme, &altered).is_err(), "{scheme:?}");
    }
}

#[test]
fn a_signature_a_timestamp_and_an_id_may_stand_in_the_body() {
    // As Mailgun does: everything about the signature is in the document itself.
    let scheme = Scheme::hmac("mail", Hash::Sha256)
        .signature(Signature::at(Source::json("/signature/signature")))
        .timestamp(Source::json("/signature/timestamp"), Unit::Seconds)
        .id(Source::json("/signature/token"))
        .event(Source::json("/event-data/event"))
        .signed([Part::Timestamp, Part::Id])
        .build()
        .unwrap();
    let plain = hmac().build().unwrap();
    let tag = plain.sign(&secret(), "1700000000t0k3n").unwrap()["x-sig"].clone();
    let tag = tag.to_str().unwrap();
    let body = |timestamp: &str, token: &str| {
        format!(
            r#"{{"signature": {{"timestamp": "{timestamp}", "token": "{token}",
            "signature": "{tag}"}}, "event-data": {{"event": "opened"}}}}"#
        )
    };
    let headers = HeaderMap::new();
    let verify = |body: &str| scheme.verify(&headers, &keys(), now(), body);
    let verified = verify(&body("1700000000", "t0k3n")).unwrap();
    assert_eq!(
        (verified.delivery(), verified.event()),
        (Some("t0k3n"), Some("opened"))
    );
    assert!(verified.delivery_is_signed() && verified.timestamp().is_some());
    for (body, rejection) in [
        (body("1700000000", "other"), Rejection::WrongSignature),
        (body("1600000000", "t0k3n"), Rejection::WrongSignature),
        ("{}".to_owned(), Rejection::MissingSignature),
        ("no json".to_owned(), Rejection::MissingSignature),
    ] {
        assert_eq!(verify(&body).err(), Some(rejection), "{body}");
    }
    let late = now() + Duration::from_secs(301);
    let verdict = scheme.verify(&headers, &keys(), late, body("1700000000", "t0k3n"));
    assert_eq!(verdict.err(), Some(Rejection::OutsideTolerance));
}

#[test]
fn two_headers_may_carry_a_signature_each_while_secrets_are_replaced() {
    let signature = Signature::header("box-primary").or_header("box-secondary");
    let scheme = hmac().signature(signature).build().unwrap();
    let right = scheme.sign(&secret(), "body").unwrap()["box-primary"].clone();
    let wrong = HeaderValue::from_static(
        "0000000000000000000000000000000000000000000000000000000000000000",
    );
    let verdict = |primary: Option<&HeaderValue>, secondary: Option<&HeaderValue>| {
        let mut headers = HeaderMap::new();
        primary.map(|it| headers.insert("box-primary", it.clone()));
        secondary.map(|it| headers.insert("box-secondary", it.clone()));
        scheme
            .verify(&headers, &keys(), now(), "body")
            .map(|it| it.replay_key())
    };
    let key = verdict(Some(&right), None).unwrap();
    // The same delivery, however its signatures are arranged.
    for accepted in [
        (Some(&wrong), Some(&right)),
        (None, Some(&right)),
        (Some(&right), Some(&right)),
    ] {
        assert_eq!(verdict(accepted.0, accepted.1), Ok(key));
    }
    assert_eq!(
        verdict(Some(&wrong), Some(&wrong)),
        Err(Rejection::WrongSignature)
    );
    assert_eq!(verdict(None, None), Err(Rejection::MissingSignature));
}

#[test]
fn a_signed_digest_has_to_be_that_of_the_body() {
    let digest = Source::header("content-digest");
    let scheme = hmac()
        .signed([
            Part::Method,
            Part::literal(" "),
            Part::Value(digest.clone()),
        ])
        .body_digest(digest, "sha-256=:{}:", Hash::Sha256, Encoding::Base64)
        .build();
    let scheme = scheme.unwrap();
    let sign = |value: &'static str| {
        let value = HeaderValue::from_static(value);
        let name = http::HeaderName::from_static("content-digest");
        let signer = scheme.signer(&secret()).header(name.clone(), value.clone());
        let mut headers = signer.finish().unwrap();
        headers.insert(name, value);
        headers
    };
    let method = Method::POST;
    let verdict = |headers: &HeaderMap, body: &str| {
        let head = tower_webhook_hmac::Head::from(headers).method(&method);
        scheme.verify(head, &keys(), now(), body).map(|_| ())
    };
    let right = sign("sha-256=:uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=:");
    assert_eq!(verdict(&right, "hello world"), Ok(()));
    assert_eq!(verdict(&right, "hello moon"), Err(Rejection::WrongDigest));
    let none = sign("none");
    assert_eq!(verdict(&none, "hello world"), Err(Rejection::WrongDigest));
    assert_eq!(
        verdict(&HeaderMap::new(), "x"),
        Err(Rejection::MissingSignature)
    );
}

#[test]
fn the_same_delivery_has_one_replay_key_and_another_has_another() {
    let key = |scheme: &Scheme, id: &str, body: &str| {
        let mut signer = scheme.signer(&secret()).id(id).at(now());
        signer.update(body.as_bytes());
        let headers = signer.finish().unwrap();
        scheme
            .verify(&headers, &keys(), now(), body)
            .unwrap()
            .replay_key()
    };
    // GitHub's id isn't signed: it can't make a replay look new.
    let github = Scheme::github();
    assert_eq!(key(&github, "1", "body"), key(&github, "2", "body"));
    assert_ne!(key(&github, "1", "body"), key(&github, "1", "other"));
    // A redelivery has another timestamp and so another signature, but the same id.
    let standard = Scheme::standard_webhooks();
    assert_eq!(key(&standard, "1", "body"), key(&standard, "1", "body"));
    assert_ne!(key(&standard, "1", "body"), key(&standard, "2", "body"));
    assert_ne!(
        key(&Scheme::gocardless(), "", "body"),
        key(&Scheme::sentry(), "", "body")
    );
}

#[test]
fn one_of_several_signatures_can_not_be_played_a_second_time() {
    let scheme = Scheme::stripe();
    let (new, old) = (secret(), Secret::new("old").unwrap());
    let keys = Secrets::new(new.clone()).previous(old.clone());
    let tag = |secret: &Secret| {
        let mut signer = scheme.signer(secret).at(now());
        signer.update(b"body");
        let value = signer.finish().unwrap()["stripe-signature"].clone();
        value
            .to_str()
            .unwrap()
            .split_once(",")
            .unwrap()
            .1
            .to_owned()
    };
    let verified = |signatures: String| {
        let value = format!("t=1700000000,{signatures}").parse().unwrap();
        let headers = HeaderMap::from_iter([("stripe-signature".parse().unwrap(), value)]);
        scheme.verify(&headers, &keys, now(), "body").unwrap()
    };
    let both = verified(format!("{},{}", tag(&new), tag(&old)));
    let old_one = verified(tag(&old));
    assert_eq!((both.key_index(), old_one.key_index()), (0, 1));
    assert_eq!(both.replay_key(), old_one.replay_key());
}

#[test]
fn what_describes_no_scheme_is_refused() {
    for (builder, error) in [
        (Scheme::hmac("test", Hash::Sha256), SchemeError::NoSignature),
        (hmac().signed::<Part>([]), SchemeError::NothingSigned),
        (hmac().signed(["literal"]), SchemeError::NothingSigned),
        (hmac().signed([Part::Timestamp]), SchemeError::NoTimestamp),
        (hmac().signed([Part::Id]), SchemeError::NoId),
        (hmac().signed([Part::Url]), SchemeError::NoUrl),
        (hmac().truncated(9), SchemeError::Truncated(9)),
        (hmac().truncated(33), SchemeError::Truncated(33)),
        (hmac().id(Source::pair("id")), SchemeError::NoPairs),
        (
            hmac().signature(Signature::at(Source::pair("id"))),
            SchemeError::NoPairs,
        ),
        (
            hmac().event(Source::header("no name")),
            SchemeError::HeaderName("no name".to_owned()),
        ),
        (
            hmac().signature(Signature::header("")),
            SchemeError::HeaderName(String::new()),
        ),
        (
            Scheme::digest("test", Hash::Sha256).signature(Signature::header("x-sig")),
            SchemeError::NoSecret,
        ),
        (
            Scheme::hmac("a\"b", Hash::Sha256).signature(Signature::header("x-sig")),
            SchemeError::Name,
        ),
    ] {
        assert_eq!(builder.build().err(), Some(error));
    }
}

#[test]
fn what_a_signer_was_not_told_it_says() {
    let timed = Scheme::stripe().signer(&secret()).finish();
    assert!(matches!(timed, Err(SignError::NoTimestamp)));
    let named = Scheme::standard_webhooks()
        .signer(&secret())
        .at(now())
        .finish();
    assert!(matches!(named, Err(SignError::NoId)));
    let header = hmac().signed([Part::header("x-other")]).build().unwrap();
    assert!(matches!(
        header.sign(&secret(), ""),
        Err(SignError::NoField)
    ));
    let query = hmac()
        .signature(Signature::at(Source::query("sig")))
        .build()
        .unwrap();
    assert!(matches!(
        query.sign(&secret(), ""),
        Err(SignError::NotInHeaders)
    ));
}

#[cfg(feature = "ed25519")]
#[test]
fn asymmetric_signatures_are_made_with_the_private_key_and_checked_with_the_public_one() {
    use tower_webhook_hmac::PublicKey;

    // RFC 8032 section 7.1, test 1.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let private = Secret::decode(seed, Encoding::Hex).unwrap();
    let public = Secrets::new(PublicKey::decode(public, Encoding::Hex).unwrap());
    for scheme in [Scheme::standard_webhooks_v1a(), Scheme::discord()] {
        let mut signer = scheme.signer(&private).id("msg_1").at(now());
        signer.update(b"body");
        let headers = signer.finish().unwrap();
        let verify = |keys: &Secrets, body: &str| {
            scheme
                .verify(&headers, keys, now(), body)
                .map(|it| it.key_index())
        };
        assert_eq!(verify(&public, "body"), Ok(0));
        assert_eq!(verify(&public, "bodx"), Err(Rejection::WrongSignature));
        // The public bytes as an HMAC key are another kind of key, and never right.
        assert_eq!(verify(&keys(), "body"), Err(Rejection::WrongSignature));
        let both = Secrets::new(secret()).previous(
            PublicKey::standard_webhooks("whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
                .unwrap(),
        );
        assert_eq!(verify(&both, "body"), Ok(1));
    }
    let short = Scheme::discord()
        .signer(&Secret::new("short").unwrap())
        .at(now())
        .finish();
    assert!(matches!(short, Err(SignError::Key)));
    let weak = "0100000000000000000000000000000000000000000000000000000000000000";
    assert!(PublicKey::decode(weak, Encoding::Hex).is_err());
}
