//! Cases published for GitHub's scheme, and what becomes of them when something is changed.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde_json::Value;
use tower_webhook_hmac::{Scheme, Secret, SecretError, Secrets, VerifyWebhookLayer};

use crate::script::{Script, Step, send};

struct Case {
    name: String,
    secrets: Result<Secrets, SecretError>,
    headers: HeaderMap,
    body: Vec<u8>,
    expect: Value,
}

fn cases() -> Vec<Case> {
    let cases: Value = serde_json::from_str(include_str!("../fixtures/github.json")).unwrap();
    cases.as_array().unwrap().iter().map(case).collect()
}

fn case(case: &Value) -> Case {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut secrets = case["secrets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| Secret::new(text(s)));
    let newest = secrets.next().unwrap().map(Secrets::new);
    Case {
        name: text(&case["name"]),
        secrets: secrets.fold(newest, |secrets, older| Ok(secrets?.previous(older?))),
        headers: case["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|header| {
                (
                    text(&header[0]).parse::<HeaderName>().unwrap(),
                    HeaderValue::from_bytes(text(&header[1]).as_bytes()).unwrap(),
                )
            })
            .collect(),
        body: text(&case["body_hex"])
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect(),
        expect: case["expect"].clone(),
    }
}

impl Case {
    fn request(&self, frames: usize) -> Request<Script> {
        let frames = self
            .body
            .chunks(frames)
            .map(|chunk| Step::Data(Bytes::copy_from_slice(chunk)));
        let mut request = Request::post("/").body(Script::new(frames)).unwrap();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

#[tokio::test]
async fn every_published_case_gets_its_verdict_in_one_piece_and_in_frames() {
    for case in cases() {
        let name = &case.name;
        if case.expect == "reject_config" {
            assert_eq!(
                case.secrets.as_ref().err(),
                Some(&SecretError::Empty),
                "{name}"
            );
            continue;
        }
        let secrets = case.secrets.clone().unwrap();
        let at_once = Scheme::github().verify(&case.headers, &secrets, &case.body);
        match case.expect.as_u64() {
            None => assert!(at_once.is_ok(), "{name}: {at_once:?}"),
            Some(status) => {
                let rejection = at_once.clone().expect_err(name);
                assert_eq!(
                    u64::from(rejection.status().as_u16()),
                    status,
                    "{name}: {rejection}"
                );
            }
        }
        let layer = VerifyWebhookLayer::github(secrets);
        for frame in [1, 2, 3, 7, 64, 1000] {
            let received = send(&layer, case.request(frame)).await;
            assert_eq!(
                received.as_ref().map(|r| &r.verified),
                at_once.as_ref(),
                "{name}"
            );
            if let Ok(received) = received {
                assert_eq!(received.frames.concat(), case.body, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn an_altered_bit_anywhere_in_the_body_is_refused() {
    for mut case in cases().into_iter().filter(|case| case.expect == "accept") {
        let secrets = case.secrets.clone().unwrap();
        for bit in 0..case.body.len() * 8 {
            case.body[bit / 8] ^= 1 << (bit % 8);
            let verdict = Scheme::github().verify(&case.headers, &secrets, &case.body);
            assert!(verdict.is_err(), "{} bit {bit}", case.name);
            case.body[bit / 8] ^= 1 << (bit % 8);
        }
    }
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
        let verified = scheme.verify(&headers, &secrets, "body").unwrap();
        assert_eq!((verified.key_index(), verified.scheme()), (index, "github"));
    }
}
