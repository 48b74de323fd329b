//! What `Debug` and logs show.

use std::{
    fmt::Debug,
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_access_control::{
    ApiKeys, AuthenticateLayer, Authenticator, Cached, KeyStore, Place, Presented,
};
use tracing::{Level, trace};

use crate::script::{at, bearer, key, keys, prefix, store};

#[derive(Clone, Default)]
struct Capture(Arc<Mutex<Vec<u8>>>);

impl io::Write for Capture {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn log(value: impl Debug) {
    trace!(value = ?value, "seen");
}

#[tokio::test]
async fn nothing_of_a_key_is_in_a_log() {
    let capture = Capture::default();
    let writer = capture.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let store = store();
    let cached = Cached::new(
        ApiKeys::new(prefix(), store.clone()),
        NonZeroUsize::MIN,
        Duration::from_secs(60),
    );
    log(&cached);
    log(cached.handle());
    let layer = AuthenticateLayer::new(cached);
    let service = layer.layer(service_fn(async |request: Request<()>| {
        log(request.extensions());
        Ok::<_, std::convert::Infallible>(Response::new(()))
    }));
    log(&layer);
    for text in [key(1), key(2)].map(|key| key.expose().to_owned()) {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", format!("Bearer {text}").parse().unwrap());
        let credential = Place::Bearer.read(&headers).unwrap();
        log(&credential);
        log(keys().present(&headers));
        let Presented::Credential(credential) = keys().present(&headers).unwrap() else {
            panic!("a key was not seen")
        };
        let future = keys().verify(credential, at(0));
        log(&future);
        log(future.await);
        let future = service.clone().oneshot(bearer(&text));
        let response = future.await.unwrap();
        log(response.extensions());
        log(response
            .extensions()
            .get::<tower_access_control::Rejection>());
        log(&response);
    }
    let mut direct = service.clone();
    let future = tower::Service::call(direct.ready().await.unwrap(), bearer(key(1).expose()));
    log(&future);
    log((key(1), key(1).digest()));
    log(store.find(key(1).id()).await);
    log(&store);

    let seen = String::from_utf8(capture.0.lock().unwrap().clone()).unwrap();
    // The test would show nothing if nothing was logged.
    assert!(seen.contains("ada") && seen.contains(key(1).id().as_str()));
    for key in [key(1), key(2)] {
        let secret = key.expose().split('_').nth(3).unwrap().to_owned();
        let digest: String = key
            .digest()
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let list = format!("{:?}", key.digest().as_bytes());
        for telling in [secret, digest, list] {
            assert!(!seen.contains(&telling), "{telling} in {seen}");
        }
    }
}
