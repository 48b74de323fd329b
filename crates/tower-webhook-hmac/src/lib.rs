//! Signatures of webhooks, verified while the body streams, as a tower layer.
//!
//! [`VerifyWebhookLayer`] stands in front of the service that acts on a webhook. It judges the
//! headers before it asks for a byte of the body, hashes the frames as they arrive, and calls the
//! inner service only when the signature over the raw bytes is right. The frames are kept, not
//! copied, and reach the inner service as they came.
//!
//! Use it where a provider signs its requests. Don't use it
//!
//! - outside anything that changes the body (decompression, a parser that writes it anew): the
//!   signature covers the bytes on the wire;
//! - for uploads too large to hold, which is what it does until they are verified: [`passing`] has
//!   another mode for those;
//! - alone, where acting twice on a delivery does harm: a signature stays right when the request is
//!   sent again. [`replay`] has the layer that lets each delivery through once.
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
//! # Schemes
//!
//! Providers by name: [`github`](Scheme::github), [`standard_webhooks`](Scheme::standard_webhooks),
//! [`svix`](Scheme::svix), [`stripe`](Scheme::stripe), [`slack`](Scheme::slack),
//! [`zoom`](Scheme::zoom), [`shopify`](Scheme::shopify), [`linear`](Scheme::linear),
//! [`square`](Scheme::square), [`twilio`](Scheme::twilio), [`gocardless`](Scheme::gocardless),
//! [`razorpay`](Scheme::razorpay), [`coinbase_commerce`](Scheme::coinbase_commerce),
//! [`convoy_simple`](Scheme::convoy_simple), [`convoy_advanced`](Scheme::convoy_advanced),
//! [`paddle`](Scheme::paddle), [`pagerduty`](Scheme::pagerduty), [`sentry`](Scheme::sentry),
//! [`twitch`](Scheme::twitch), [`hubspot_v3`](Scheme::hubspot_v3), and with the feature `ed25519`
//! `discord` and `standard_webhooks_v1a`.
//!
//! All of them are descriptions made with [`SchemeBuilder`], which is there for the rest: where the
//! signature stands ([`Signature`]: a header, several, a list, pairs, the query, the body), in which
//! [`Encoding`], what is signed and in which order ([`Part`]), where the time stands and in which
//! [`Unit`]. A description that contradicts itself is refused when it is built.
//!
//! ```
//! use tower_webhook_hmac::{Encoding, Hash, Part, Scheme, Signature, Source, Unit};
//!
//! # fn main() -> Result<(), tower_webhook_hmac::SchemeError> {
//! // Base 64 over the timestamp in milliseconds and the body, in two headers of which one will do.
//! let scheme = Scheme::hmac("deliveries", Hash::Sha512)
//!     .signature(Signature::header("x-sig").or_header("x-sig-2").encoding(Encoding::Base64))
//!     .timestamp(Source::header("x-time"), Unit::Milliseconds)
//!     .signed([Part::Timestamp, Part::Body])
//!     .build()?;
//! # let _ = scheme;
//! # Ok(())
//! # }
//! ```
//!
//! # Whose secrets
//!
//! [`Secrets`] that never change are given to [`VerifyWebhookLayer::new`]. [`SharedSecrets`] can be
//! replaced while requests are served, and any function from the head of a request to a future of
//! secrets is a [`KeyProvider`] for [`VerifyWebhookLayer::with_keys`]: it looks a tenant up by its
//! headers or its path, after the signature's form has been judged and before the body is read.
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
//! | 400 | headers are malformed, repeated, contradictory or too many, or the body broke off |
//! | 401 | no signature or a wrong one, a time outside the tolerance, an unknown sender; `WWW-Authenticate` names the scheme and its header |
//! | 408 | the body wasn't complete by [`body_deadline`](VerifyWebhookLayer::body_deadline) |
//! | 413 | the body is larger than [`max_body`](VerifyWebhookLayer::max_body) |
//! | 503 | the secrets couldn't be looked up; with `Retry-After` |
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
//! - Time: one HMAC over the body, keyed once when the [`Secret`] is made (SHA-256; other hashes
//!   are keyed with each request). With the newest secret while the body comes; with each older one
//!   only when that didn't match. No lock but that of [`SharedSecrets`].
//! - Schemes that sign something out of the body, and Ed25519, wait for its end and then hash it;
//!   Ed25519 copies it for that.
//! - Memory: the body, plus 32 bytes for each frame after the first. A body is refused as too
//!   large when it comes in so many frames (`16384 + max_body / 64`) that the frames would weigh
//!   more than the bytes.
//! - Allocations: one for what was read from the headers; none for the first frame; a growing list of the frames that follow; the labels
//!   of [`Verified`] and the bytes that are signed around the body; an entry in the request's
//!   extensions.
//! - A timer only when the body isn't there at once; then a tokio runtime with time is needed.
//!
//! # Secrets
//!
//! A [`Secret`] is wiped when its last clone goes, as is every state made from it. No type here shows
//! a secret or a signature in its `Debug` output. Signatures are compared in constant time. A secret
//! of zero bytes is refused when it is made, since anyone can sign with it; of a short one nobody
//! can warn you, take at least 16 random bytes.
//!
//! # Features
//!
//! None is on by default.
//!
//! - `ed25519`: Ed25519, [`Scheme::ed25519`](Scheme) and the providers that sign with it.
//! - `redis`: `replay::RedisReplay`, deliveries seen by several processes.
//! - `axum`: [`Verified`] as an extractor.
//! - `metrics`: `tower_webhook_hmac.requests` by scheme and verdict, `.old_secret` by scheme,
//!   `.replays` by verdict and `.not_committed`, through the `metrics` facade.

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
pub mod passing;
mod policy;
#[cfg(feature = "ed25519")]
mod public_key;
mod rejection;
pub mod replay;
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
