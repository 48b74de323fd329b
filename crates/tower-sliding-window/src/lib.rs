//! Keyed rate limit over a true sliding window, rejecting or waiting, as a tower layer.
//!
//! "At most 60 in 30 seconds" holds here for *any* span of 30 seconds, not only for those of a
//! calendar: after 60 requests at the end of one half-minute there is no second 60 at the start
//! of the next. Each key (a user, an organization and a route, an address) has its own windows.
//!
//! Use it on a server, to refuse who asks too often, and in a client, to wait before the other
//! side refuses. It limits how *often* calls start, not how many run at once: for that, use a
//! concurrency limit. The windows are those of this process, unless several share a store (feature
//! `redis`).
//!
//! # Refusing
//!
//! Whom to count by, and how many; a refused call fails with [`Error::Denied`](error::Error):
//!
//! ```
//! use std::time::Duration;
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_sliding_window::{Error, Quota, RateLimitLayer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! struct Call {
//!     user: u64,
//! }
//!
//! let quota = Quota::new(2, Duration::from_secs(30))?;
//! let limit = RateLimitLayer::new(|call: &Call| Some(call.user), quota);
//! let mut service = limit.layer(service_fn(|call: Call| async move {
//!     Ok::<_, std::io::Error>(call.user)
//! }));
//!
//! for _ in 0..2 {
//!     service.ready().await?.call(Call { user: 7 }).await?;
//! }
//! let refused = service.ready().await?.call(Call { user: 7 }).await;
//! assert!(matches!(refused, Err(Error::Denied(denied)) if denied.quota == quota));
//! assert!(service.ready().await?.call(Call { user: 8 }).await.is_ok());
//! # Ok(())
//! # }
//! ```
//!
#![cfg_attr(
    feature = "http",
    doc = r#"
An HTTP server refuses with a response and keeps its error type. [`TooManyRequests`] is the plain
one, with or without a body, and by choice tells those who passed what remains; a closure writes any other. Here the quota also goes by the caller's plan, and requests
without a user share one key:

```
use std::time::Duration;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{OnMissingKey, Quota, RateLimitLayer, Refusal};

# #[tokio::main(flavor = "current_thread")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Plan {
    Free,
    Paid,
}
type Key = (u64, Plan);

let anyone = Quota::new(1, Duration::from_secs(10))?;
let paid = Quota::new(100, Duration::from_secs(10))?;
let limit = RateLimitLayer::new(
    |request: &Request<String>| request.extensions().get::<Key>().copied(),
    move |(_, plan): &Key| if *plan == Plan::Paid { paid } else { anyone },
)
.on_missing_key(OnMissingKey::Share((0, Plan::Free)))
.respond(|refusal: &Refusal| {
    let mut response = Response::new("enough for now".to_owned());
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    if let Refusal::Denied(denied) = refusal {
        *response.body_mut() = format!("{} is enough", denied.quota);
        response.headers_mut().insert(RETRY_AFTER, denied.retry_after_seconds().into());
    }
    response
});
let handle = limit.handle();
let mut service = limit.layer(service_fn(|request: Request<String>| async move {
    Ok::<_, std::io::Error>(Response::new(request.into_body()))
}));

service.ready().await?.call(Request::new("once".to_owned())).await?;
let refused = service.ready().await?.call(Request::new("twice".to_owned())).await?;
assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
assert_eq!(refused.headers()[RETRY_AFTER], "10");
assert_eq!(handle.usage(&(0, Plan::Free)).map(|usage| usage.current), Some(1));
# Ok(())
# }
```

On bare hyper, by the address of the client (in axum, `Router::route_layer` takes the same layer):

```no_run
use std::{convert::Infallible, net::SocketAddr, time::Duration};
use http::{Extensions, Request, Response};
use http_body_util::Full;
use hyper::{body::{Bytes, Incoming}, server::conn::http1};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_sliding_window::{ClientAddress, Quota, RateLimitLayer, TooManyRequests};

# #[tokio::main(flavor = "current_thread")]
# async fn main() -> Result<(), Box<dyn std::error::Error>> {
let peer = |extensions: &Extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip);
let quotas = [
    Quota::new(10, Duration::from_secs(1))?,
    Quota::new(1000, Duration::from_secs(3600))?,
];
let limit = RateLimitLayer::new(ClientAddress::new(peer), quotas)
    .respond(TooManyRequests::new().on_every_response().problem_details());

let listener = TcpListener::bind("127.0.0.1:3000").await?;
loop {
    let (stream, address) = listener.accept().await?;
    let service = ServiceBuilder::new()
        .map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(address);
            request
        })
        .layer(limit.clone())
        .service_fn(|_: Request<Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
        });
    let service = TowerToHyperService::new(service);
    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
}
# }
```
"#
)]
//!
//! # Waiting
//!
//! A client would rather wait than be refused: in order of arrival, at most so long, and at once
//! denied when it is known that it would take longer. [`Quota::spread`] has it go evenly, and with
//! feature `http` a `ServerPacingLayer` inside also keeps to what the server says of its quota.
//!
//! ```
//! use std::time::Duration;
//! use tower::{Layer, Service, ServiceExt, service_fn};
//! use tower_sliding_window::{Quota, RateLimitLayer, Wait};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let quota = Quota::new(1, Duration::from_millis(20))?;
//! let mut service = RateLimitLayer::new(|_: &u64| Some("all"), quota)
//!     .wait(Wait::new(Duration::from_secs(30)).max_waiters(100))
//!     .layer(service_fn(|id: u64| async move { Ok::<_, std::io::Error>(id) }));
//!
//! service.ready().await?.call(1).await?;
//! // Waits 20 milliseconds.
//! service.ready().await?.call(2).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Costs, and when they are known
//!
//! A request takes 1 of each quota unless [`cost`](RateLimitLayer::cost) says otherwise. What it
//! truly cost may be known only from its response: [`cost_on_response`](RateLimitLayer::cost_on_response)
//! charges or gives back the difference. To see what a limit would do, try it in the
//! [`shadow`](RateLimitLayer::shadow).
//!
//! # Which algorithm
//!
//! [`SlidingWindow`] unless there is a reason; the table at [`Algorithm`] has the bound and the
//! memory of each. [`MemoryStore::algorithm`] chooses:
//!
//! ```
//! use std::time::Duration;
//! use tower_sliding_window::{Charge, Gcra, MemoryStore, Quota, Store};
//!
//! // A hundred a second, in bursts of up to ten; for `RateLimitLayer::store`.
//! let quota = Quota::new(10, Duration::from_millis(100))?;
//! let store = MemoryStore::<u64>::new().algorithm::<Gcra>();
//! assert!(store.admit(Charge::new(&7, quota)).into_inner().is_ok());
//! # Ok::<(), tower_sliding_window::QuotaError>(())
//! ```
//!
//! # Guarantees
//!
//! - **Never over.** No span of a window's length holds more admissions of a key than its limit.
//!   Limits up to 64 are counted exactly; above, [`SlidingWindow`] admits at least 98 % of what an
//!   exact log would. Outside it are: a store full of busy keys (see [`MemoryStore`]), history
//!   from before a quota was changed to a longer window, and what is charged afterwards.
//! - **A refused request is not charged**, so that who retries too early is not locked out.
//! - **`retry_after` is true.** An equal request passes after exactly that time, and not before,
//!   if no other comes first.
//! - **Several quotas** for a key ([`Quotas`]) are charged all or none.
//! - **Readiness reserves nothing.** The decision falls in `call` (waiting: at the first poll of
//!   the future), so clones that were readied and kept let nobody through later.
//! - An admission is not taken back when its future is dropped: the other side may have seen the
//!   call. A call that is dropped while it waits was never charged.
//!
//! # When something fails
//!
//! | what | what happens |
//! |---|---|
//! | a request has no key | [`OnMissingKey`]: refused, unless told otherwise |
//! | the store is full of keys at their limit | new keys are denied until one is not |
//! | the store is full otherwise | the least used key of a sample is forgotten |
//! | Redis is away | `OnFailure`: denied, let pass, or held to a share of the limit here |
//! | the clock goes back | as if it stood still |
//! | a call is dropped | it stays charged if it was admitted; a waiting one leaves the line |
//! | the inner service fails or panics | the call stays charged, nothing else |
//!
//! # Cost
//!
//! A decision reads the clock, hashes the key and takes one sharded lock; it allocates only when
//! the key is new or its log grows, and a refusal writes nothing (a response that says so is built
//! anew, header fields and all). The clock is more than half of it: see the feature
//! `coarse-clock`. Memory per key is described at [`MemoryStore`] and [`FixedStore`]. A call that
//! waits costs one more lock, shared by all keys.
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `coarse-clock` | [`MemoryStore`] may read a clock that costs a tenth, on Linux |
//! | `http` | refusals as `429` with `Retry-After`, the `RateLimit` fields and problem details; the client's address and credential as keys; `ServerPacing`, by which a client keeps to what a server says of its quota |
//! | `metrics` | counters through the `metrics` facade: `tower_sliding_window.requests` by `outcome` (`admitted`, `denied`, `shadowed`) and `tower_sliding_window.waited`, both by `limiter`, see [`RateLimitLayer::named`]; the recorder is the one there is at a layer's first decision |
//! | `redis` | `redis::RedisStore`: windows that several processes share, on one server |
//! | `redis-cluster` | the same on a cluster |

