use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use tower::ServiceExt;
use tracing::Instrument;

use super::{
    Client, Error, ErrorKind, FieldError,
    error::request_id,
    operation::{Operation, Query},
    stack::{Attempts, OperationName, bypass_cache, ends_within, is_from_cache},
};

/// An operation on its way: set what is optional, then [`send`](Self::send) it.
#[derive(Debug, Clone)]
#[must_use = "an operation does nothing until it is sent"]
pub struct Call<O> {
    pub(super) client: Client,
    pub(super) operation: O,
    pub(super) options: Options,
}

/// What can be set about any operation.
#[derive(Debug, Clone, Default)]
pub(super) struct Options {
    timeout: Option<Duration>,
    bypass_cache: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// An answer with what came beside its value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Raw<T> {
    /// The value.
    pub value: T,
    /// The status.
    pub status: http::StatusCode,
    /// The headers.
    pub headers: http::HeaderMap,
    /// Whether the answer came from the cache.
    pub from_cache: bool,
    /// How often the request was sent; 0 when the answer came from the cache.
    pub attempts: u32,
    /// How long it took with all attempts and waits.
    pub elapsed: Duration,
}

impl<T> Raw<T> {
    /// The id under which the server knows the request.
    #[must_use]
    pub fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }
}

impl Client {
    /// Any [`Operation`], through the same stack as the named ones.
    pub fn call<O: Operation>(&self, operation: O) -> Call<O> {
        Call {
            client: self.clone(),
            operation,
            options: Options::default(),
        }
    }
}

impl<O: Operation> Call<O> {
    /// How long this call may take with all its attempts and waits, if that is less than the
    /// client's deadline.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Asks the server even when the cache holds a fresh answer, and keeps no answer.
    pub fn bypass_cache(mut self) -> Self {
        self.options.bypass_cache = true;
        self
    }

    /// Sends a header along, in place of the client's own of that name; of one name, all that are
    /// given here are sent. `Authorization` makes it another caller's operation, to the cache too.
    ///
    /// With `Idempotency-Key`, an operation that is not idempotent by
    /// itself is retried too: set it only for a server that honours it.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        if [
            header::AUTHORIZATION,
            header::PROXY_AUTHORIZATION,
            header::COOKIE,
        ]
        .contains(&name)
        {
            value.set_sensitive(true);
        }
        self.options.headers.push((name, value));
        self
    }

    /// Sends it.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](super::ErrorKind).
    pub async fn send(self) -> Result<O::Output, Error> {
        self.send_raw().await.map(|raw| raw.value)
    }

    /// Sends it, and gives what came beside the value too.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](super::ErrorKind).
    pub async fn send_raw(self) -> Result<Raw<O::Output>, Error> {
        let started = Instant::now();
        let attempts = Attempts::default();
        let span = tracing::debug_span!("operation", name = O::NAME);
        let outcome = self.exchange(&attempts).instrument(span).await;
        let elapsed = started.elapsed();
        tracing::debug!(
            operation = O::NAME,
            attempts = attempts.count(),
            elapsed_ms = elapsed.as_millis(),
            failed = outcome.as_ref().err().map(tracing::field::display),
            "operation ended"
        );
        match outcome {
            Ok(mut raw) => {
                raw.attempts = attempts.count();
                raw.elapsed = elapsed;
                Ok(raw)
            }
            Err(error) => Err(error.during(O::NAME, attempts.count(), elapsed)),
        }
    }

    async fn exchange(self, attempts: &Attempts) -> Result<Raw<O::Output>, Error> {
        let request = self.request(attempts)?;
        let target = request.uri().clone();
        let answer = self.client.shared.stack.clone().oneshot(request);
        let answer = match self.options.timeout {
            None => answer.await?,
            Some(timeout) => tokio::time::timeout(timeout, answer).await.map_err(|_| {
                Error::new(
                    ErrorKind::Timeout,
                    format!("no answer within {timeout:.1?}"),
                )
            })??,
        };
        let (parts, body) = answer.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        if !parts.status.is_success() {
            return Err(Error::from_answer(parts.status, &parts.headers, &body));
        }
        let value = match serde_json::from_slice(&body) {
            Ok(value) => value,
            Err(error) => {
                // A page of a proxy in the server's place must not outlive it.
                self.client.shared.handles.forget(&target).await;
                let (status, headers) = (parts.status, &parts.headers);
                return Err(Error::misread(O::NAME, status, headers, &error));
            }
        };
        Ok(Raw {
            value,
            status: parts.status,
            headers: parts.headers,
            from_cache: is_from_cache(&parts.extensions),
            attempts: 0,
            elapsed: Duration::ZERO,
        })
    }

    fn request(&self, attempts: &Attempts) -> Result<Request<Full<Bytes>>, Error> {
        let wrong = self.operation.check();
        if !wrong.is_empty() {
            let message = "the request is not valid and was not sent";
            return Err(Error::new(ErrorKind::Validation(wrong), message));
        }
        let unsendable = |error: &dyn std::error::Error| {
            Error::new(
                ErrorKind::Validation(Vec::new()),
                format!("cannot be sent: {error}"),
            )
        };
        let path = self.operation.path();
        if !path.starts_with('/') {
            // It would go on with the host's name, and the token would go there.
            let wrong = FieldError::new("path", "must begin with a slash");
            let message = "the request is not valid and was not sent";
            return Err(Error::new(ErrorKind::Validation(vec![wrong]), message));
        }
        let mut target = self.client.shared.config.base.as_str().to_owned();
        target.push_str(&path);
        self.operation.query(&mut Query::new(&mut target));
        let body = self.operation.body().map_err(|error| unsendable(&error))?;
        const JSON: HeaderValue = HeaderValue::from_static("application/json");
        let has_body = body.is_some();
        let mut request = Request::builder().method(O::METHOD).uri(target);
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        let mut request = request
            .body(Full::new(body.unwrap_or_default()))
            .map_err(|error| unsendable(&error))?;
        let headers = request.headers_mut();
        headers.entry(header::ACCEPT).or_insert(JSON);
        if has_body {
            headers.entry(header::CONTENT_TYPE).or_insert(JSON);
        }
        let extensions = request.extensions_mut();
        extensions.insert(OperationName(O::NAME));
        extensions.insert(attempts.clone());
        if let Some(timeout) = self.options.timeout {
            ends_within(extensions, timeout);
        }
        if self.options.bypass_cache || !O::CACHED {
            bypass_cache(extensions);
        }
        Ok(request)
    }
}
