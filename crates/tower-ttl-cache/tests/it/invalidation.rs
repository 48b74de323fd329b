use http::{Method, Request, StatusCode, Uri};
use http_body_util::BodyExt;
use tower_ttl_cache::{BypassReason, CacheOutcome};

use crate::origin::{Stack, get, minute, ok, private};

const URI: &str = "https://a.example/x";

/// RFC 9111 section 4.4.
#[tokio::test(start_paused = true)]
async fn an_unsafe_method_that_succeeds_invalidates_its_uri() {
    #[rustfmt::skip]
    let table = [
        (Method::POST, 200, true),
        (Method::PUT, 204, true),
        (Method::DELETE, 303, true),
        (Method::PATCH, 404, false),
        (Method::POST, 500, false),
        (Method::OPTIONS, 200, false),
    ];
    for (method, status, invalidates) in table {
        let mut stack = Stack::new(&private(), move |call, request: &Request<()>| {
            let mut response = minute(call, request);
            if request.method() != Method::GET {
                *response.status_mut() = StatusCode::from_u16(status).unwrap();
            }
            response
        });
        stack.read(get(URI, &[])).await;
        stack.read(get("https://a.example/y", &[])).await;
        let mut request = get(URI, &[]);
        *request.method_mut() = method.clone();
        let outcome = stack.read(request).await.outcome;
        assert_eq!(outcome, CacheOutcome::Bypass(BypassReason::Method));

        let hit = stack.read(get(URI, &[])).await.is_hit();
        assert_eq!(hit, !invalidates, "{method} {status}");
        assert!(stack.read(get("https://a.example/y", &[])).await.is_hit());
    }
}

/// RFC 9111 section 4.4.
#[tokio::test(start_paused = true)]
async fn what_the_response_names_on_the_same_origin_goes_too() {
    let named = |name: &'static str, value: &'static str| async move {
        let mut stack = Stack::new(&private(), move |call, request: &Request<()>| {
            let mut response = minute(call, request);
            if request.method() != Method::GET {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        });
        stack.read(get("https://a.example/b/c", &[])).await;
        stack.read(get("https://b.example/b/c", &[])).await;
        let mut request = get("https://a.example/b/d", &[]);
        *request.method_mut() = Method::POST;
        stack.read(request).await;
        let foreign = stack.read(get("https://b.example/b/c", &[])).await;
        assert!(foreign.is_hit(), "{value}");
        !stack.read(get("https://a.example/b/c", &[])).await.is_hit()
    };
    for name in ["location", "content-location"] {
        assert!(named(name, "c").await);
        assert!(named(name, "/b/c").await);
        assert!(named(name, "https://A.example:443/b/c").await);
        assert!(!named(name, "https://b.example/b/c").await);
        assert!(!named(name, "http://a.example/b/c").await);
        assert!(!named(name, "/b/e").await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_prefix_takes_what_starts_with_it() {
    let mut stack = Stack::new(&private(), minute);
    let uris = [
        ("https://a.example/users", false),
        ("https://a.example/users/1", false),
        ("https://a.example/users?page=2", false),
        ("https://a.example/user", true),
        ("https://b.example/users", true),
    ];
    for (uri, _) in uris {
        stack.read(get(uri, &[])).await;
    }
    let prefix = Uri::from_static("https://a.example/users");
    let under_way = stack.send(get("https://a.example/users/2", &[])).await;
    stack.handle.invalidate_prefix(&prefix).await.unwrap();
    under_way.into_body().collect().await.unwrap();
    assert_eq!(stack.handle.stats().entries, 2);
    for (uri, kept) in uris {
        assert_eq!(stack.read(get(uri, &[])).await.is_hit(), kept, "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_takes_every_response_that_bears_it() {
    let layer = private().tag_header(http::HeaderName::from_static("surrogate-key"));
    let mut stack = Stack::new(&layer, |call, request: &Request<()>| {
        let tags = request.uri().query().unwrap().replace('+', " ");
        ok(
            call,
            &[("cache-control", "max-age=60"), ("surrogate-key", &tags)],
        )
    });
    let uris = [
        ("/?a", false),
        ("/?b+a", false),
        ("/?b,a,c", false),
        ("/?b", true),
        ("/?aa", true),
    ];
    for (uri, _) in uris {
        stack.read(get(uri, &[])).await;
    }
    let under_way = stack.send(get("/?a+new", &[])).await;
    stack.handle.invalidate_tag("a").await.unwrap();
    under_way.into_body().collect().await.unwrap();
    assert_eq!(stack.handle.stats().entries, 2);
    for (uri, kept) in uris {
        assert_eq!(stack.read(get(uri, &[])).await.is_hit(), kept, "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn invalidation_takes_every_credential_variant_and_scheme() {
    let requests = || {
        [
            get(URI, &[]),
            get(URI, &[("authorization", "alice")]),
            get(URI, &[("authorization", "bob"), ("accept", "b")]),
            get("http://a.example/x", &[]),
            // As a server sees it over HTTP/1.1.
            get("/x", &[("host", "a.example")]),
        ]
    };
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60"), ("vary", "accept")])
    });
    for request in requests() {
        stack.read(request).await;
    }
    for request in requests() {
        assert!(stack.read(request).await.is_hit());
    }
    stack
        .handle
        .invalidate(&Uri::from_static(URI))
        .await
        .unwrap();
    assert_eq!(stack.handle.stats().entries, 0);
    for request in requests() {
        assert!(!stack.read(request).await.is_hit());
    }
}

#[tokio::test(start_paused = true)]
async fn invalidation_leaves_other_uris_alone() {
    let mut stack = Stack::new(&private(), minute);
    let others = [
        "https://a.example/x?q",
        "https://a.example/",
        "https://b.example/x",
    ];
    for uri in others {
        stack.read(get(uri, &[])).await;
    }
    stack
        .handle
        .invalidate(&Uri::from_static(URI))
        .await
        .unwrap();
    for uri in others {
        assert!(stack.read(get(uri, &[])).await.is_hit(), "{uri}");
    }
}

#[tokio::test(start_paused = true)]
async fn clearing_empties_the_store_and_keeps_the_counters() {
    let mut stack = Stack::new(&private(), minute);
    stack.read(get(URI, &[])).await;
    stack.read(get(URI, &[])).await;
    stack.handle.clear().await.unwrap();
    let stats = stack.handle.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
    assert_eq!((stats.hits, stats.stores), (1, 1));
    assert!(!stack.read(get(URI, &[])).await.is_hit());
    assert!(stack.read(get(URI, &[])).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn a_response_that_left_before_an_invalidation_is_not_stored_after_it() {
    for clear in [false, true] {
        let mut stack = Stack::new(&private(), minute);
        let under_way = stack.send(get(URI, &[])).await;
        if clear {
            stack.handle.clear().await.unwrap();
        } else {
            stack
                .handle
                .invalidate(&Uri::from_static(URI))
                .await
                .unwrap();
        }
        let body = under_way.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "body 0");
        let stats = stack.handle.stats();
        assert_eq!((stats.stores, stats.refused, stats.entries), (0, 1, 0));
        assert_eq!(stack.read(get(URI, &[])).await.body, "body 1");
    }
}
