//! What does the layer add to the hash of a body, what do more secrets cost, and what does it cost
//! to remember a delivery?

use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
    time::Duration,
};

use benches::{ThreadTime, spent};
use bytes::Bytes;
use criterion::Criterion;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame, SizeHint};
use sha2::{Digest, Sha256};
use tower::{Layer, Service, service_fn};
use tower_webhook_hmac::{
    ReplayKey, Scheme, Secret, Secrets, VerifiedBody, VerifyWebhookLayer,
    replay::{Claimed, MemoryReplay, ReplayStore},
};

const SECRET: &str = "It's a Secret to Everybody";
const FRAME: usize = 16 * 1024;
const HOUR: Duration = Duration::from_secs(3600);

fn main() {
    // For the deadline of bodies that take more than one turn.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut criterion = benches::criterion();
    for (name, len) in [
        ("webhook-1-KiB", 1 << 10),
        ("webhook-64-KiB", 64 << 10),
        ("webhook-1-MiB", 1 << 20),
        ("webhook-8-MiB", 8 << 20),
    ] {
        body_of(&mut criterion, name, len);
    }
    remembered(&mut criterion);
    criterion.final_summary();
}

fn secret(text: &str) -> Secret {
    Secret::new(text).expect("not empty")
}

/// Frames that are there at once, as hyper hands them out.
#[derive(Clone)]
struct Frames {
    content: Bytes,
}

impl Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.content.is_empty() {
            return Poll::Ready(None);
        }
        let len = self.content.len().min(FRAME);
        Poll::Ready(Some(Ok(Frame::data(self.content.split_to(len)))))
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.content.len() as u64)
    }
}

fn handler(request: Request<VerifiedBody>) -> Ready<Result<Response<()>, Infallible>> {
    drop(black_box(request));
    ready(Ok(Response::new(())))
}

fn through(secrets: impl Into<Secrets>) -> impl Service<Request<Frames>> {
    VerifyWebhookLayer::github(secrets).layer(service_fn(handler))
}

fn body_of(criterion: &mut Criterion<ThreadTime>, name: &str, len: usize) {
    let content = Bytes::from((0..len).map(|at| at as u8).collect::<Vec<_>>());
    let headers = Scheme::github()
        .sign(&secret(SECRET), &content)
        .expect("a header");
    let signature = headers["x-hub-signature-256"].as_bytes().to_vec();
    let body = Frames { content };
    let mut group = criterion.benchmark_group(name);

    // The same request, dropped.
    let mut baseline = service_fn(|request: Request<Frames>| {
        drop(black_box(request));
        ready(Ok::<_, Infallible>(Response::new(())))
    });
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut baseline, request(&body, &headers)));
    });

    let keyed = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    group.bench_function("bare-hmac", |bencher| {
        bencher.iter(|| {
            let mut mac = keyed.clone();
            black_box(&body)
                .content
                .chunks(FRAME)
                .for_each(|it| mac.update(it));
            black_box(mac.finalize().into_bytes())
        });
    });
    group.bench_function("bare-hash", |bencher| {
        bencher.iter(|| {
            let mut hash = Sha256::new();
            black_box(&body)
                .content
                .chunks(FRAME)
                .for_each(|it| hash.update(it));
            black_box(hash.finalize())
        });
    });

    let mut ours = through(secret(SECRET));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| call(&mut ours, request(&body, &headers)));
    });
    let three = Secrets::new(secret(SECRET))
        .previous(secret("2"))
        .previous(secret("3"));
    let mut three = through(three);
    group.bench_function("ours-3-secrets", |bencher| {
        bencher.iter(|| call(&mut three, request(&body, &headers)));
    });
    let last = Secrets::new(secret("1"))
        .previous(secret("2"))
        .previous(secret(SECRET));
    let mut last = through(last);
    group.bench_function("ours-3-secrets-last", |bencher| {
        bencher.iter(|| call(&mut last, request(&body, &headers)));
    });

    // What a handler does by itself: one buffer, then the hash, then the text.
    group.bench_function("collected", |bencher| {
        bencher.iter(|| {
            let mut whole = Vec::new();
            black_box(&body)
                .content
                .chunks(FRAME)
                .for_each(|it| whole.extend_from_slice(it));
            let mut mac = keyed.clone();
            mac.update(&whole);
            let tag = mac.finalize().into_bytes();
            let hex: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
            black_box((whole, hex.as_bytes() == &signature[7..]))
        });
    });
    group.finish();
}

/// Until the answer: the layer gives way to others after every 64 frames.
fn call<S: Service<Request<Frames>>>(service: &mut S, request: Request<Frames>) {
    let mut context = Context::from_waker(Waker::noop());
    let service = black_box(service);
    let ready = service.poll_ready(&mut context);
    assert!(matches!(ready, Poll::Ready(Ok(()))), "not ready");
    let mut future = pin!(service.call(black_box(request)));
    while black_box(future.as_mut()).poll(&mut context).is_pending() {}
}

fn request(body: &Frames, headers: &HeaderMap) -> Request<Frames> {
    let mut request = Request::new(body.clone());
    *request.headers_mut() = headers.clone();
    request
}

/// A claim and its commit, in a store that holds so many.
fn remembered(criterion: &mut Criterion<ThreadTime>) {
    const CALLS: u64 = 10_000;
    let mut group = criterion.benchmark_group("webhook-replay");
    // The goal is half a microsecond; this is about that long where SHA-256 is done in hardware.
    group.bench_function("hash-of-1-KiB", |bencher| {
        let content = [7_u8; 1024];
        bencher.iter(|| black_box(Sha256::digest(black_box(content))));
    });
    let store = MemoryReplay::new(4 << 20);
    let mut next = 0_u64;
    let mut key = move || {
        next += 1;
        // Scattered as hashes are.
        let mut key = [0; 32];
        for (at, part) in (0..4_u64).zip(key.chunks_exact_mut(8)) {
            let mixed = (next ^ at << 60).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            part.copy_from_slice(&(mixed ^ mixed >> 29).to_le_bytes());
        }
        ReplayKey(key)
    };
    let claim_and_commit = |key| {
        let claimed = store.claim(key, HOUR).into_inner().expect("room");
        let Claimed::Fresh(ticket) = claimed else {
            panic!("a key twice")
        };
        store.commit(key, ticket, HOUR).into_inner().expect("room");
        ticket
    };
    (0..1_000_000).for_each(|_| {
        claim_and_commit(key());
    });
    group.bench_function("1-M-entries", |bencher| {
        bencher.iter_custom(|calls| {
            let mut total = Duration::ZERO;
            let mut left = calls;
            while left > 0 {
                let batch = left.min(CALLS);
                let keys: Vec<_> = (0..batch).map(|_| key()).collect();
                let mut settled = Vec::with_capacity(keys.len());
                total += spent(|| settled.extend(keys.iter().map(|key| claim_and_commit(*key))));
                // Back to a million entries.
                keys.iter().zip(settled).for_each(|(key, _)| {
                    // A committed entry has the ticket of nobody.
                    store.release(*key, tower_webhook_hmac::replay::Ticket(0));
                });
                left -= batch;
            }
            total
        });
    });
    group.finish();
}
