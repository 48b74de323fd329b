//! JSON Web Tokens (RFC 7519), signed (RFC 7515).
//!
//! [`Jwt`] verifies tokens with the keys of a [`KeySet`], or with those that an issuer publishes as
//! a JWKS document ([`RemoteKeys`]).
//!
//! ```
//! use http::HeaderMap;
//! use tower_access_control::{
//!     AuthenticateLayer, Permissions, Principal, Role,
//!     jwt::{Claims, Jwt, KeySet, VerifyingKey},
//! };
//! # #[derive(PartialEq, Eq, PartialOrd, Ord, Clone, Copy)]
//! # enum Seat { Member }
//! # impl Role for Seat {
//! #     fn permissions(&self) -> Permissions { Permissions::NONE }
//! # }
//!
//! #[derive(serde::Deserialize)]
//! struct Extra {
//!     organization: String,
//! }
//!
//! fn principal(claims: &Claims<'_>) -> Option<Principal<Seat>> {
//!     let extra: Extra = claims.parse()?;
//!     let organizations = [(extra.organization, Seat::Member)];
//!     Some(Principal::new(claims.subject()?, organizations, Permissions::ALL))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = VerifyingKey::hs256(b"0123456789abcdef0123456789abcdef")?;
//! let tokens = Jwt::new(KeySet::from(key), principal)
//!     .issuer("https://login.example")
//!     .audience("api");
//! let layer = AuthenticateLayer::new(tokens);
//! # let _ = (layer, HeaderMap::<()>::with_capacity(0));
//! # Ok(())
//! # }
//! ```
//!
//! # What makes a token good
//!
//! - It is no longer than [`max_len`](Jwt::max_len), and written in one way only: base64url without
//!   padding or stray bits, no member of its header twice.
//! - Its header names the algorithm its key is for. The key decides, not the token: there is no
//!   `none`, and a public key never becomes an HMAC secret.
//! - Its header has no `crit`: no extension is understood here, not even `b64`.
//! - Its signature is right.
//! - It has an `exp`, and now is before that, or `nbf` if it has one; both with a
//!   [`leeway`](Jwt::leeway). Times that are no numbers make it malformed.
//! - `iss` and `aud` are as asked for. A token with an `aud` isn't taken where no
//!   [`audience`](Jwt::audience) was given (RFC 7519 section 4.1.3).
//! - `typ` is as asked for, or `JWT` or absent.
//!
//! # Why not a JWT crate
//!
//! The clock has to be an argument and the algorithm a property of the key, which leaves of such a
//! crate the signature alone; and that is ring's, the library rustls uses too.

mod algorithm;
mod authenticator;
mod claims;
mod jwk;
mod key;
mod key_set;
mod remote;
mod rules;
mod token;

pub use self::{
    algorithm::Algorithm,
    authenticator::{Jwt, JwtFuture},
    claims::Claims,
    key::{KeyError, VerifyingKey},
    key_set::{KeySet, VerifyingKeys},
    remote::{RemoteKeys, RemoteKeysFuture},
};
