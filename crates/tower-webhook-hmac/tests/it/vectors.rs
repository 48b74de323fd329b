//! Published cases of each provider's scheme, and what becomes of them when something is changed.

use std::{
    convert::Infallible,
    time::{Duration, SystemTime},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, header::CONTENT_LENGTH};
use http_body::SizeHint;
use serde_json::Value;
use tower_webhook_hmac::{
    Encoding, Hash, Scheme, Secret, SecretError, Secrets, VerifyWebhookLayer,
};

use crate::script::{Script, Step, send};

struct Case {
    facts: Value,
    scheme: Scheme,
    keys: Result<Secrets, SecretError>,
    headers: HeaderMap,
    uri: Uri,
    body: Vec<u8>,
    now: SystemTime,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("../fixtures/webhooks.json")).unwrap();
    // An Ed25519 key means nothing without the feature.
    let known = |case: &Value| cfg!(feature = "ed25519") || case["scheme"] != "discord";
    cases.into_iter().filter(known).map(case).collect()
}

fn scheme(case: &Value) -> Scheme {
    let hash = match case["hash"].as_str() {
        Some("SHA512") => Hash::Sha512,
        _ => Hash::Sha256,
    };
    let encoding = match case["encoding"].as_str() {
        Some("base64") => Encoding::Base64,
        _ => Encoding::Hex,
    };
    let url = case["pinned_url"].as_str().or(case["url"].as_str());
    let url = url.unwrap_or_default();
    let scheme = match case["scheme"].as_str().unwrap() {
        "github-sha256" => Scheme::github(),
        "standard-webhooks-v1" => Scheme::standard_webhooks(),
        "svix" => Scheme::svix(),
        "stripe" => Scheme::stripe(),
        "slack" => Scheme::slack(),
        "shopify" => Scheme::shopify(),
        "linear" => Scheme::linear(),
        "square" => Scheme::square(url),
        "twilio" => Scheme::twilio(url),
        "gocardless" => Scheme::gocardless(),
        "razorpay" => Scheme::razorpay(),
        "coinbase-commerce" => Scheme::coinbase_commerce(),
        "convoy-simple" => Scheme::convoy_simple(hash, encoding),
        "convoy-advanced" => Scheme::convoy_advanced(hash, encoding),
        #[cfg(feature = "ed25519")]
        "discord" => Scheme::discord(),
        other => panic!("{other}"),
    };
    match case["tolerance_s"].as_u64() {
        Some(seconds) => scheme.tolerance(Duration::from_secs(seconds)),
        None => scheme,
    }
}

fn keys(key: &Value) -> Result<Secrets, SecretError> {
    let encoding = key["encoding"].as_str().unwrap();
    let secret = |value: &Value| {
        let text = value.as_str().unwrap();
        match encoding {
            "utf8" => Secret::new(text),
            "base64" => Secret::standard_webhooks(key["prefixed"].as_str().unwrap_or(text)),
            other => panic!("{other}"),
        }
    };
    match key["kind"].as_str().unwrap() {
        "secret" => secret(&key["value"]).map(Secrets::new),
        "secret_list" => {
            let mut secrets = key["value"].as_array().unwrap().iter().map(secret);
            let newest = secrets.next().unwrap().map(Secrets::new);
            secrets.fold(newest, |secrets, older| Ok(secrets?.previous(older?)))
        }
        #[cfg(feature = "ed25519")]
        "public_key" => {
            let text = key["value"].as_str().unwrap();
            tower_webhook_hmac::PublicKey::decode(text, Encoding::Hex).map(Secrets::new)
        }
        other => panic!("{other}"),
    }
}

