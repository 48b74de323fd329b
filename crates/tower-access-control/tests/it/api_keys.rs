use std::{collections::HashSet, error::Error, io};

use http::StatusCode;
use tower_access_control::{
    ApiKey, ApiKeys, AuthenticateLayer, KeyId, MalformedKey, MemoryKeyStore, Prefix, StoredKey,
};

use crate::script::{Wall, answer, at, bearer, key, keys, outcome, prefix, store};

#[test]
fn a_key_is_prefix_id_secret_and_check() {
    let key = key(1);
    let text = key.expose();
    let rest = text.strip_prefix("acme_live_").unwrap();
    let lengths: Vec<_> = rest.split('_').map(str::len).collect();
    assert_eq!(lengths, [11, 27, 6]);
    assert_eq!(rest.split('_').next(), Some(key.id().as_str()));
    assert!(
        rest.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    );
}

/// 62 to the 27th is above 2 to the 160th, and so two secrets never share a text.
#[test]
fn all_bits_of_the_secret_are_in_the_key() {
    let most = ApiKey::from_entropy(&prefix(), [0xff; 28]);
    let secret = most.expose().split('_').nth(3).unwrap();
    assert!(secret > "0".repeat(27).as_str() && secret.len() == 27);
    let texts: HashSet<_> = (0..160)
        .map(|bit| {
            let mut entropy = [0; 28];
            entropy[8 + bit / 8] = 1 << (bit % 8);
            ApiKey::from_entropy(&prefix(), entropy).expose().to_owned()
        })
        .collect();
    assert_eq!(texts.len(), 160);
}

#[test]
fn generated_keys_differ_and_can_be_read() {
    let keys: Vec<_> = (0..100)
        .map(|_| ApiKey::generate(&prefix()).unwrap())
        .collect();
    let ids: HashSet<_> = keys.iter().map(ApiKey::id).collect();
    assert_eq!(ids.len(), 100);
    for key in keys {
        let read = ApiKey::parse(&prefix(), key.expose()).unwrap();
        assert_eq!((read.id(), read.digest()), (key.id(), key.digest()));
    }
}

#[test]
fn keys_of_others_are_not_keys() {
    let key = key(1);
    for prefix in ["acme", "acme_test", "acme_live_0"] {
        let prefix: Prefix = prefix.parse().unwrap();
        assert_eq!(
            ApiKey::parse(&prefix, key.expose()).err(),
            Some(MalformedKey)
        );
    }
}

#[test]
fn a_prefix_is_lower_case_and_short() {
    for legal in ["a", "acme_live", "a1_2"] {
        assert_eq!(legal.parse::<Prefix>().unwrap().as_str(), legal);
    }
    for illegal in [
        "",
        "A",
        "1a",
        "a_",
        "_a",
        "a-b",
        "a.b",
        "ä",
        &"a".repeat(33),
    ] {
        assert!(illegal.parse::<Prefix>().is_err(), "{illegal}");
    }
}

#[tokio::test]
async fn a_key_says_who_calls_to_handlers_and_to_the_layers_outside() {
    let layer = AuthenticateLayer::new(keys());
    let (response, _) = answer(&layer, bearer(key(1).expose())).await;
    assert_eq!(response.body(), "ada");
    assert_eq!(response.extensions().get(), Some(&"ada"));
}

#[tokio::test]
async fn a_key_with_another_secret_is_as_unknown_as_one_with_another_id() {
    let layer = AuthenticateLayer::new(keys());
    let mut entropy = [1; 28];
    entropy[27] = 2;
    let same_id = ApiKey::from_entropy(&prefix(), entropy);
    assert_eq!(same_id.id(), key(1).id());
    for wrong in [same_id, key(2)] {
        let (response, rejection) = answer(&layer, bearer(wrong.expose())).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(rejection.unwrap().code(), "unknown_credential");
    }
}

