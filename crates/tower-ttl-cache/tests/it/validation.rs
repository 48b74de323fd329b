//! RFC 9111 section 4.3: preconditions of clients, and those of the cache.

use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::advance;
use tower_conformance::ProbeBody;
use tower_ttl_cache::{CacheOutcome, HttpCacheLayer, SetCookie, store::MemoryStore};

use crate::origin::{Stack, get, minute, ok, private};

const TAG: &str = "\"a\"";
const OTHER_TAG: &str = "\"b\"";
const EARLIER: &str = "Sun, 06 Nov 1994 08:48:37 GMT";
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:50:37 GMT";

/// Answers 304 to whoever has the tag.
fn tagged(call: u64, request: &Request<()>) -> Response<ProbeBody> {
    let headers = &[("cache-control", "max-age=60"), ("etag", TAG)];
    let mut response = ok(call, headers);
    if request
        .headers()
        .get("if-none-match")
        .is_some_and(|tag| tag == TAG)
    {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = ProbeBody::new();
    }
    response
}

fn with_body(
    headers: &'static [(&'static str, &'static str)],
) -> impl Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone {
    move |_, _: &Request<()>| {
        let mut response = ok(
            0,
            &[&[("cache-control", "max-age=9999999999")][..], headers].concat(),
        );
        *response.body_mut() = ProbeBody::new().data("0123456789");
        response
    }
}

/// Section 4.3.2.
#[tokio::test(start_paused = true)]
async fn a_client_that_has_the_stored_response_is_told_so() {
    let origin = with_body(&[
        ("etag", TAG),
        ("last-modified", DATE),
        ("content-type", "a/b"),
        ("content-location", "/x"),
    ]);
    let mut stack = Stack::new(&private(), origin);
    stack.read(get("/", &[])).await;
    #[rustfmt::skip]
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[("if-none-match", TAG)], true),
        (&[("if-none-match", "W/\"a\"")], true),
        (&[("if-none-match", "\"x,\", \"a\"")], true),
        (&[("if-none-match", "\"x\""), ("if-none-match", "\"a\", \"z\"")], true),
        (&[("if-none-match", "*")], true),
        (&[("if-none-match", OTHER_TAG)], false),
        (&[("if-none-match", "\"x\\\", \"a\"")], false),
        (&[("if-modified-since", DATE)], true),
        (&[("if-modified-since", LATER)], true),
        (&[("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT")], true),
        (&[("if-modified-since", EARLIER)], false),
        (&[("if-modified-since", "yesterday")], false),
        // RFC 9110 section 13.2.2: the tag goes before the date.
        (&[("if-none-match", OTHER_TAG), ("if-modified-since", LATER)], false),
        (&[("if-none-match", TAG), ("if-modified-since", EARLIER)], true),
        // A part is for those who do not have the whole.
        (&[("if-none-match", TAG), ("range", "bytes=0-1")], true),
    ];
    for (headers, told) in table {
        let got = stack.read(get("/", headers)).await;
        assert!(got.is_hit());
        assert_eq!(got.status == StatusCode::NOT_MODIFIED, *told, "{headers:?}");
        assert_eq!(got.body.is_empty(), *told);
        assert_eq!(got.headers["etag"], TAG);
        assert!(got.headers.contains_key("age"));
        // RFC 9110 section 15.4.5.
        assert_eq!(got.headers.contains_key("content-type"), !told);
        assert!(got.headers.contains_key("content-location"));
    }
    assert_eq!(stack.calls(), 1);
}

/// Section 4.3.2: without `Last-Modified`, the date stands for it.
#[tokio::test(start_paused = true)]
async fn a_response_without_a_date_of_change_is_as_old_as_its_date() {
    let origin = |_: u64, _: &Request<()>| {
        ok(
            0,
            &[("cache-control", "max-age=9999999999"), ("date", DATE)],
        )
    };
    let layer = private();
    let mut stack = Stack::new(&layer, origin);
    stack.read(get("/", &[])).await;
    let status = async |stack: &mut Stack<_>, since| {
        stack
            .read(get("/", &[("if-modified-since", since)]))
            .await
            .status
    };
    assert_eq!(status(&mut stack, DATE).await, StatusCode::NOT_MODIFIED);
    assert_eq!(status(&mut stack, EARLIER).await, StatusCode::OK);
}

