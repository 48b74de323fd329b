//! The laws of `Service`.

use std::{convert::Infallible, future::Future, num::NonZeroUsize, pin::Pin, time::Duration};

use http::{Request, Response};
use tower::Layer;
use tower_access_control::{
    AnyOf, ApiKeys, Authenticate, AuthenticateLayer, Authorize, AuthorizeLayer, Cached, KeyId,
    KeyStore, MemoryKeyStore, Rejection, StoredKey, any_of,
};
use tower_conformance::{Probe, Subject, Violations, check};

use crate::script::{bearer, key, keys, prefix, store};

/// Answers when polled a second time.
struct Slow(MemoryKeyStore<&'static str>);

impl KeyStore for Slow {
    type Principal = &'static str;
    type Error = Infallible;
    type Future =
        Pin<Box<dyn Future<Output = Result<Option<StoredKey<&'static str>>, Infallible>>>>;

    fn find(&self, id: KeyId) -> Self::Future {
        let found = self.0.find(id);
        Box::pin(async {
            tokio::task::yield_now().await;
            found.await
        })
    }
}

type Known = AnyOf<ApiKeys<MemoryKeyStore<&'static str>>, Cached<ApiKeys<Slow>>>;

fn both() -> Known {
    let slow = ApiKeys::new("slow".parse().unwrap(), Slow(store()));
    any_of(
        keys(),
        Cached::new(slow, NonZeroUsize::MIN, Duration::from_secs(60)),
    )
}

struct KnownAtOnce;

impl Subject for KnownAtOnce {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = Authenticate<Probe<Response<()>>, Known>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        AuthenticateLayer::new(both()).layer(inner)
    }

    fn request(&self) -> Request<()> {
        bearer(key(1).expose())
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

struct KnownLater;

impl Subject for KnownLater {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = Authenticate<Probe<Response<()>>, Cached<ApiKeys<Slow>>>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        let keys = ApiKeys::new(prefix(), Slow(store()));
        // Forgotten at once, and so each request waits.
        let cached = Cached::new(keys, NonZeroUsize::MIN, Duration::ZERO);
        AuthenticateLayer::new(cached).layer(inner)
    }

    fn request(&self) -> Request<()> {
        bearer(key(1).expose())
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

enum Unknown {
    AtOnce,
    Later,
}

impl Subject for Unknown {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = Authenticate<Probe<Response<()>>, ApiKeys<Slow>>;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        let keys = ApiKeys::new(prefix(), Slow(store()));
        AuthenticateLayer::new(keys).layer(inner)
    }

    fn request(&self) -> Request<()> {
        match self {
            Self::AtOnce => Request::new(()),
            Self::Later => bearer(key(2).expose()),
        }
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

type Check = fn(&mut Request<()>) -> Result<(), Rejection>;

struct Allowed;

impl Subject for Allowed {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = Authorize<Probe<Response<()>>, Check>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        let allow: Check = |_| Ok(());
        AuthorizeLayer::new(allow).layer(inner)
    }

    fn request(&self) -> Request<()> {
        Request::new(())
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

struct Forbidden;

impl Subject for Forbidden {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = Authorize<Probe<Response<()>>, Check>;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        let refuse: Check = |_| Err(Rejection::NoPrincipal);
        AuthorizeLayer::new(refuse).layer(inner)
    }

    fn request(&self) -> Request<()> {
        Request::new(())
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

#[tokio::test(start_paused = true)]
async fn authentication_that_succeeds_keeps_the_laws() -> Result<(), Violations> {
    check(&KnownAtOnce).await?;
    check(&KnownLater).await
}

#[tokio::test(start_paused = true)]
async fn authentication_that_refuses_keeps_the_laws() -> Result<(), Violations> {
    check(&Unknown::AtOnce).await?;
    check(&Unknown::Later).await
}

#[tokio::test(start_paused = true)]
async fn authorization_keeps_the_laws() -> Result<(), Violations> {
    check(&Allowed).await?;
    check(&Forbidden).await
}
