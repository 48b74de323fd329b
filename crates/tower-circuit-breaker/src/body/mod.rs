//! The breaker around HTTP responses that are not over with their head.

mod future;
mod layer;
mod response;
mod service;

pub use self::{
    future::BodyAwareFuture, layer::BodyAwareLayer, response::ResponseBody, service::BodyAware,
};
