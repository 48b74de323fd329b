//! Who is calling, and may they: API keys, JSON Web Tokens, roles, permissions and address lists
//! as [tower](https://docs.rs/tower) layers.
//!
//! Two layers:
//!
//! - [`AuthenticateLayer`] finds out who sends a request, by an [`Authenticator`]: [`ApiKeys`],
//!   `jwt::Jwt`, [`any_of`] several, each of them [`Cached`] if that is worth it. It puts the
//!   [`Principal`] among the request's extensions, or answers 401.
//! - [`AuthorizeLayer`] lets a request pass or answers 403, by a [`Policy`]:
//!   [`RequireOrganization`], [`RequireRole`], [`RequirePermission`], [`RequireAddress`].
//!
//! Use them on any server of `http` requests. Don't use them
//!
//! - for sessions in cookies: these need protection against forged requests from other sites,
//!   which is not here;
//! - for passwords: they need a slow hash, and a key doesn't;
//! - to sign people in: tokens are verified here, not issued.
//!
//! # Example
//!
//! Members of an organization may look at its runs, admins may start some:
//!
//! ```
//! use http::{Request, Response, StatusCode, header::AUTHORIZATION};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_access_control::{
//!     ApiKey, ApiKeys, AuthenticateLayer, AuthorizeLayer, Membership, MemoryKeyStore, PathTemplate,
//!     Permission, Permissions, Prefix, Principal, RequireOrganization, RequirePermission, Role,
//! };
//!
//! const READ: Permission = Permission::new::<0>();
//! const START: Permission = Permission::new::<1>();
//!
//! #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
//! enum Seat {
//!     Member,
//!     Admin,
//! }
//!
//! impl Role for Seat {
//!     fn permissions(&self) -> Permissions {
//!         match self {
//!             Self::Member => Permissions::of(&[READ]),
//!             Self::Admin => Permissions::of(&[READ, START]),
//!         }
//!     }
//! }
//!
//! async fn start(request: Request<String>) -> Result<Response<String>, std::io::Error> {
//!     let membership = request.extensions().get::<Membership<Seat>>();
//!     let organization = membership.map_or("?", Membership::organization);
//!     Ok(Response::new(format!("started for {organization}")))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let prefix: Prefix = "acme".parse()?;
//! let store = MemoryKeyStore::new();
//! let key = ApiKey::generate(&prefix)?;
//! store.insert(&key, Principal::new("ada", [("7", Seat::Admin)], Permissions::ALL), None);
//!
//! let organization: PathTemplate = "/organizations/{id}".parse()?;
//! let service = ServiceBuilder::new()
//!     .layer(AuthenticateLayer::new(ApiKeys::new(prefix, store)))
//!     .layer(AuthorizeLayer::new((
//!         RequireOrganization::<Seat>::new(organization),
//!         RequirePermission::<Seat>::new(START),
//!     )))
//!     .service(service_fn(start));
//!
//! let authorization = format!("Bearer {}", key.expose());
//! let request = |path: &str| {
//!     Request::post(path).header(AUTHORIZATION, &authorization).body(String::new())
//! };
//! let own = service.clone().oneshot(request("/organizations/7/runs")?).await?;
//! assert_eq!(own.body(), "started for 7");
//!
//! let foreign = service.clone().oneshot(request("/organizations/8/runs")?).await?;
//! assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
//!
//! let unknown = service.oneshot(Request::post("/organizations/7/runs").body(String::new())?).await?;
//! assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(unknown.headers()["www-authenticate"], "Bearer realm=\"api\"");
//! # Ok(())
//! # }
//! ```
//!
//! A store of your own is a closure; what was verified is remembered for a while; and a list of
//! addresses, read from a file, stands outside of it all:
//!
//! ```
//! use std::{io, net::{IpAddr, SocketAddr}, num::NonZeroUsize, time::Duration};
//! use http::{Extensions, HeaderName};
//! use tower::ServiceBuilder;
//! use tower_access_control::{
//!     AddressLists, ApiKeys, AuthenticateLayer, AuthorizeLayer, Cached, ClientAddress, KeyId,
//!     RequireAddress, StoredKey,
//! };
//!
//! # async fn ask_database(_: KeyId) -> Result<Option<StoredKey<&'static str>>, io::Error> { Ok(None) }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = ApiKeys::new("acme".parse()?, ask_database)
//!     .header(HeaderName::from_static("x-api-key"));
//! let cached = Cached::new(keys, NonZeroUsize::new(10_000).ok_or("zero")?, Duration::from_secs(60));
//! let forget = cached.handle();
//!
//! let peer = |extensions: &Extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip);
//! let client = ClientAddress::new(peer as fn(&Extensions) -> Option<IpAddr>)
//!     .trusted_proxies("10.0.0.0/8".parse()?);
//! let addresses = RequireAddress::new(client, AddressLists::allow("192.0.2.0/24".parse()?));
//! let refresh = addresses.handle();
//!
//! let stack = ServiceBuilder::new()
//!     .layer(AuthorizeLayer::new(addresses))
//!     .layer(AuthenticateLayer::new(cached));
//! // Later:
//! refresh.replace(AddressLists::allow("198.51.100.0/24\n2001:db8::/32".parse()?));
//! forget.forget_where(|user| *user == "ada");
//! # let _ = stack;
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
//! | 400 | the request carries more than one credential |
//! | 401 | it carries none, or one that isn't good; one `WWW-Authenticate` names all ways there are |
//! | 403 | the policy says no |
//! | 503 | the store of keys, or the source of a token's key, is away |
//!
//! Everything is refused that isn't allowed: a policy that finds no principal, no organization or no
//! address refuses. That no route was left without a policy, [`routes_without_policy`] tells in a
//! test.
//!
//! # Roles, permissions, scopes
//!
//! Both roles and permissions are the product's: a [`Role`] is an enum in ascending order, a
//! [`Permission`] one of 64 bits. What a credential may do is what the role allows *and* its scopes
//! leave, so nothing is ever gained by a scope. A credential with narrowed scopes passes
//! [`RequireRole`] only if it may still do all that role may.
//!
//! # Readiness
//!
//! Both layers are ready when the inner service is. [`Authenticate`] keeps the instance that was
//! ready while its store is asked, with whatever permits it holds; set a limit of concurrency
//! outside if the store is slow.
//!
//! # Features
//!
//! - `jwt`: the module `jwt`.
//! - `metrics`: `tower_access_control.refused` by `code`, `tower_access_control.cache` by
//!   `outcome`, through the [`metrics`](https://docs.rs/metrics) facade.
//!
//! # Cost
//!
//! - Authentication: one SHA-256 of an API key and what its store costs; two entries in extensions;
//!   a clone of the inner service. No allocation of its own, and no lock but the store's.
//! - Authorization: one or two look-ups in the extensions of the request.
//! - Secrets: keys are hashed at rest and compared in constant time, and no `Debug` here shows a
//!   key, a token or a digest.

