//! What may be sent, and what is said to those who sent something else.

use http::{HeaderName, Request, StatusCode};
use tower_access_control::{ApiKeys, AuthenticateLayer, any_of};

use crate::script::{answer, key, keys, outcome, prefix, store};

const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");

fn request(headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap()
}

#[tokio::test]
async fn exactly_one_credential_counts() {
    let good = key(1);
    let good = good.expose();
    let bearer = &*format!("Bearer {good}");
    let matrix: &[(&[(&str, &str)], &str)] = &[
        (&[], "missing_credential"),
        (&[("authorization", bearer)], "ada"),
        (
            &[("authorization", &bearer.replace("Bearer", "bEARER"))],
            "ada",
        ),
        (&[("authorization", &bearer.replace(' ', "   "))], "ada"),
        (&[("authorization", &format!("{bearer}  "))], "ada"),
        (&[("authorization", good)], "missing_credential"),
        (&[("authorization", "")], "missing_credential"),
        (&[("authorization", "Bearer")], "missing_credential"),
        (&[("authorization", "Bearer ")], "missing_credential"),
        (&[("authorization", "Basic YTpi")], "missing_credential"),
        (
            &[("authorization", &format!("Bearer\t{good}"))],
            "missing_credential",
        ),
        (&[("authorization", "Bearer else")], "unknown_credential"),
        (
            &[("authorization", &format!("{bearer}, {bearer}"))],
            "malformed_credential",
        ),
        (
            &[("authorization", &format!("{bearer} {good}"))],
            "malformed_credential",
        ),
        (
            &[("authorization", bearer), ("authorization", bearer)],
            "repeated_credential",
        ),
        (
            &[("authorization", bearer), ("authorization", "Basic YTpi")],
            "repeated_credential",
        ),
        (
            &[("authorization", "Basic YTpi"), ("authorization", bearer)],
            "repeated_credential",
        ),
        (
            &[("authorization", bearer), ("authorization", "")],
            "repeated_credential",
        ),
        (&[("authorization", bearer), ("x-api-key", good)], "ada"),
        (&[("x-api-key", good)], "missing_credential"),
    ];
    let layer = AuthenticateLayer::new(keys());
    for (headers, expected) in matrix {
        assert_eq!(
            outcome(&layer, request(headers)).await,
            *expected,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn of_two_kinds_only_one_may_be_there() {
    let good = key(1);
    let good = good.expose();
    let bearer = &*format!("Bearer {good}");
    let unknown = key(2);
    let matrix: &[(&[(&str, &str)], &str)] = &[
        (&[], "missing_credential"),
        (&[("authorization", bearer)], "ada"),
        (&[("x-api-key", good)], "ada"),
        (&[("x-api-key", &format!(" {good} "))], "ada"),
        (&[("x-api-key", "")], "missing_credential"),
        (&[("x-api-key", "else")], "unknown_credential"),
        (&[("x-api-key", "else"), ("authorization", bearer)], "ada"),
        (
            &[("x-api-key", unknown.expose()), ("authorization", bearer)],
            "repeated_credential",
        ),
        (
            &[("x-api-key", good), ("authorization", bearer)],
            "repeated_credential",
        ),
        (
            &[("x-api-key", good), ("x-api-key", good)],
            "repeated_credential",
        ),
        (
            &[("x-api-key", ""), ("x-api-key", good)],
            "repeated_credential",
        ),
        (
            &[("x-api-key", good), ("authorization", "Basic YTpi")],
            "ada",
        ),
    ];
    let layer = AuthenticateLayer::new(any_of(
        keys(),
        ApiKeys::new(prefix(), store()).header(X_API_KEY),
    ));
    for (headers, expected) in matrix {
        assert_eq!(
            outcome(&layer, request(headers)).await,
            *expected,
            "{headers:?}"
        );
    }
}

#[tokio::test]
async fn one_challenge_names_all_ways_there_are() {
    let header = ApiKeys::new(prefix(), store()).header(X_API_KEY);
    let layer = AuthenticateLayer::new(any_of(keys(), any_of(header, keys())));
    let (missing, _) = answer(&layer, request(&[])).await;
    assert_eq!(missing.status(), StatusCode::UNAUTHORIZED);
    let challenges: Vec<_> = missing
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(
        challenges,
        ["Bearer realm=\"api\", ApiKey realm=\"api\", header=\"x-api-key\""]
    );
    let (wrong, _) = answer(&layer, request(&[("authorization", "Bearer else")])).await;
    assert_eq!(
        wrong.headers()["www-authenticate"],
        "Bearer realm=\"api\", error=\"invalid_token\", ApiKey realm=\"api\", header=\"x-api-key\""
    );
}

#[tokio::test]
async fn what_cannot_be_meant_is_a_400_without_a_challenge() {
    let layer = AuthenticateLayer::new(keys());
    let twice = request(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]);
    let (response, _) = answer(&layer, twice).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert!(!response.headers().contains_key("www-authenticate"));
    assert!(response.body().is_empty());
}
