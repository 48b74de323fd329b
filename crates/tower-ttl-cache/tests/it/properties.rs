use std::{cell::RefCell, rc::Rc, time::Duration};

use http::{Method, Request, Response, Uri};
use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};

use crate::origin::{Stack, get, private};

const URIS: [&str; 3] = [
    "http://a.example/x",
    "http://a.example/x?",
    "http://b.example/x",
];
const CREDENTIALS: [&str; 3] = ["", "alice", "bob"];
const LANGUAGES: [&str; 3] = ["", "en", "de"];

/// What a request asks for: indices into the tables above.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    uri: usize,
    credential: usize,
    language: usize,
}

/// How the origin answers at a step.
#[derive(Clone, Copy, Debug)]
struct Answered {
    max_age: Option<u64>,
    varies: bool,
    no_store: bool,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Get(Asked, Answered),
    Reload(Asked, Answered),
    Abandon(Asked, Answered),
    Delete(Asked),
    Invalidate(usize),
    Clear,
    /// Milliseconds.
    Wait(u64),
}

/// A response that the naive cache has kept: for ever, with all there is to know of it.
struct Record {
    asked: Asked,
    answered: Answered,
    body: String,
    at: Instant,
    invalidated: bool,
}

impl Record {
    fn storable(&self) -> bool {
        !self.answered.no_store && self.answered.max_age.is_some()
    }

    /// Whether it may answer at all.
    fn may_answer(&self, asked: Asked, now: Instant) -> bool {
        let fresh = |max_age| now < self.at + Duration::from_secs(max_age);
        !self.invalidated
            && self.storable()
            && self.answered.max_age.is_some_and(fresh)
            && self.asked.uri == asked.uri
            && self.asked.credential == asked.credential
            && (!self.answered.varies || self.asked.language == asked.language)
    }
}

fn asked() -> impl Strategy<Value = Asked> {
    (0..URIS.len(), 0..CREDENTIALS.len(), 0..LANGUAGES.len()).prop_map(
        |(uri, credential, language)| Asked {
            uri,
            credential,
            language,
        },
    )
}

fn answered() -> impl Strategy<Value = Answered> {
    let max_age = prop_oneof![Just(None), Just(Some(0)), Just(Some(5)), Just(Some(20))];
    let no_store = prop::bool::weighted(0.1);
    (max_age, any::<bool>(), no_store).prop_map(|(max_age, varies, no_store)| Answered {
        max_age,
        varies,
        no_store,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (asked(), answered()).prop_map(|(asked, how)| Step::Get(asked, how)),
        1 => (asked(), answered()).prop_map(|(asked, how)| Step::Reload(asked, how)),
        1 => (asked(), answered()).prop_map(|(asked, how)| Step::Abandon(asked, how)),
        1 => asked().prop_map(Step::Delete),
        1 => (0..URIS.len()).prop_map(Step::Invalidate),
        1 => Just(Step::Clear),
        4 => (0_u64..6_000).prop_map(Step::Wait),
    ]
}

fn request(asked: Asked) -> Request<()> {
    let mut headers = Vec::new();
    if asked.credential > 0 {
        headers.push(("authorization", CREDENTIALS[asked.credential]));
    }
    if asked.language > 0 {
        headers.push(("accept-language", LANGUAGES[asked.language]));
    }
    get(URIS[asked.uri], &headers)
}

fn response(call: u64, how: Answered) -> Response<ProbeBody> {
    let mut response = Response::builder();
    if let Some(seconds) = how.max_age {
        response = response.header("cache-control", format!("max-age={seconds}"));
    }
    if how.no_store {
        response = response.header("cache-control", "no-store");
    }
    if how.varies {
        response = response.header("vary", "accept-language");
    }
    let body = ProbeBody::new().data(format!("body {call}"));
    response.body(body).unwrap()
}

async fn play(layer: HttpCacheLayer, steps: &[Step], unbounded: bool) {
    let how = Rc::new(RefCell::new(None));
    let told = Rc::clone(&how);
    let mut stack = Stack::new(&layer, move |call, _: &Request<()>| {
        let how: Option<Answered> = *told.borrow();
        response(call, how.expect("no call is due"))
    });
    let mut records: Vec<Record> = Vec::new();

    for &step in steps {
        match step {
            Step::Get(asked, answered) | Step::Reload(asked, answered) => {
                *how.borrow_mut() = Some(answered);
                let mut request = request(asked);
                let reload = matches!(step, Step::Reload(..));
                if reload {
                    let headers = request.headers_mut();
                    headers.insert("cache-control", "no-cache".parse().unwrap());
                }
                let now = Instant::now();
                let got = stack.read(request).await;
                if got.is_hit() {
                    let record = records.iter().find(|record| got.body == record.body);
                    let record = record.expect("a body the origin never sent");
                    assert!(record.may_answer(asked, now), "{step:?}");
                    assert!(!reload);
                    let age = (now - record.at).as_secs().to_string();
                    assert_eq!(got.age(), age);
                } else {
                    // The latest to this very question, with no other answer in between: not even
                    // one that is not stored, for it makes older ones obsolete.
                    let latest = records.iter().rev().find(|record| {
                        record.asked.uri == asked.uri && record.asked.credential == asked.credential
                    });
                    let due = latest.is_some_and(|record| record.may_answer(asked, now));
                    assert!(reload || !unbounded || !due, "{step:?}");
                    records.push(Record {
                        asked,
                        answered,
                        body: String::from_utf8(got.body.to_vec()).unwrap(),
                        at: now,
                        invalidated: false,
                    });
                }
            }
            Step::Abandon(asked, answered) => {
                *how.borrow_mut() = Some(answered);
                drop(stack.send(request(asked)).await);
            }
            Step::Delete(asked) => {
                *how.borrow_mut() = Some(Answered {
                    max_age: None,
                    varies: false,
                    no_store: false,
                });
                let mut request = request(asked);
                *request.method_mut() = Method::DELETE;
                stack.read(request).await;
                invalidate(&mut records, |record| record.asked.uri == asked.uri);
            }
            Step::Invalidate(uri) => {
                let target = Uri::from_static(URIS[uri]);
                stack.handle.invalidate(&target).await.unwrap();
                invalidate(&mut records, |record| record.asked.uri == uri);
            }
            Step::Clear => {
                stack.handle.clear().await.unwrap();
                invalidate(&mut records, |_| true);
            }
            Step::Wait(milliseconds) => advance(Duration::from_millis(milliseconds)).await,
        }
        let stats = stack.handle.stats();
        assert_eq!(stats.entries == 0, stats.bytes == 0);
        assert!(unbounded || (stats.entries <= 4 && stats.bytes <= 6_000));
    }
}

fn invalidate(records: &mut [Record], which: impl Fn(&Record) -> bool) {
    for record in records.iter_mut().filter(|record| which(record)) {
        record.invalidated = true;
    }
}

fn on_a_paused_clock(game: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(game);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn answers_are_those_a_cache_that_keeps_everything_would_allow(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        on_a_paused_clock(play(private(), &steps, true));
    }

    #[test]
    fn bounds_hold_and_eviction_mixes_nothing_up(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let store = MemoryStore::new().max_entries(4).max_bytes(6_000);
        on_a_paused_clock(play(HttpCacheLayer::private(store), &steps, false));
    }
}
