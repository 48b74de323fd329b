use http::{HeaderMap, Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use tower_conformance::ProbeBody;

use crate::origin::{Stack, get, private};

/// A stack whose origin answers with `body`, after one request was read to the end.
async fn after(
    length: Option<&'static str>,
    body: ProbeBody,
) -> Stack<impl Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone> {
    let layer = private().max_object_bytes(10);
    let mut stack = Stack::new(&layer, move |_, _: &Request<()>| {
        let mut response = Response::builder().header("cache-control", "max-age=60");
        if let Some(length) = length {
            response = response.header("content-length", length);
        }
        response.body(body.clone()).unwrap()
    });
    let response = stack.send(get("/", &[])).await;
    // The error of a failing body is the caller's; here only what became of the entry counts.
    let _ = response.into_body().collect().await;
    stack
}

async fn is_stored(length: Option<&'static str>, body: ProbeBody) -> bool {
    let mut stack = after(length, body).await;
    let stored = stack.handle.stats().stores == 1;
    let outcome = stack.send(get("/", &[])).await;
    let hit = outcome.extensions().get() == Some(&tower_ttl_cache::CacheOutcome::Hit);
    assert_eq!(stored, hit);
    stored
}

fn hello() -> ProbeBody {
    ProbeBody::new().data("he").pending().data("llo")
}

#[tokio::test(start_paused = true)]
async fn a_body_is_stored_when_it_has_ended_as_announced() {
    assert!(is_stored(None, hello()).await);
    assert!(is_stored(None, hello().without_size()).await);
    assert!(is_stored(Some("5"), hello()).await);
    assert!(is_stored(Some("5"), hello().without_size()).await);
    assert!(is_stored(None, ProbeBody::new()).await);
    assert!(is_stored(None, ProbeBody::new().without_size()).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_another_length_than_announced_is_not_stored() {
    assert!(!is_stored(Some("4"), hello()).await);
    assert!(!is_stored(Some("6"), hello().without_size()).await);
    assert!(!is_stored(Some("+5"), hello()).await);
    assert!(!is_stored(Some("5, 5"), hello()).await);
    assert!(!is_stored(Some("3"), ProbeBody::new()).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_fails_is_not_stored() {
    assert!(!is_stored(None, hello().fails().without_size()).await);
    // All that was announced has come, and then it fails all the same.
    assert!(!is_stored(Some("5"), hello().fails()).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_with_trailers_is_not_stored() {
    let trailers = HeaderMap::from_iter([(http::header::ETAG, "\"a\"".parse().unwrap())]);
    assert!(!is_stored(None, hello().trailers(trailers)).await);
}

#[tokio::test(start_paused = true)]
async fn a_body_dropped_before_its_end_is_not_stored() {
    let mut stack = after(None, hello()).await;
    stack.handle.clear().await.unwrap();
    let response = stack.send(get("/", &[])).await;
    let mut body = response.into_body();
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(&first.into_data().unwrap()[..], b"he");
    drop(body);
    let stats = stack.handle.stats();
    assert_eq!((stats.stores, stats.entries, stats.refused), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_body_is_stored_up_to_the_limit_and_streams_on_past_it() {
    let ten = ProbeBody::new().data("01234").data("56789").without_size();
    assert!(is_stored(None, ten.clone()).await);

    let eleven = || ten.clone().data("x");
    assert!(!is_stored(None, eleven()).await);
    assert!(!is_stored(Some("11"), eleven()).await);

    let mut stack = after(None, eleven()).await;
    assert_eq!(stack.handle.stats().refused, 1);
    let got = stack.read(get("/", &[])).await;
    assert_eq!(&got.body[..], b"0123456789x");

    // Announced as too long, it is refused before the body is read.
    let mut stack = after(Some("11"), eleven()).await;
    drop(stack.send(get("/", &[])).await);
    assert_eq!(stack.handle.stats().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn frames_pass_as_they_come() {
    let mut stack = after(None, hello()).await;
    stack.handle.clear().await.unwrap();
    let mut body = stack.send(get("/", &[])).await.into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    let first = body.frame().await.unwrap().unwrap();
    assert_eq!(&first.into_data().unwrap()[..], b"he");
    let second = body.frame().await.unwrap().unwrap();
    assert_eq!(&second.into_data().unwrap()[..], b"llo");
    // Stored already: whoever sees the end announced does not poll again.
    assert!(body.is_end_stream());
    assert_eq!(stack.handle.stats().entries, 1);
}

#[tokio::test(start_paused = true)]
async fn hits_share_the_bytes_of_the_body() {
    let mut stack = after(None, hello()).await;
    let one = stack.send(get("/", &[])).await.into_body();
    assert_eq!(one.size_hint().exact(), Some(5));
    assert!(!one.is_end_stream());
    let one = one.collect().await.unwrap().to_bytes();
    let other = stack.send(get("/", &[])).await.into_body();
    let other = other.collect().await.unwrap().to_bytes();
    assert_eq!(one, "hello");
    assert_eq!(one.as_ptr(), other.as_ptr());
}

/// What responses under way hold back together has a limit; past it they stream on.
#[tokio::test(start_paused = true)]
async fn bodies_under_way_share_a_budget() {
    let layer = private().max_in_flight_bytes(15);
    let mut stack = Stack::new(&layer, |_, _: &Request<()>| {
        let body = ProbeBody::new().data("01234").pending().data("56789");
        let headers = Response::builder().header("cache-control", "max-age=60");
        headers.body(body).unwrap()
    });
    let mut one = stack.send(get("/a", &[])).await.into_body();
    one.frame().await.unwrap().unwrap();
    let other = stack.read(get("/b", &[])).await;
    assert_eq!(&other.body[..], b"0123456789");
    let stats = stack.handle.stats();
    assert_eq!((stats.stores, stats.refused), (0, 1));

    // A body that is dropped gives its share back, and so does one that is stored.
    drop(one);
    for _ in 0..3 {
        stack.read(get("/b", &[])).await;
        stack.handle.clear().await.unwrap();
    }
    assert_eq!(stack.handle.stats().stores, 3);
}
