//! Bodies too large to hold: the inner service reads while the hash does.
//!
//! [`VerifyWebhookLayer::pass_through`](crate::VerifyWebhookLayer::pass_through) makes a layer that
//! calls the inner service as soon as the headers have been judged and the secrets are found. What
//! it reads is **not verified** until the body has ended well: do nothing that can't be undone before
//! the last frame. [`Verification::verified`] is there from then on; a wrong signature, a body too
//! large or too slow is the last frame's error.
//!
//! Every byte is hashed with every secret, since there is nothing to hash a second time.
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::{BodyExt, Full};
//! use tower::{Layer, ServiceExt, service_fn};
//! use tower_webhook_hmac::{Scheme, Secret, VerifyWebhookLayer};
//! use tower_webhook_hmac::passing::{PassingBody, Verification};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = Secret::new("It's a Secret to Everybody")?;
//! let layer = VerifyWebhookLayer::github(secret.clone()).max_body(1 << 40).pass_through()?;
//! let service = layer.layer(service_fn(|request: Request<PassingBody<Full<Bytes>>>| async {
//!     let verification = request.extensions().get::<Verification>().cloned();
//!     let mut body = request.into_body();
//!     while let Some(frame) = body.frame().await {
//!         // Write it somewhere from where it can be taken back.
//!         frame?;
//!     }
//!     assert!(verification.is_some_and(|it| it.verified().is_some()));
//!     Ok::<_, Box<dyn std::error::Error>>(Response::new(()))
//! }));
//! let mut request = Request::post("/upload").body(Full::from("much"))?;
//! request.headers_mut().extend(Scheme::github().sign(&secret, "much")?);
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::OK);
//! # Ok(())
//! # }
//! ```

mod body;
mod future;
mod layer;
mod service;

pub use self::{
    body::{PassingBody, PassingError, Verification},
    future::PassFuture,
    layer::{NeedsBody, PassWebhookLayer},
    service::PassWebhook,
};
