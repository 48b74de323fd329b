//! What does it cost to know who is calling and whether they may?

use std::{
    convert::Infallible,
    future::{Ready, ready},
    num::NonZeroUsize,
    time::Duration,
};

use benches::{ThreadTime, call};
use criterion::Criterion;
use http::{HeaderValue, Request, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tower::{Layer, service_fn};
use tower_access_control::{
    ApiKey, ApiKeys, AuthenticateLayer, AuthorizeLayer, Cached, MemoryKeyStore, Permission,
    Permissions, Policy, Prefix, Principal, RequireOrganization, RequirePermission, RequireRole,
    Role,
    jwt::{Claims, Jwt, KeySet, VerifyingKey},
};

const HOUR: Duration = Duration::from_secs(3600);
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// Keys in the store.
const KEYS: u64 = 10_000;

const READ: Permission = Permission::new::<0>();

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seat {
    Member,
    Admin,
}

impl Role for Seat {
    fn permissions(&self) -> Permissions {
        Permissions::of(&[READ])
    }
}

fn main() {
    // The cache reads tokio's clock.
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.expect("a runtime");
    let _entered = runtime.enter();
    let mut criterion = benches::criterion();
    keys(&mut criterion);
    policies(&mut criterion);
    tokens(&mut criterion);
    criterion.final_summary();
}

fn handler<B>(_: Request<B>) -> Ready<Result<Response<()>, Infallible>> {
    ready(Ok(Response::new(())))
}

fn ada() -> Principal<Seat> {
    let organizations = [("7", Seat::Admin), ("8", Seat::Member)];
    Principal::new("ada", organizations, Permissions::ALL)
}

fn bearer(text: &str) -> HeaderValue {
    HeaderValue::try_from(format!("Bearer {text}")).expect("a header")
}

fn request(authorization: &HeaderValue) -> Request<()> {
    let mut request = Request::new(());
    let headers = request.headers_mut();
    headers.insert("authorization", authorization.clone());
    request
}

fn keys(criterion: &mut Criterion<ThreadTime>) {
    let prefix: Prefix = "acme_live".parse().expect("a prefix");
    let store = MemoryKeyStore::new();
    let mut last = None;
    for number in 0..KEYS {
        let mut entropy = [7; 28];
        entropy[..8].copy_from_slice(&number.to_be_bytes());
        let key = ApiKey::from_entropy(&prefix, entropy);
        store.insert(&key, ada(), None);
        last = Some(key);
    }
    let key = last.expect("a key");
    let authorization = bearer(key.expose());
    let unknown = bearer(ApiKey::from_entropy(&prefix, [9; 28]).expose());
    let mut group = criterion.benchmark_group("key");

    group.bench_function("sha256", |bencher| {
        bencher.iter(|| Sha256::digest(std::hint::black_box(key.expose())));
    });
    let mut service = service_fn(handler);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut service, request(&authorization)));
    });
    let mut service = AuthenticateLayer::new(ApiKeys::new(prefix, store)).layer(service);
    group.bench_function("ours", |bencher| {
        bencher.iter(|| call(&mut service, request(&authorization)));
    });
    group.bench_function("ours-refused", |bencher| {
        bencher.iter(|| call(&mut service, request(&unknown)));
    });
    group.finish();
}

fn policies(criterion: &mut Criterion<ThreadTime>) {
    let organization = "/organizations/{id}".parse().expect("a template");
    let organization = RequireOrganization::<Seat>::new(organization);
    let mut member = Request::new(());
    *member.uri_mut() = http::Uri::from_static("/organizations/8/runs");
    member.extensions_mut().insert(ada());
    let mut group = criterion.benchmark_group("policy");
    // The request is made once: what is meant is the check.
    group.bench_function("ours-organization", |bencher| {
        bencher.iter(|| organization.check(std::hint::black_box(&mut member)));
    });
    let role = RequireRole::new(Seat::Member);
    group.bench_function("ours-role", |bencher| {
        bencher.iter(|| role.check(std::hint::black_box(&mut member)));
    });
    let permission = RequirePermission::<Seat>::new(READ);
    group.bench_function("ours-permission", |bencher| {
        bencher.iter(|| permission.check(std::hint::black_box(&mut member)));
    });
    // The layer, above a request with a membership.
    let with_extension = || {
        let mut request = Request::new(());
        request.extensions_mut().insert(ada());
        *request.uri_mut() = http::Uri::from_static("/organizations/8/runs");
        request
    };
    let mut service = service_fn(handler);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut service, with_extension()));
    });
    let mut service = AuthorizeLayer::new((organization, role)).layer(service);
    group.bench_function("ours-layer", |bencher| {
        bencher.iter(|| call(&mut service, with_extension()));
    });
    group.finish();
}

#[derive(Serialize, Deserialize)]
struct Token {
    sub: String,
    iss: String,
    aud: String,
    exp: u64,
}

fn tokens(criterion: &mut Criterion<ThreadTime>) {
    let token = Token {
        sub: "ada".into(),
        iss: "us".into(),
        aud: "api".into(),
        exp: 10_000_000_000,
    };
    let header = jsonwebtoken::Header::default();
    let encoding = jsonwebtoken::EncodingKey::from_secret(SECRET);
    let token = jsonwebtoken::encode(&header, &token, &encoding).expect("a token");
    let authorization = bearer(&token);
    let mut group = criterion.benchmark_group("token");

    let mut service = service_fn(handler);
    group.bench_function("baseline", |bencher| {
        bencher.iter(|| call(&mut service, request(&authorization)));
    });

    let decoding = jsonwebtoken::DecodingKey::from_secret(SECRET);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_issuer(&["us"]);
    validation.set_audience(&["api"]);
    let bare = || jsonwebtoken::decode::<Token>(token.as_bytes(), &decoding, &validation);
    assert!(bare().is_ok(), "the token is good");
    group.bench_function("jsonwebtoken", |bencher| bencher.iter(bare));

    let tokens = || {
        let key = VerifyingKey::hs256(SECRET).expect("a key");
        let principal = |claims: &Claims<'_>| {
            let user = claims.subject()?;
            Some(Principal::new(user, [("7", Seat::Admin)], Permissions::ALL))
        };
        Jwt::new(KeySet::from(key), principal)
            .issuer("us")
            .audience("api")
    };
    let mut service = AuthenticateLayer::new(tokens()).layer(service_fn(handler));
    group.bench_function("ours", |bencher| {
        bencher.iter(|| call(&mut service, request(&authorization)));
    });

    let cached = Cached::new(tokens(), NonZeroUsize::MIN, HOUR);
    let mut service = AuthenticateLayer::new(cached).layer(service_fn(handler));
    group.bench_function("ours-cached", |bencher| {
        bencher.iter(|| call(&mut service, request(&authorization)));
    });
    group.finish();
}
