//! What HTTP adds: refusals as responses, header fields, and keys from requests.

mod client_address;
mod credential;
mod fields;
mod forwarded;
mod network;
mod too_many_requests;

pub use self::{
    client_address::{ClientAddress, ProxyHeader},
    credential::{Credential, CredentialDigest},
    fields::RateLimitFields,
    network::{Network, NetworkError},
    too_many_requests::{Empty, ProblemDetails, TooManyRequests},
};
