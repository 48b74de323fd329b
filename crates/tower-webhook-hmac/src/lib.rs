//! HMAC signatures of webhooks, verified while the body streams, as a tower layer.
//!
//! [`VerifyWebhookLayer`] stands in front of the service that acts on a webhook. It judges the
//! headers before it asks for a byte of the body, hashes the frames as they arrive, and calls the
//! inner service only when the signature over the raw bytes is right. The frames are kept, not
//! copied, and reach the inner service as they came.
//!
//! Use it where a provider signs its requests with a secret you both hold. Don't use it
//!
//! - as protection against *replay*: GitHub signs neither a time nor a delivery id, so a captured
//!   request stays valid for as long as the secret does;
//! - outside anything that changes the body (decompression, a parser that writes it anew): the
//!   signature covers the bytes on the wire;
//! - for uploads of many megabytes: the whole body is held until it is verified.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_webhook_hmac::{Scheme, Secret, Verified, VerifiedBody, VerifyWebhookLayer};
//!
//! async fn handle(request: Request<VerifiedBody>) -> Result<Response<Full<Bytes>>, std::io::Error> {
//!     let event = request.extensions().get::<Verified>().and_then(Verified::event);
//!     Ok(Response::new(Full::from(format!("took {}", event.unwrap_or("?")))))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::new("It's a Secret to Everybody")?;
//! let service = ServiceBuilder::new()
//!     .layer(VerifyWebhookLayer::github(secret.clone()))
//!     .service(service_fn(handle));
//!
//! let mut signed = Request::post("/hooks").header("x-github-event", "push").body(Full::from("{}"))?;
//! signed.headers_mut().extend(Scheme::github().sign(&secret, "{}")?);
//! assert_eq!(service.clone().oneshot(signed).await?.status(), StatusCode::OK);
//!
//! let forged = Request::post("/hooks").body(Full::from("{}"))?;
//! assert_eq!(service.oneshot(forged).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! Two secrets while one replaces the other, and narrower limits:
//!
//! ```
//! use std::time::Duration;
//! use tower_webhook_hmac::{Scheme, Secret, Secrets, VerifyWebhookLayer};
//!
//! # fn main() -> Result<(), tower_webhook_hmac::SecretError> {
//! let secrets = Secrets::new(Secret::new("the new one")?).previous(Secret::new("the old one")?);
//! let layer = VerifyWebhookLayer::new(Scheme::github(), secrets)
//!     .max_body(1024 * 1024)
//!     .body_deadline(Duration::from_secs(3));
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! # Without tower
//!
//! [`Scheme::verifier`] takes headers and secrets and gives a [`Verifier`] to feed with bytes;
//! [`Scheme::verify`] does it in one call. [`Scheme::signer`] and [`Scheme::sign`] are the other
//! side. None of them does I/O, waits, or reads a clock.
//!
//! ```
//! use std::time::SystemTime;
//!
//! use http::HeaderMap;
//! use tower_webhook_hmac::{Rejection, Scheme, Secret, Secrets};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scheme = Scheme::github();
//! let secret = Secret::new("It's a Secret to Everybody")?;
//! let headers = scheme.sign(&secret, "Hello, World!")?;
//!
//! let secrets = Secrets::from(secret);
//! let mut verifier = scheme.verifier(&headers, &secrets, SystemTime::now())?;
//! verifier.update(b"Hello, ");
//! verifier.update(b"World!");
//! assert_eq!(verifier.finish()?.key_index(), 0);
//!
//! let unsigned = scheme.verifier(&HeaderMap::new(), &secrets, SystemTime::now());
//! assert_eq!(unsigned.err(), Some(Rejection::MissingSignature));
//! # Ok(())
//! # }
//! ```
//!
//! # Refusals
//!
//! A refused request is answered by the layer with an empty body and with its [`Rejection`] among
//! the response's extensions, for the server to render or count. Nothing a peer sends becomes an
//! error of the service; errors of the inner service pass through in their own type.
//!
//! | status | when |
//! |---|---|
//! | 400 | the signature header is malformed or there are two, or the body broke off |
//! | 401 | no signature, or a wrong one; `WWW-Authenticate` names the scheme and its header |
//! | 408 | the body wasn't complete by [`body_deadline`](VerifyWebhookLayer::body_deadline) |
//! | 413 | the body is larger than [`max_body`](VerifyWebhookLayer::max_body) |
//!
//! # Readiness
//!
//! The layer is always ready, and readies a clone of the inner service once the body is verified.
//! Had it readied the inner service beforehand, a permit of, say, a concurrency limit would be
//! held while a stranger's body trickles in, and a few slow peers would keep everybody out. The
//! price: the inner service must be `Clone`, and its backpressure is felt after the body, not in
//! `poll_ready`. Limit the number of bodies in memory with a limit outside this layer.
//!
//! # Cost
//!
//! - Time: one HMAC over the body for each secret, keyed once when the [`Secret`] is made. No lock.
//! - Memory: the body, plus 32 bytes for each frame after the first. A body is refused as too
//!   large when it comes in so many frames (`16384 + max_body / 64`) that the frames would weigh
//!   more than the bytes.
//! - Allocations: none for the first frame and the newest secret; a growing list of the frames that
//!   follow; a list of the older secrets' states; an entry in the request's extensions.
//! - A timer only when the body isn't there at once; then a tokio runtime with time is needed.
//!
//! # Secrets
//!
//! A [`Secret`] is kept as a keyed hash state, wiped when the last clone goes, as is every state
//! made from it. No type here shows a secret or a signature in its `Debug` output. Signatures are
//! compared in constant time, with every secret, whichever matches. A secret of zero bytes is
//! refused when it is made, since anyone can sign with it.

#[cfg(feature = "axum")]
mod axum;
mod body;
mod claim;
mod encoding;
mod error;
mod future;
mod hash;
mod intake;
mod json;
mod keys;
mod layer;
mod metrics;
mod policy;
#[cfg(feature = "ed25519")]
mod public_key;
mod rejection;
mod scheme;
mod secret;
mod secrets;
mod service;
mod signer;
mod tag;
mod timestamp;
mod verified;
mod verifier;

#[cfg(feature = "ed25519")]
pub use self::public_key::PublicKey;
pub use self::{
    body::VerifiedBody,
    encoding::Encoding,
    error::{SchemeError, SecretError, SignError},
    future::ResponseFuture,
    hash::Hash,
    keys::{KeyError, KeyProvider, SharedSecrets},
    layer::VerifyWebhookLayer,
    rejection::Rejection,
    scheme::{Head, Part, PublicUrl, Scheme, SchemeBuilder, Signature, Source},
    secret::Secret,
    secrets::{Key, Secrets},
    service::VerifyWebhook,
    signer::Signer,
    timestamp::Unit,
    verified::{ReplayKey, Verified},
    verifier::Verifier,
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
