//! The server's layers in their order. The picture is in the documentation of [`server`](super).

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{MatchedPath, Request},
    middleware::{from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderValue, Uri};
use tokio::sync::Semaphore;
use tower::{
    BoxError, Service, ServiceBuilder, limit::GlobalConcurrencyLimitLayer,
    load_shed::error::Overloaded, util::MapRequestLayer,
};
use tower_http::{
    ServiceBuilderExt,
    catch_panic::CatchPanicLayer,
    request_id::{MakeRequestId, RequestId},
    trace::{DefaultOnRequest, DefaultOnResponse, TraceLayer},
};
use tower_request_metrics::{RequestMetricsLayer, RouteSlot, Stats};
use tower_sliding_window::{
    Admission, QuotaError, RateLimitFields, RateLimitLayer, Refusal, Rejection,
};
use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};
use tower_webhook_hmac::{
    VerifyWebhookLayer,
    replay::{MemoryReplay, ReplayGuardLayer},
};
use tracing::Level;

use super::{
    ServerConfig,
    authentication::authenticate,
    error::{ApiError, envelop, panicked},
    health,
    limits::{self, Quotas},
    permission::authorize,
    routes::{self, App},
    store::Store,
    webhooks,
};

/// Bytes and entries of the server's cache: a few thousand small lists.
const CACHE_BYTES: usize = 16 << 20;
const CACHE_ENTRIES: usize = 4_096;

/// Webhooks worked on at once. Each may hold 25 MiB of a body that nobody has vouched for yet.
const WEBHOOKS_IN_FLIGHT: usize = 32;

/// Deliveries of three days, the time within which GitHub repeats one: some four a second. Beyond
/// that they are refused until the oldest can be forgotten; about 150 bytes each as they come.
const WEBHOOKS_REMEMBERED: usize = 1 << 20;

const REQUEST_ID: http::HeaderName = http::HeaderName::from_static("x-request-id");

/// The whole server as one service: clone it per connection, or call it without a socket.
///
/// # Errors
///
/// When a setting cannot be used.
pub fn app<St: Store>(
    store: St,
    config: ServerConfig,
) -> Result<
    impl Service<Request, Response = Response, Error = Infallible, Future: Send>
    + Clone
    + Send
    + 'static,
    ServerError,
> {
    let stats = Stats::default();
    let app = Arc::new(App {
        store,
        config,
        stats: stats.clone(),
    });
    let router = Router::new()
        .merge(operations(&app)?)
        // Health and metrics sit outside authentication and limiter: a probe has no token, and
        // must see a busy server as busy, not as absent.
        .route("/v1/health", get(health::health::<St>))
        .route("/v1/stats", get(health::stats::<St>))
        .route("/metrics", get(health::metrics::<St>))
        .merge(webhooks(&app))
        // The metrics stand outside the router and learn the route from here.
        .route_layer(MapRequestLayer::new(record_route))
        .with_state(app);
    Ok(ServiceBuilder::new()
        .map_response(IntoResponse::into_response)
        // Outermost, so that every answer and every line of the log has the request's id.
        .map_request(drop_odd_request_id)
        .set_x_request_id(RandomId)
        .layer(
            TraceLayer::new_for_http()
                .make_span_with(span)
                .on_request(DefaultOnRequest::new().level(Level::TRACE))
                .on_response(DefaultOnResponse::new().level(Level::INFO)),
        )
        .propagate_x_request_id()
        // A panic anywhere below becomes a 500 in the envelope, not a cut connection; inside the
        // trace, so that its line in the log says which request it was.
        .layer(CatchPanicLayer::custom(|panic: Box<_>| panicked(&*panic)))
        // Outside whatever refuses, so that refusals are counted too.
        .layer(RequestMetricsLayer::server().route_slot().stats(&stats))
        // Outside the router and the layers that answer without a body.
        .map_response(envelop)
        // Before routing: one set of routes, one canonical name in the metrics.
        .map_request(without_api_prefix)
        .service(router))
}

/// The operations of the contract.
fn operations<St: Store>(app: &Arc<App<St>>) -> Result<Router<Arc<App<St>>>, ServerError> {
    let store = MemoryStore::new()
        .max_bytes(CACHE_BYTES)
        .max_entries(CACHE_ENTRIES);
    // Keyed by credential: what one principal may see, no other is shown.
    let cache = HttpCacheLayer::private(store);
    let logs = get(routes::run_logs::<St>);
    let organization = Router::new()
        .route("/users", get(routes::users::<St>))
        .route("/users/{user_id}", get(routes::user::<St>))
        .route("/repos", get(routes::repositories::<St>))
        .route("/repositories", get(routes::repositories::<St>))
        .route("/agent/run", post(routes::create_run::<St>))
        .route("/agent/run/resume", post(routes::resume_run::<St>))
        .route("/agent/run/{agent_run_id}", get(routes::run::<St>))
        .route("/agent/run/{agent_run_id}/logs", logs.clone())
        .route("/agent/runs", get(routes::runs::<St>));
    let alpha = Router::new().route("/agent/run/{agent_run_id}/logs", logs);
    let operations = Router::new()
        .nest("/v1/organizations/{org_id}", organization)
        .nest("/v1/alpha/organizations/{org_id}", alpha)
        // Innermost: a hit skips the handler and nothing else.
        .route_layer(cache.clone())
        // Outside the cache: who has lost a membership must not be answered from it.
        .route_layer(from_fn(authorize));
    let own = Router::new()
        .route("/v1/users/me", get(routes::current_user::<St>))
        .route("/v1/organizations", get(routes::organizations::<St>))
        .route_layer(cache);
    let mut operations = operations.merge(own);
    if app.config.rate_limits {
        let quotas = Quotas::documented().map_err(ServerError::Quota)?;
        let limiter = RateLimitLayer::new(limits::bucket, move |key: &_| quotas.of(key))
            .named("server")
            .respond(Limited);
        // Outside the permission, so that knocking on strangers' doors has a limit; inside the
        // authentication, because the bucket is the caller's.
        operations = operations.route_layer(limiter);
    }
    // No other layer may be asked for work on behalf of somebody unknown.
    operations = operations.route_layer(from_fn_with_state(Arc::clone(app), authenticate::<St>));
    // Outside the authentication: it asks the database, which is what is busy under load.
    Ok(bounded(
        operations,
        app.config.max_in_flight,
        app.config.deadline,
    ))
}