fn case(facts: Value) -> Case {
    let header = |header: &Value| {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        (
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        )
    };
    Case {
        scheme: scheme(&facts),
        keys: keys(&facts["key"]),
        headers: facts["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(header)
            .collect(),
        uri: facts["url"].as_str().unwrap_or("/hooks").parse().unwrap(),
        body: BASE64_STANDARD
            .decode(facts["body_b64"].as_str().unwrap())
            .unwrap(),
        now: SystemTime::UNIX_EPOCH
            + Duration::from_secs(facts["now"].as_u64().unwrap_or(1_700_000_000)),
        facts,
    }
}

impl Case {
    fn name(&self) -> &str {
        self.facts["id"].as_str().unwrap()
    }

    fn request(&self, steps: impl IntoIterator<Item = Step>) -> Request<Script> {
        let mut request = Request::post(self.uri.clone())
            .body(Script::new(steps))
            .unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }

    fn frames(&self, size: usize) -> Vec<Step> {
        let frame = |chunk| Step::Data(Bytes::copy_from_slice(chunk));
        self.body.chunks(size).map(frame).collect()
    }

    fn layer(&self) -> VerifyWebhookLayer {
        let now = self.now;
        VerifyWebhookLayer::new(self.scheme.clone(), self.keys.clone().unwrap()).clock(move || now)
    }

    fn verdict(&self) -> Result<tower_webhook_hmac::Verified, tower_webhook_hmac::Rejection> {
        let request = self.request([]);
        self.scheme
            .verify(&request, self.keys.as_ref().unwrap(), self.now, &self.body)
    }

    fn is_refused_by_configuration(&self) -> bool {
        let expect = self.facts["expect"].as_str().unwrap();
        match expect {
            "reject_config" => {
                assert!(self.keys.is_err(), "{}", self.name());
                true
            }
            "reject_any" => self.keys.is_err(),
            _ => false,
        }
    }
}

#[test]
fn every_case_gets_its_verdict_in_one_piece() {
    let mut seen = 0;
    for case in cases() {
        seen += 1;
        let name = case.name();
        if case.is_refused_by_configuration() {
            continue;
        }
        let verdict = case.verdict();
        if case.facts["expect"] == "accept" {
            assert!(verdict.is_ok(), "{name}: {verdict:?}");
            continue;
        }
        let rejection = verdict.expect_err(name);
        if let Some(status) = case.facts["status"].as_u64() {
            assert_eq!(
                u64::from(rejection.status().as_u16()),
                status,
                "{name}: {rejection}"
            );
        }
    }
    let without_keys = if cfg!(feature = "ed25519") { 0 } else { 5 };
    assert_eq!(seen, 118 - without_keys);
}

#[tokio::test]
async fn every_case_gets_the_same_verdict_however_its_body_comes() {
    for case in cases() {
        if case.is_refused_by_configuration() {
            continue;
        }
        let name = case.name();
        let at_once = case.verdict();
        let layer = case.layer();
        let trailers =
            HeaderMap::from_iter([(http::header::ETAG, HeaderValue::from_static("\"end\""))]);
        let mut ways: Vec<Vec<Step>> = [1, 2, 3, 7, 64, 1000].map(|size| case.frames(size)).into();
        // Every split in two, with an empty frame at it, and trailers after it.
        for at in 0..=case.body.len().min(200) {
            let (head, tail) = case.body.split_at(at);
            ways.push(vec![
                Step::Data(Bytes::copy_from_slice(head)),
                Step::Data(Bytes::new()),
                Step::Data(Bytes::copy_from_slice(tail)),
                Step::Trailers(trailers.clone()),
            ]);
        }
        for steps in ways {
            let received = send(&layer, case.request(steps)).await;
            assert_eq!(
                received.as_ref().map(|it| &it.verified),
                at_once.as_ref(),
                "{name}"
            );
            if let Ok(received) = received {
                assert_eq!(received.frames.concat(), case.body, "{name}");
            }
        }
        // With a length, and so far without.
        let mut announced = case.request(case.frames(1000));
        let length = case.body.len() as u64;
        announced
            .headers_mut()
            .insert(CONTENT_LENGTH, length.into());
        let announced = announced.map(|body| body.with_hint(SizeHint::with_exact(length)));
        let received = send(&layer, announced).await;
        assert_eq!(received.map(|it| it.verified), at_once, "{name}");
    }
}

#[test]
fn an_altered_bit_of_the_body_is_refused() {
    for mut case in cases()
        .into_iter()
        .filter(|case| case.facts["expect"] == "accept")
    {
        for bit in (0..case.body.len() * 8).step_by(7) {
            case.body[bit / 8] ^= 1 << (bit % 8);
            assert!(case.verdict().is_err(), "{} bit {bit}", case.name());
            case.body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_signature_header_that_is_altered_or_doubled_is_refused() {
    for mut case in cases()
        .into_iter()
        .filter(|case| case.facts["expect"] == "accept")
    {
        let name = case.name().to_owned();
        let headers = case.headers.clone();
        for (header, value) in &headers {
            let signature =
                header.as_str().contains("signature") || header.as_str().contains("hmac");
            if !signature || header.as_str().contains("timestamp") {
                continue;
            }
            case.headers.append(header, value.clone());
            assert!(case.verdict().is_err(), "{name} doubled");
            case.headers.remove(header);
            assert!(case.verdict().is_err(), "{name} missing");
            case.headers = headers.clone();
        }
    }
}

#[test]
fn every_key_of_another_kind_or_none_is_refused() {
    assert_eq!(Secret::new("").err(), Some(SecretError::Empty));
    assert_eq!(
        Secret::standard_webhooks("whsec_").err(),
        Some(SecretError::Empty)
    );
    for text in ["whsec_?", "whsec_AAA", "whsec_AAB=", "whsec_ AAA="] {
        assert_eq!(
            Secret::standard_webhooks(text).err(),
            Some(SecretError::Malformed),
            "{text}"
        );
    }
    let body = "body";
    let secret = Secret::new("secret").unwrap();
    let headers = Scheme::github().sign(&secret, body).unwrap();
    let other = Secrets::new(Secret::new("other").unwrap());
    assert!(
        Scheme::github()
            .verify(&headers, &other, SystemTime::now(), body)
            .is_err()
    );
}

#[test]
fn hmac_is_that_of_rfc_4231() -> Result<(), Infallible> {
    let cases: Vec<Value> = serde_json::from_str(include_str!("../fixtures/hmac.json")).unwrap();
    assert!(!cases.is_empty());
    for case in cases {
        let bytes = |field: &str| {
            let text = case[field].as_str().unwrap().as_bytes();
            text.chunks(2)
                .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
                .collect::<Vec<u8>>()
        };
        let secret = Secret::new(bytes("key_hex")).unwrap();
        let headers = Scheme::gocardless()
            .sign(&secret, bytes("data_hex"))
            .unwrap();
        assert_eq!(
            headers["webhook-signature"],
            case["sha256"].as_str().unwrap(),
            "{}",
            case["id"]
        );
    }
    Ok(())
}

#[test]
fn rotation_tells_which_secret_signed() {
    let scheme = Scheme::github();
    let (new, old) = (Secret::new("new").unwrap(), Secret::new("old").unwrap());
    let secrets = Secrets::new(new.clone())
        .previous(old.clone())
        .previous(old.clone());
    for (secret, index) in [(new, 0), (old, 1)] {
        let headers = scheme.sign(&secret, "body").unwrap();
        let verified = scheme
            .verify(&headers, &secrets, SystemTime::now(), "body")
            .unwrap();
        assert_eq!((verified.key_index(), verified.scheme()), (index, "github"));
    }
}