mod address;
mod any_of;
mod api_key;
mod audit;
mod authenticate;
mod authenticator;
mod authorize;
mod cached;
mod challenge;
mod clock;
mod credential;
#[cfg(feature = "jwt")]
pub mod jwt;
mod metrics;
mod permission;
mod principal;
mod refusal;
mod rejection;

pub use self::{
    address::{
        AddressHandle, AddressLists, ClientAddress, Network, NetworkError, Networks, NetworksError,
        RequireAddress,
    },
    any_of::{AnyOf, AnyOfFuture, Either, any_of},
    api_key::{
        ApiKey, ApiKeyFuture, ApiKeys, KeyDigest, KeyId, KeyStore, MalformedKey, MemoryKeyStore,
        NoRandomness, Prefix, PrefixError, StoredKey,
    },
    audit::routes_without_policy,
    authenticate::{Authenticate, AuthenticateFuture, AuthenticateLayer},
    authenticator::{Authenticator, Presented, Verified},
    authorize::{
        Authorize, AuthorizeFuture, AuthorizeLayer, FindOrganization, PathTemplate,
        PathTemplateError, Policy, RequireOrganization, RequirePermission, RequireRole,
    },
    cached::{CacheHandle, Cached, CachedFuture},
    challenge::Challenge,
    clock::{Clock, SystemClock},
    credential::{Credential, Place},
    permission::{Permission, Permissions, Role},
    principal::{Membership, Principal},
    rejection::{Flaw, Rejection, Unavailable},
};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
