use std::time::{Duration, SystemTime};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use ring::{hmac, rand::SystemRandom, signature};
use serde_json::{Value, json};
use tower_access_control::{
    ApiKeys, AuthenticateLayer, Authenticator, Presented, Rejection, any_of,
    jwt::{Algorithm, Claims, Jwt, KeyError, KeySet, VerifyingKey},
};

use crate::script::{answer, at, bearer, key, keys, outcome, prefix, store};

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const NOW: u64 = 1_000_000;

pub(crate) fn hs256(header: &Value, claims: &Value) -> String {
    signed(header.to_string().as_bytes(), claims.to_string().as_bytes())
}

fn signed(header: &[u8], claims: &[u8]) -> String {
    let message = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let tag = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn plain() -> Value {
    json!({"alg": "HS256"})
}

fn good() -> Value {
    json!({"sub": "ada", "exp": NOW + 100})
}

fn user(claims: &Claims<'_>) -> Option<&'static str> {
    match claims.subject()? {
        "ada" => Some("ada"),
        "joe" => Some("joe"),
        _ => None,
    }
}

type Tokens = Jwt<KeySet, fn(&Claims<'_>) -> Option<&'static str>>;

fn tokens() -> Tokens {
    let key = VerifyingKey::hs256(SECRET).unwrap();
    Jwt::new(KeySet::from(key), user)
}

async fn seen_at<A>(tokens: A, now: SystemTime, token: &str) -> String
where
    A: Authenticator<Principal = &'static str>,
{
    let layer = AuthenticateLayer::new(tokens).clock(move || now);
    outcome(&layer, bearer(token)).await
}

async fn seen(tokens: Tokens, token: &str) -> String {
    seen_at(tokens, at(NOW), token).await
}

#[tokio::test]
async fn a_good_token_says_who_calls() {
    assert_eq!(seen(tokens(), &hs256(&plain(), &good())).await, "ada");
    let spaced = signed(
        b" {\"alg\" : \"HS\\u003256\" }",
        good().to_string().as_bytes(),
    );
    assert_eq!(seen(tokens(), &spaced).await, "ada");
}

#[tokio::test]
async fn headers_say_what_is_asked_for() {
    for (header, expected) in [
        (json!({"alg": "HS256", "typ": "JWT"}), "ada"),
        (json!({"alg": "HS256", "typ": "jwt"}), "ada"),
        (json!({"alg": "HS256", "typ": "application/jwt"}), "ada"),
        (json!({"alg": "HS256", "typ": "at+jwt"}), "wrong_type"),
        (json!({"alg": "HS256", "typ": ""}), "wrong_type"),
        (json!({"alg": "HS256", "typ": 1}), "malformed_credential"),
        (json!({"alg": "HS256", "kid": "any"}), "ada"),
        (
            json!({"alg": "HS256", "jwk": {"kty": "oct", "k": "AAAA"}, "jku": "https://evil.example"}),
            "ada",
        ),
        (json!({"alg": "none"}), "wrong_algorithm"),
        (json!({"alg": "None"}), "wrong_algorithm"),
        (json!({"alg": "hs256"}), "wrong_algorithm"),
        (json!({"alg": "HS384"}), "wrong_algorithm"),
        (json!({"alg": "HS512"}), "wrong_algorithm"),
        (json!({"alg": "RS256"}), "wrong_algorithm"),
        (json!({"alg": "EdDSA"}), "wrong_algorithm"),
        (json!({"alg": ""}), "wrong_algorithm"),
        (json!({"alg": null}), "malformed_credential"),
        (json!({"alg": ["HS256"]}), "malformed_credential"),
        (json!({}), "malformed_credential"),
        (json!([]), "malformed_credential"),
        (json!("HS256"), "malformed_credential"),
        (
            json!({"alg": "HS256", "crit": ["exp"], "exp": 1}),
            "unknown_critical",
        ),
        (
            json!({"alg": "HS256", "crit": ["b64"], "b64": false}),
            "unknown_critical",
        ),
        (json!({"alg": "HS256", "crit": []}), "unknown_critical"),
        (json!({"alg": "HS256", "crit": null}), "unknown_critical"),
    ] {
        assert_eq!(
            seen(tokens(), &hs256(&header, &good())).await,
            expected,
            "{header}"
        );
    }
    let twice = signed(
        br#"{"alg":"none","alg":"HS256"}"#,
        good().to_string().as_bytes(),
    );
    assert_eq!(seen(tokens(), &twice).await, "malformed_credential");
}

#[tokio::test]
async fn a_type_that_is_asked_for_must_be_there() {
    for (typ, expected) in [
        (json!("at+jwt"), "ada"),
        (json!("AT+JWT"), "ada"),
        (json!("application/at+jwt"), "ada"),
        (json!("JWT"), "wrong_type"),
        (json!(null), "wrong_type"),
    ] {
        let token = hs256(&json!({"alg": "HS256", "typ": typ}), &good());
        assert_eq!(
            seen(tokens().token_type("at+jwt"), &token).await,
            expected,
            "{typ}"
        );
    }
}

#[tokio::test]
async fn a_token_is_good_until_its_end_and_the_leeway_after_it() {
    let claims = json!({"sub": "ada", "exp": 1000, "nbf": 500});
    let token = hs256(&plain(), &claims);
    for (now, expected) in [
        (439, "premature_credential"),
        (440, "ada"),
        (999, "ada"),
        (1000, "ada"),
        (1059, "ada"),
        (1060, "expired_credential"),
    ] {
        assert_eq!(seen_at(tokens(), at(now), &token).await, expected, "{now}");
    }
    for (now, expected) in [
        (499, "premature_credential"),
        (500, "ada"),
        (999, "ada"),
        (1000, "expired_credential"),
    ] {
        let strict = tokens().leeway(Duration::ZERO);
        assert_eq!(seen_at(strict, at(now), &token).await, expected, "{now}");
    }
}

#[tokio::test]
async fn times_that_are_no_times_are_no_way_in() {
    for claims in [
        json!({"sub": "ada"}),
        json!({"sub": "ada", "exp": null}),
        json!({"sub": "ada", "exp": "never"}),
        json!({"sub": "ada", "exp": "9999999999"}),
        json!({"sub": "ada", "exp": [9_999_999_999_u64]}),
        json!({"sub": "ada", "exp": true}),
        json!({"sub": "ada", "exp": -1}),
        json!({"sub": "ada", "exp": 1e300}),
        json!({"sub": "ada", "exp": u64::MAX}),
        json!({"sub": "ada", "exp": NOW + 100, "nbf": "0"}),
        json!({"sub": "ada", "exp": NOW + 100, "nbf": -1}),
        json!({"sub": "ada", "exp": NOW + 100, "nbf": 1e300}),
    ] {
        let seen = seen(tokens(), &hs256(&plain(), &claims)).await;
        assert_eq!(seen, "malformed_credential", "{claims}");
    }
    let broken = json!({"sub": "ada", "exp": NOW as f64 + 0.5});
    let strict = tokens().leeway(Duration::ZERO);
    assert_eq!(seen(strict, &hs256(&plain(), &broken)).await, "ada");
    let endless = tokens().leeway(Duration::MAX);
    let past = json!({"sub": "ada", "exp": 1, "nbf": NOW + 1});
    assert_eq!(seen(endless, &hs256(&plain(), &past)).await, "ada");
    let twice = format!(r#"{{"sub":"ada","exp":1,"exp":{}}}"#, NOW + 100);
    let token = signed(b"{\"alg\":\"HS256\"}", twice.as_bytes());
    assert_eq!(seen(tokens(), &token).await, "malformed_credential");
}

#[tokio::test]
async fn issuer_and_audience_are_as_asked_for() {
    for (claims, expected) in [
        (json!({"iss": "us", "aud": "api"}), "ada"),
        (json!({"iss": "us", "aud": ["other", "api"]}), "ada"),
        (json!({"iss": "us"}), "wrong_audience"),
        (json!({"iss": "us", "aud": []}), "wrong_audience"),
        (json!({"iss": "us", "aud": "ap"}), "wrong_audience"),
        (json!({"iss": "us", "aud": "API"}), "wrong_audience"),
        (json!({"iss": "them", "aud": "api"}), "wrong_issuer"),
        (json!({"aud": "api"}), "wrong_issuer"),
        (json!({"iss": ["us"], "aud": "api"}), "malformed_credential"),
        (
            json!({"iss": "us", "aud": {"api": 1}}),
            "malformed_credential",
        ),
    ] {
        let mut claims = claims;
        claims["sub"] = json!("ada");
        claims["exp"] = json!(NOW + 100);
        let tokens = tokens().issuer("us").audience("api");
        assert_eq!(
            seen(tokens, &hs256(&plain(), &claims)).await,
            expected,
            "{claims}"
        );
    }
    let for_others = json!({"sub": "ada", "exp": NOW + 100, "aud": "others"});
    let seen = seen(tokens(), &hs256(&plain(), &for_others)).await;
    assert_eq!(seen, "wrong_audience");
}

#[tokio::test]
async fn claims_that_describe_nobody_are_refused() {
    let stranger = json!({"sub": "eve", "exp": NOW + 100});
    assert_eq!(
        seen(tokens(), &hs256(&plain(), &stranger)).await,
        "no_such_principal"
    );
    for not_claims in ["[]", "1", "", "{", "{} {}"] {
        let token = signed(b"{\"alg\":\"HS256\"}", not_claims.as_bytes());
        assert_eq!(
            seen(tokens(), &token).await,
            "malformed_credential",
            "{not_claims}"
        );
    }
}

#[tokio::test]
async fn a_token_is_written_in_one_way_only() {
    let token = hs256(&plain(), &good());
    let (message, tag) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    for (written, expected) in [
        (format!("{token}="), "malformed_credential"),
        (format!("{header}=.{payload}.{tag}"), "malformed_credential"),
        (format!("{header}.{payload}=.{tag}"), "wrong_signature"),
        (format!("{message}."), "wrong_signature"),
        (format!("{header}..{tag}"), "wrong_signature"),
        (format!(".{payload}.{tag}"), "malformed_credential"),
        ("..".to_owned(), "malformed_credential"),
        (format!("{message}.{}", &tag[1..]), "malformed_credential"),
        (format!("{message}.{tag} x"), "malformed_credential"),
        (message.to_owned(), "unknown_credential"),
        (format!("{token}.x"), "unknown_credential"),
    ] {
        assert_eq!(seen(tokens(), &written).await, expected, "{written}");
    }
    // 256 bits leave two over in 43 letters; all but one way to fill them are refused.
    let last = tag.chars().last().unwrap();
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for other in letters.chars().filter(|other| *other != last) {
        let written = format!("{message}.{}{other}", &tag[..tag.len() - 1]);
        assert_ne!(seen(tokens(), &written).await, "ada", "{other}");
    }
}

#[tokio::test]
async fn no_bit_of_a_token_can_be_changed() {
    let token = hs256(&json!({"alg": "HS256", "typ": "JWT"}), &good());
    for place in 0..token.len() {
        for bit in 0..7 {
            let mut bytes = token.clone().into_bytes();
            bytes[place] ^= 1 << bit;
            if let Some(changed) = String::from_utf8(bytes)
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_graphic()))
            {
                assert_ne!(seen(tokens(), &changed).await, "ada", "{place} {bit}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_may_be_as_long_as_the_limit_and_no_longer() {
    let token = hs256(&plain(), &good());
    assert_eq!(seen(tokens().max_len(token.len()), &token).await, "ada");
    let seen_one_less = seen(tokens().max_len(token.len() - 1), &token).await;
    assert_eq!(seen_one_less, "oversized_credential");
    let long = json!({"sub": "ada", "exp": NOW + 100, "x": "x".repeat(8 * 1024)});
    let seen = seen(tokens(), &hs256(&plain(), &long)).await;
    assert_eq!(seen, "oversized_credential");
}

#[test]
fn weak_keys_are_refused() {
    for (key, least) in [
        (VerifyingKey::hs256 as fn(&[u8]) -> _, 32),
        (VerifyingKey::hs384, 48),
        (VerifyingKey::hs512, 64),
    ] {
        assert_eq!(key(&vec![1; least - 1]).err(), Some(KeyError::Weak));
        assert!(key(&vec![1; least]).is_ok());
    }
    let rsa = |bytes| VerifyingKey::rsa(Algorithm::Rs256, &vec![0xff; bytes], &[1, 0, 1]);
    assert_eq!(rsa(255).err(), Some(KeyError::Weak));
    assert!(rsa(256).is_ok());
    assert_eq!(rsa(1025).err(), Some(KeyError::Unsupported));
    let padded = [vec![0; 200], vec![0xff; 100]].concat();
    let padded = VerifyingKey::rsa(Algorithm::Rs256, &padded, &[3]);
    assert_eq!(padded.err(), Some(KeyError::Weak));
    let other = VerifyingKey::rsa(Algorithm::Hs256, &[0xff; 256], &[3]);
    assert_eq!(other.err(), Some(KeyError::Unsupported));
    let other = VerifyingKey::ecdsa(Algorithm::EdDsa, &[1; 32], &[1; 32]);
    assert_eq!(other.err(), Some(KeyError::Unsupported));
    let short = VerifyingKey::ecdsa(Algorithm::Es256, &[1; 31], &[1; 32]);
    assert_eq!(short.err(), Some(KeyError::Malformed));
    let long = VerifyingKey::ed25519(&[1; 33]);
    assert_eq!(long.err(), Some(KeyError::Malformed));
}

/// RFC 7515, appendix A: the tokens say `iss: joe` and end at 1300819380.
mod rfc_7515 {
    pub(super) const END: u64 = 1_300_819_380;
    pub(super) const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    pub(super) const HS256_KEY: &str =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    pub(super) const HS256: (&str, &str) = (
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
    pub(super) const RS256_N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    pub(super) const RS256: (&str, &str) = (
        "eyJhbGciOiJSUzI1NiJ9",
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
    );
    pub(super) const ES256_X: &str = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
    pub(super) const ES256_Y: &str = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
    pub(super) const ES256: (&str, &str) = (
        "eyJhbGciOiJFUzI1NiJ9",
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
    );
}

fn jwks(keys: &[Value]) -> KeySet {
    KeySet::from_jwks(json!({"keys": keys}).to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn the_examples_of_rfc_7515_are_good_until_they_end() {
    use rfc_7515::*;
    let issuer = |claims: &Claims<'_>| (claims.issuer() == Some("joe")).then_some("joe");
    let secret = URL_SAFE_NO_PAD.decode(HS256_KEY).unwrap();
    let rsa = json!({"kty": "RSA", "n": RS256_N, "e": "AQAB"});
    let point = json!({"kty": "EC", "crv": "P-256", "x": ES256_X, "y": ES256_Y});
    let sets = [
        (KeySet::from(VerifyingKey::hs256(&secret).unwrap()), HS256),
        (jwks(&[rsa]), RS256),
        (jwks(&[point]), ES256),
    ];
    for (keys, _) in &sets {
        for (other, (header, tag)) in &sets {
            let token = format!("{header}.{CLAIMS}.{tag}");
            let own = std::ptr::eq(keys, other);
            let tokens = Jwt::new(keys.clone(), issuer);
            let expected = if own { "joe" } else { "wrong_algorithm" };
            assert_eq!(seen_at(tokens.clone(), at(END - 1), &token).await, expected);
            let expected = if own {
                "expired_credential"
            } else {
                "wrong_algorithm"
            };
            assert_eq!(seen_at(tokens, at(END + 61), &token).await, expected);
        }
    }
}

#[tokio::test]
async fn curves_and_edwards_curves_are_verified() {
    let random = SystemRandom::new();
    let ed25519 = signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let p384 = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
    let pkcs8 = signature::EcdsaKeyPair::generate_pkcs8(p384, &random).unwrap();
    let p384 = signature::EcdsaKeyPair::from_pkcs8(p384, pkcs8.as_ref(), &random).unwrap();
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let point = signature::KeyPair::public_key(&p384).as_ref();
    let edwards = signature::KeyPair::public_key(&ed25519).as_ref();
    let set = jwks(&[
        json!({"kid": "p", "kty": "EC", "crv": "P-384", "alg": "ES384", "use": "sig",
            "x": encode(&point[1..49]), "y": encode(&point[49..])}),
        json!({"kid": "e", "kty": "OKP", "crv": "Ed25519", "x": encode(edwards)}),
    ]);
    for (id, algorithm) in [("p", "ES384"), ("e", "EdDSA")] {
        for named in ["ES384", "EdDSA"] {
            let header = json!({"alg": named, "kid": id}).to_string();
            let message = format!(
                "{}.{}",
                encode(header.as_bytes()),
                encode(good().to_string().as_bytes())
            );
            let tag = match algorithm {
                "ES384" => p384
                    .sign(&random, message.as_bytes())
                    .unwrap()
                    .as_ref()
                    .to_vec(),
                _ => ed25519.sign(message.as_bytes()).as_ref().to_vec(),
            };
            let token = format!("{message}.{}", encode(&tag));
            let tokens = Jwt::new(set.clone(), user);
            let expected = if named == algorithm {
                "ada"
            } else {
                "wrong_algorithm"
            };
            assert_eq!(
                seen_at(tokens, at(NOW), &token).await,
                expected,
                "{id} {named}"
            );
        }
    }
    // Which of the two is not said.
    let unnamed = hs256(&plain(), &good());
    assert_eq!(
        seen_at(Jwt::new(set, user), at(NOW), &unnamed).await,
        "unknown_key"
    );
}

/// The public key is known to everybody, and so is an HMAC with it.
#[tokio::test]
async fn a_public_key_is_not_a_secret() {
    let pair = signature::Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = signature::KeyPair::public_key(&pair).as_ref();
    let message = hs256(&plain(), &good());
    let (message, _) = message.rsplit_once('.').unwrap();
    let forged = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, public),
        message.as_bytes(),
    );
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(forged));
    let keys = KeySet::from(VerifyingKey::ed25519(public).unwrap());
    assert_eq!(
        seen_at(Jwt::new(keys, user), at(NOW), &token).await,
        "wrong_algorithm"
    );
}

#[tokio::test]
async fn keys_of_no_use_are_left_out_of_a_document() {
    let use_of = |jwk: Value| {
        let keys = jwks(&[jwk]);
        format!("{keys:?}").contains("VerifyingKey")
    };
    let point = |more: Value| {
        let mut jwk =
            json!({"kty": "EC", "crv": "P-256", "x": rfc_7515::ES256_X, "y": rfc_7515::ES256_Y});
        jwk.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        jwk
    };
    assert!(use_of(point(json!({}))));
    assert!(use_of(point(
        json!({"use": "sig", "alg": "ES256", "key_ops": ["verify"]})
    )));
    for more in [
        json!({"use": "enc"}),
        json!({"key_ops": ["sign"]}),
        json!({"alg": "ES384"}),
        json!({"alg": "HS256"}),
        json!({"alg": "none"}),
        json!({"crv": "P-521"}),
        json!({"kty": "oct", "k": rfc_7515::HS256_KEY, "alg": "HS256"}),
        json!({"kty": "new"}),
        json!({"x": "AAAA"}),
        json!({"x": "!"}),
        json!({"y": null}),
        json!({"kid": 7}),
    ] {
        assert!(!use_of(point(more.clone())), "{more}");
    }
    assert!(!use_of(json!("text")));
    for document in ["", "{}", "[]", "{\"keys\": 1}", "{\"keys\": []} x"] {
        assert_eq!(
            KeySet::from_jwks(document.as_bytes()).err(),
            Some(KeyError::Malformed)
        );
    }
}

#[tokio::test]
async fn of_several_keys_a_token_names_its_own() {
    let other = VerifyingKey::hs256(&[9; 32]).unwrap();
    let own = VerifyingKey::hs256(SECRET).unwrap();
    let set: KeySet = [other.clone().id("old"), own.clone().id("new")]
        .into_iter()
        .collect();
    for (id, expected) in [
        (json!("new"), "ada"),
        (json!("old"), "wrong_signature"),
        (json!("newer"), "unknown_key"),
        (json!(""), "unknown_key"),
        (json!(null), "unknown_key"),
    ] {
        let token = hs256(&json!({"alg": "HS256", "kid": id}), &good());
        let tokens = Jwt::new(set.clone(), user);
        assert_eq!(seen_at(tokens, at(NOW), &token).await, expected, "{id}");
    }
    let named = KeySet::from(own.id("new"));
    for (id, expected) in [
        (json!("new"), "ada"),
        (json!(null), "ada"),
        (json!("x"), "unknown_key"),
    ] {
        let token = hs256(&json!({"alg": "HS256", "kid": id}), &good());
        assert_eq!(
            seen_at(Jwt::new(named.clone(), user), at(NOW), &token).await,
            expected
        );
    }
    let none = Jwt::new(KeySet::default(), user);
    let token = hs256(&plain(), &good());
    assert_eq!(seen_at(none, at(NOW), &token).await, "unknown_key");
}

#[tokio::test]
async fn keys_and_tokens_are_told_apart_in_one_header() {
    let both = || any_of(keys(), tokens());
    assert_eq!(seen_at(both(), at(NOW), key(1).expose()).await, "ada");
    assert_eq!(
        seen_at(both(), at(NOW), &hs256(&plain(), &good())).await,
        "ada"
    );
    assert_eq!(seen_at(both(), at(NOW), "else").await, "unknown_credential");
    let layer = AuthenticateLayer::new(both());
    let (response, _) = answer(&layer, bearer("else")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.headers()["www-authenticate"],
        "Bearer realm=\"api\", error=\"invalid_token\""
    );
}

#[tokio::test]
async fn a_token_beside_a_key_is_one_too_many() {
    let header = ApiKeys::new(prefix(), store()).header(http::HeaderName::from_static("x-api-key"));
    let layer = AuthenticateLayer::new(any_of(header, tokens()));
    let mut request = bearer(&hs256(&plain(), &good()));
    let value = key(1).expose().parse().unwrap();
    request.headers_mut().insert("x-api-key", value);
    assert_eq!(outcome(&layer, request).await, "repeated_credential");
}

#[tokio::test]
async fn nothing_of_a_token_or_of_its_key_is_shown() {
    let token = hs256(&plain(), &good());
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
    let Ok(Presented::Credential(credential)) = tokens().present(&headers) else {
        panic!("a token was not seen")
    };
    let future = tokens().verify(credential.clone(), at(NOW));
    let mut shown = format!("{credential:?} {future:?} {:?}", tokens());
    let rejection: Result<_, Rejection> = tokens().verify(credential, at(NOW + 1000)).await;
    shown += &format!("{rejection:?} {:?}", VerifyingKey::hs256(SECRET));
    assert!(shown.contains("Expired"));
    let secret = std::str::from_utf8(SECRET).unwrap();
    for telling in token.split('.').chain([secret, "48, 49, 50", "30313233"]) {
        assert!(!shown.contains(telling), "{shown}");
    }
}

/// JSON, nearly JSON, and anything.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let member = prop_oneof![
        Just("\"alg\":\"HS256\""),
        Just("\"alg\":\"none\""),
        Just("\"typ\":\"JWT\""),
        Just("\"kid\":\"\\ud800\""),
        Just("\"crit\":[]"),
        Just("\"exp\":1e999"),
        Just("\"sub\":\"ada\""),
        Just("\"aud\":[[]]"),
        Just("\"a\":{\"b\":[1,2,"),
    ];
    let object = prop::collection::vec(member, 0..4)
        .prop_map(|members| format!("{{{}}}", members.join(",")).into_bytes());
    prop_oneof![object, prop::collection::vec(any::<u8>(), 0..40)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nobody_gets_in_without_the_key(
        header in part(),
        claims in part(),
        tag in prop::collection::vec(any::<u8>(), 0..40),
        raw: bool,
    ) {
        let encode = |part: &[u8]| match std::str::from_utf8(part) {
            Ok(text) if raw => text.chars().filter(char::is_ascii_graphic).collect(),
            _ => URL_SAFE_NO_PAD.encode(part),
        };
        let token = format!("{}.{}.{}", encode(&header), encode(&claims), encode(&tag));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let unsigned = runtime.block_on(seen(tokens(), &token));
        prop_assert!(unsigned != "ada", "{}", token);
        // What is signed may be anything, too.
        let seen = runtime.block_on(seen(tokens(), &signed(&header, &claims)));
        prop_assert!(seen != "ada", "{}", token);
    }
}