mod algorithm;
mod billing;
mod decision;
pub mod error;
mod future;
mod handle;
#[cfg(feature = "http")]
mod http;
mod key;
mod layer;
mod limiter;
mod metrics;
#[cfg(feature = "http")]
mod pacing;
mod quota;
mod quota_table;
mod rejection;
mod service;
mod statistics;
mod store;
mod tiers;
mod wait;

#[cfg(feature = "redis")]
pub use self::store::redis;
pub use self::{
    algorithm::{Algorithm, ApproxWindow, Gcra, SlidingLog, SlidingWindow},
    billing::{Bill, Billing, OnAdmission, OnResponse, OpenBill, Settle},
    decision::{Admission, CostAboveLimit, Denied, Usage},
    error::Error,
    future::ResponseFuture,
    handle::RateLimitHandle,
    key::{KeyExtractor, OnMissingKey, Priced},
    layer::RateLimitLayer,
    quota::{Quota, QuotaError, Quotas},
    quota_table::QuotaTable,
    rejection::{AsError, AsResponse, Refusal, Refuse, Reject, Rejection},
    service::RateLimit,
    statistics::Statistics,
    store::{Adjust, Charge, DEFAULT_MAX_KEYS, FixedStore, MemoryStore, Store},
    wait::{Wait, WaitFuture},
};
#[cfg(feature = "http")]
pub use self::{
    http::{
        ClientAddress, Credential, CredentialDigest, Empty, Network, NetworkError, ProblemDetails,
        ProxyHeader, RateLimitFields, TooManyRequests,
    },
    pacing::{PacingError, PacingFuture, ServerPacing, ServerPacingLayer},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