/// Sections 4.3.1 and 4.3.4.
#[tokio::test(start_paused = true)]
async fn a_stale_response_answers_again_once_it_is_confirmed() {
    let mut stack = Stack::new(&private(), tagged);
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;

    let got = stack.read(get("/", &[])).await;
    assert_eq!(got.outcome, CacheOutcome::Revalidated);
    // The 304 is about the cache's question, not about the client's.
    assert_eq!(
        (got.status, &got.body[..]),
        (StatusCode::OK, &b"body 0"[..])
    );
    assert_eq!(got.age(), "0");

    advance(Duration::from_secs(59)).await;
    let hit = stack.read(get("/", &[])).await;
    assert!(hit.is_hit());
    assert_eq!((hit.age(), &hit.body[..]), ("59", &b"body 0"[..]));
    assert_eq!(stack.handle.stats().revalidated, 1);
}

#[tokio::test(start_paused = true)]
async fn the_question_of_the_client_is_answered_from_the_outcome_of_a_validation() {
    for (tag, status) in [(TAG, 304), (OTHER_TAG, 200)] {
        let mut stack = Stack::new(&private(), tagged);
        stack.read(get("/", &[])).await;
        advance(Duration::from_secs(60)).await;
        let got = stack.read(get("/", &[("if-none-match", tag)])).await;
        assert_eq!(got.outcome, CacheOutcome::Revalidated);
        assert_eq!(got.status.as_u16(), status, "{tag}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_has_changed_takes_the_place_of_what_was_stored() {
    let mut stack = Stack::new(&private(), |call, request: &Request<()>| {
        assert_eq!(request.headers().contains_key("if-none-match"), call == 1);
        ok(call, &[("cache-control", "max-age=60"), ("etag", TAG)])
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;
    let got = stack.read(get("/", &[])).await;
    assert_eq!(
        (got.outcome, &got.body[..]),
        (CacheOutcome::Miss, &b"body 1"[..])
    );
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
}

/// A response that may not be kept tells that the stored one is obsolete, too.
#[tokio::test(start_paused = true)]
async fn what_is_obsolete_does_not_answer_in_place_of_an_error() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| match call {
        0 => ok(0, &[("cache-control", "max-age=60, stale-if-error=600")]),
        1 => ok(1, &[("cache-control", "no-store")]),
        _ => {
            let mut response = ok(call, &[]);
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
    assert_eq!(
        stack.read(get("/", &[])).await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

/// Section 3.2.
#[tokio::test(start_paused = true)]
async fn a_confirmation_updates_the_headers_but_not_those_of_the_body() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        let number = call.to_string();
        let mut response = ok(
            call,
            &[
                ("cache-control", "max-age=60"),
                ("etag", if call == 0 { TAG } else { OTHER_TAG }),
                ("x-new", &number),
                ("content-type", &number),
                ("content-encoding", &number),
                ("content-length", if call == 0 { "6" } else { "60" }),
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("set-cookie", &format!("id={call}")),
            ],
        );
        if call == 0 {
            response.headers_mut().remove("set-cookie");
            response.headers_mut().insert("x-old", "0".parse().unwrap());
        } else {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = ProbeBody::new();
        }
        response
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;
    let confirmed = stack.read(get("/", &[])).await;
    // It is for the one who asked, and nobody else.
    assert_eq!(confirmed.headers["set-cookie"], "id=1");
    let hit = stack.read(get("/", &[])).await;
    assert!(hit.is_hit());
    assert!(!hit.headers.contains_key("set-cookie"));
    for got in [confirmed, hit] {
        let is = |name: &str, value: &str| assert_eq!(got.headers[name], value, "{name}");
        is("x-new", "1");
        is("x-old", "0");
        is("content-type", "1");
        is("content-encoding", "0");
        is("content-length", "6");
        is("etag", TAG);
        assert!(!got.headers.contains_key("x-hop"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_question_of_the_client_alone_passes_and_is_not_stored() {
    let mut stack = Stack::new(&private(), tagged);
    let got = stack.read(get("/", &[("if-none-match", TAG)])).await;
    assert_eq!(
        (got.outcome, got.status),
        (CacheOutcome::Miss, StatusCode::NOT_MODIFIED)
    );
    assert_eq!(stack.handle.stats().entries, 0);
    let got = stack.read(get("/", &[])).await;
    assert_eq!(
        (got.outcome, &got.body[..]),
        (CacheOutcome::Miss, &b"body 1"[..])
    );
}

/// Section 4: a response that must be validated every time is worth storing all the same.
#[tokio::test(start_paused = true)]
async fn what_must_be_validated_is_stored_and_validated() {
    let mut stack = Stack::new(&private(), |call, request: &Request<()>| {
        let mut response = tagged(call, request);
        response
            .headers_mut()
            .insert("cache-control", "no-cache, max-age=60".parse().unwrap());
        response
    });
    stack.read(get("/", &[])).await;
    for _ in 0..2 {
        let got = stack.read(get("/", &[])).await;
        assert_eq!(
            (got.outcome, &got.body[..]),
            (CacheOutcome::Revalidated, &b"body 0"[..])
        );
    }
}

fn head(uri: &str) -> Request<()> {
    let mut request = get(uri, &[]);
    *request.method_mut() = Method::HEAD;
    request
}

/// RFC 9110 section 9.3.2.
#[tokio::test(start_paused = true)]
async fn a_stored_get_answers_a_head_and_never_the_other_way_round() {
    let mut stack = Stack::new(&private(), minute);
    assert_eq!(stack.read(head("/")).await.outcome, CacheOutcome::Miss);
    assert_eq!(stack.handle.stats().entries, 0);
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
    let got = stack.read(head("/")).await;
    assert!(got.is_hit());
    assert!(got.body.is_empty());
    assert_eq!(got.headers["content-length"], "6");
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
}

/// Section 4.3.5.
#[tokio::test(start_paused = true)]
async fn the_response_to_a_head_renews_what_is_stored_or_tells_that_it_has_changed() {
    #[rustfmt::skip]
    let table: &[(&[(&str, &str)], bool)] = &[
        (&[("etag", TAG), ("content-length", "6")], true),
        (&[], true),
        (&[("etag", OTHER_TAG)], false),
        (&[("content-length", "7")], false),
        (&[("last-modified", DATE)], false),
    ];
    for &(headers, same) in table {
        let mut stack = Stack::new(&private(), move |call, request: &Request<()>| {
            if request.method() == Method::HEAD {
                let fresh = [("cache-control", "max-age=600"), ("x-new", "1")];
                let mut response = ok(call, &[headers, &fresh].concat());
                *response.body_mut() = ProbeBody::new();
                return response;
            }
            ok(call, &[("cache-control", "max-age=60"), ("etag", TAG)])
        });
        stack.read(get("/", &[])).await;
        advance(Duration::from_secs(60)).await;
        stack.read(head("/")).await;
        let got = stack.read(get("/", &[])).await;
        assert_eq!(got.is_hit(), same, "{headers:?}");
        assert_eq!(got.headers.contains_key("x-new"), same);
    }
}

/// RFC 9110 section 14.
#[tokio::test(start_paused = true)]
async fn a_range_is_cut_out_of_the_whole() {
    let origin = with_body(&[("etag", TAG), ("last-modified", EARLIER), ("date", DATE)]);
    let mut stack = Stack::new(&private(), origin);
    stack.read(get("/", &[])).await;
    #[rustfmt::skip]
    let table: &[(_, _, Option<(&str, &str)>)] = &[
        ("bytes=0-1", None, Some(("01", "bytes 0-1/10"))),
        ("bytes=8-", None, Some(("89", "bytes 8-9/10"))),
        ("bytes=8-99", None, Some(("89", "bytes 8-9/10"))),
        ("bytes=-3", None, Some(("789", "bytes 7-9/10"))),
        ("bytes=-99", None, Some(("0123456789", "bytes 0-9/10"))),
        ("bytes=0-1", Some(TAG), Some(("01", "bytes 0-1/10"))),
        ("bytes=0-1", Some(EARLIER), Some(("01", "bytes 0-1/10"))),
        // Section 13.1.5: a part of another response is of no use.
        ("bytes=0-1", Some(OTHER_TAG), None),
        ("bytes=0-1", Some("W/\"a\""), None),
        ("bytes=0-1", Some(LATER), None),
    ];
    for (range, condition, part) in table {
        let mut headers = vec![("range", *range)];
        headers.extend(condition.map(|condition| ("if-range", condition)));
        let got = stack.read(get("/", &headers)).await;
        assert!(got.is_hit(), "{headers:?}");
        match part {
            Some((body, content_range)) => {
                assert_eq!((got.status.as_u16(), &got.body[..]), (206, body.as_bytes()));
                assert_eq!(got.headers["content-range"], *content_range);
                assert_eq!(
                    got.headers["content-length"],
                    body.len().to_string().as_str()
                );
            }
            None => assert_eq!(
                (got.status.as_u16(), got.body.len()),
                (200, 10),
                "{headers:?}"
            ),
        }
    }
    // What is not there is for the inner service to refuse.
    let got = stack.read(get("/", &[("range", "bytes=10-")])).await;
    assert_eq!(got.outcome, CacheOutcome::Miss);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_never_stored_as_the_whole() {
    let mut stack = Stack::new(&private(), |call, request: &Request<()>| {
        let mut response = minute(call, request);
        if request.headers().contains_key("range") {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        response
    });
    stack.read(get("/", &[("range", "bytes=0-1")])).await;
    assert_eq!(stack.handle.stats().entries, 0);
    // Nor is what is said about a part said to everybody.
    for status in [404, 416] {
        let mut stack = Stack::new(&private(), move |call, request: &Request<()>| {
            let mut response = minute(call, request);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        });
        stack.read(get("/", &[("range", "bytes=90-")])).await;
        assert_eq!(stack.handle.stats().entries, 0, "{status}");
    }
    // Nobody has to give a part only because it is asked for.
    let mut stack = Stack::new(&private(), minute);
    stack.read(get("/", &[("range", "bytes=0-1")])).await;
    let got = stack.read(get("/", &[("range", "bytes=0-1")])).await;
    assert_eq!((got.is_hit(), &got.body[..]), (true, &b"bo"[..]));
}

#[tokio::test(start_paused = true)]
async fn a_stored_body_gets_a_tag_of_its_bytes() {
    let mut stack = Stack::new(&private().generate_etag(), minute);
    let miss = stack.read(get("/", &[])).await;
    assert!(!miss.headers.contains_key("etag"));
    let hit = stack.read(get("/", &[])).await;
    let tag = hit.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(
        stack
            .read(get("/", &[("if-none-match", &tag)]))
            .await
            .status
            .as_u16(),
        304
    );
    stack.handle.clear().await.unwrap();
    stack.read(get("/", &[])).await;
    assert_ne!(
        stack.read(get("/", &[])).await.headers["etag"],
        tag.as_str()
    );

    let mut stack = Stack::new(
        &private().generate_etag(),
        with_body(&[("etag", OTHER_TAG)]),
    );
    stack.read(get("/", &[])).await;
    assert_eq!(stack.read(get("/", &[])).await.headers["etag"], OTHER_TAG);
}

#[tokio::test(start_paused = true)]
async fn a_cookie_is_shared_only_where_that_is_asked_for() {
    for (set_cookie, hit, cookie) in [
        (SetCookie::DontStore, false, true),
        (SetCookie::Strip, true, false),
        (SetCookie::Store, true, true),
    ] {
        let layer = HttpCacheLayer::shared(MemoryStore::new()).set_cookie(set_cookie);
        let mut stack = Stack::new(&layer, with_body(&[("set-cookie", "id=1")]));
        assert!(
            stack
                .read(get("/", &[]))
                .await
                .headers
                .contains_key("set-cookie")
        );
        let got = stack
            .read(get("/", &[("cache-control", "max-stale")]))
            .await;
        assert_eq!(got.is_hit(), hit, "{set_cookie:?}");
        assert_eq!(
            got.headers.contains_key("set-cookie"),
            cookie,
            "{set_cookie:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn trailers_of_a_confirmation_and_of_a_head_disturb_nothing() {
    let mut stack = Stack::new(&private(), |call, request: &Request<()>| {
        let mut response = tagged(call, request);
        if response.status() == StatusCode::NOT_MODIFIED {
            *response.body_mut() = ProbeBody::new().trailers(HeaderMap::new());
        }
        response
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;
    let response = stack.send(get("/", &[])).await;
    let whole = response.into_body().collect().await.unwrap();
    assert!(whole.trailers().is_none());
    assert_eq!(whole.to_bytes(), "body 0");
}