/// With the digest that stands in for one that doesn't exist.
#[tokio::test]
async fn a_store_that_holds_zeros_for_a_digest_lets_nobody_in() {
    let store = async |_: KeyId| {
        Ok::<_, io::Error>(Some(StoredKey {
            digest: tower_access_control::KeyDigest::from_bytes([0; 32]),
            principal: "nobody",
            expires_at: None,
        }))
    };
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store));
    let outcome = outcome(&layer, bearer(key(1).expose())).await;
    assert_eq!(outcome, "unknown_credential");
}

#[tokio::test]
async fn a_mistyped_key_is_refused_without_asking_the_store() {
    let store =
        |_: KeyId| -> std::future::Ready<Result<Option<StoredKey<&'static str>>, io::Error>> {
            panic!("the store was asked")
        };
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store));
    let text = key(1).expose().to_owned();
    let mistyped = text.replace(&text[20..21], if &text[20..21] == "x" { "y" } else { "x" });
    for wrong in [
        &mistyped,
        &text[..text.len() - 1],
        &format!("{text}0"),
        "acme_live_",
    ] {
        assert_eq!(outcome(&layer, bearer(wrong)).await, "malformed_credential");
    }
    assert_eq!(outcome(&layer, bearer("other")).await, "unknown_credential");
}

#[tokio::test]
async fn a_key_ends_at_its_end_and_not_before() {
    let store = MemoryKeyStore::new();
    store.insert(&key(1), "ada", Some(at(100)));
    let wall = Wall::new(99);
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store)).clock(wall.reader());
    for (now, expected) in [
        (0, "ada"),
        (99, "ada"),
        (100, "expired_credential"),
        (u64::MAX >> 2, "expired_credential"),
    ] {
        wall.set(now);
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, expected);
    }
}

#[tokio::test]
async fn while_a_key_is_replaced_both_are_good_and_then_the_new_one_alone() {
    let store = store();
    let wall = Wall::new(0);
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store.clone())).clock(wall.reader());
    assert!(store.rotate(key(1).id(), at(100), &key(2), Some(at(500))));
    for (now, old, new) in [
        (99, "ada", "ada"),
        (100, "expired_credential", "ada"),
        (500, "expired_credential", "expired_credential"),
    ] {
        wall.set(now);
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, old);
        assert_eq!(outcome(&layer, bearer(key(2).expose())).await, new);
    }
}

#[tokio::test]
async fn an_overlap_does_not_lengthen_a_life() {
    let store = MemoryKeyStore::new();
    store.insert(&key(1), "ada", Some(at(50)));
    let wall = Wall::new(50);
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store.clone())).clock(wall.reader());
    assert!(store.rotate(key(1).id(), at(100), &key(2), None));
    assert!(!store.rotate(key(9).id(), at(100), &key(3), None));
    let outcomes = [1, 2, 3].map(|seed| bearer(key(seed).expose()));
    let mut seen = Vec::new();
    for request in outcomes {
        seen.push(outcome(&layer, request).await);
    }
    assert_eq!(seen, ["expired_credential", "ada", "unknown_credential"]);
}

#[tokio::test]
async fn a_revoked_key_is_unknown_at_once() {
    let store = store();
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), store.clone()));
    assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
    store.revoke(key(1).id());
    assert_eq!(
        outcome(&layer, bearer(key(1).expose())).await,
        "unknown_credential"
    );
}

#[tokio::test]
async fn a_store_that_is_away_is_a_503_with_its_reason() {
    let away = async |_: KeyId| {
        Err::<Option<StoredKey<&'static str>>, _>(io::Error::other("the database is away"))
    };
    let layer = AuthenticateLayer::new(ApiKeys::new(prefix(), away));
    let (response, rejection) = answer(&layer, bearer(key(1).expose())).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!response.headers().contains_key("www-authenticate"));
    let rejection = rejection.unwrap();
    assert_eq!(rejection.code(), "credentials_unavailable");
    assert_eq!(
        rejection.source().unwrap().to_string(),
        "the database is away"
    );
    assert!(!rejection.to_string().contains("database"));
}
