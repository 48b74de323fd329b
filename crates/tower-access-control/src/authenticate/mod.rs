//! Who is calling.

mod future;
mod layer;
mod service;

pub use self::{future::AuthenticateFuture, layer::AuthenticateLayer, service::Authenticate};