/// Bounds how many requests are worked on at once, and for how long.
fn bounded<S>(router: Router<S>, requests: usize, deadline: Duration) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let requests = requests.min(Semaphore::MAX_PERMITS);
    router.route_layer(
        ServiceBuilder::new()
            .layer(HandleErrorLayer::new(busy))
            .load_shed()
            .layer(GlobalConcurrencyLimitLayer::new(requests))
            .timeout(deadline),
    )
}

/// Deliveries of webhooks, if there is a secret to check them with.
fn webhooks<St: Store>(app: &Arc<App<St>>) -> Router<Arc<App<St>>> {
    match &app.config.webhook_secrets {
        None => Router::new(),
        Some(secrets) => {
            let webhooks = Router::new()
                .route("/webhooks/github", post(webhooks::receive::<St>))
                // Inside the signature: only what is verified is remembered. The handler answers
                // duplicates, in the words it has for its own.
                .route_layer(
                    ReplayGuardLayer::new(MemoryReplay::new(WEBHOOKS_REMEMBERED))
                        .forward_duplicates(),
                )
                // The signature is the authentication: there is no token here.
                .route_layer(VerifyWebhookLayer::github(secrets.clone()));
            // Outside the signature, which is checked as the body comes; apart from the
            // operations, so that strangers who send slowly keep nobody else out.
            let requests = app.config.max_in_flight.min(WEBHOOKS_IN_FLIGHT);
            bounded(webhooks, requests, app.config.deadline)
        }
    }
}

/// Refuses in the envelope, and tells who passed how much remains.
#[derive(Debug, Clone, Copy)]
struct Limited;

impl Rejection<Response> for Limited {
    fn reject(&self, refusal: &Refusal) -> Response {
        let mut response = too_many(refusal).into_response();
        if let Refusal::Denied(denied) = refusal {
            RateLimitFields::new().denied(denied, response.headers_mut());
        }
        response
    }

    fn admitted(&self, response: &mut Response, admission: &Admission) {
        RateLimitFields::new().admitted(admission, response.headers_mut());
    }
}

fn too_many(refusal: &Refusal) -> ApiError {
    match refusal {
        Refusal::Denied(denied) => ApiError::Limited(denied.retry_after_seconds()),
        // Every request here has a principal, and so a bucket.
        _ => ApiError::Internal,
    }
}

async fn busy(error: BoxError) -> ApiError {
    if error.is::<Overloaded>() {
        ApiError::Unavailable("The server is busy. Please try again later.", 1)
    } else {
        ApiError::Unavailable("The request took too long. Please try again later.", 1)
    }
}

fn record_route(request: Request) -> Request {
    if let (Some(slot), Some(route)) = (
        request.extensions().get::<RouteSlot>(),
        request.extensions().get::<MatchedPath>(),
    ) {
        slot.set(route.as_str().to_owned());
    }
    request
}

fn span(request: &Request) -> tracing::Span {
    let id = request.extensions().get::<RequestId>();
    let id = id
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or_default();
    // The path without its query, which may hold what should not be in a log.
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        request_id = id,
    )
}

/// `/api/v1/…` is `/v1/…`.
fn without_api_prefix(mut request: Request) -> Request {
    let Some(target) = request.uri().path_and_query() else {
        return request;
    };
    let stripped = target.as_str().strip_prefix("/api").filter(|rest| {
        rest.strip_prefix("/v1")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    if let Some(target) = stripped.and_then(|rest| rest.parse::<Uri>().ok()) {
        let mut parts = std::mem::take(request.uri_mut()).into_parts();
        parts.path_and_query = target.into_parts().path_and_query;
        // A path in place of a path is always a URI.
        *request.uri_mut() = Uri::from_parts(parts).unwrap_or_default();
    }
    request
}

/// A caller's own request id counts if it is short and plain; it goes into the log.
fn drop_odd_request_id(mut request: Request) -> Request {
    let plain = |id: &HeaderValue| {
        (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    let ids = request.headers().get_all(&REQUEST_ID);
    if ids.iter().count() > 1 || !ids.iter().all(plain) {
        request.headers_mut().remove(&REQUEST_ID);
    }
    request
}

#[derive(Debug, Clone, Copy)]
struct RandomId;

impl MakeRequestId for RandomId {
    fn make_request_id<B>(&mut self, _: &http::Request<B>) -> Option<RequestId> {
        // Tells requests apart, no more: nobody has to be unable to guess it.
        let id = format!("{:032x}", fastrand::u128(..));
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}

/// A setting of the server that cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServerError {
    /// A rate limit.
    Quota(QuotaError),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quota(_) => f.write_str("a rate limit cannot be used"),
        }
    }
}

impl std::error::Error for ServerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Quota(source) => Some(source),
        }
    }
}
