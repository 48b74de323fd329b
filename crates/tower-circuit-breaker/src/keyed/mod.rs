//! A circuit per key.

mod handle;
mod layer;
mod registry;
mod service;
mod slots;

pub use self::{
    handle::KeyedHandle, layer::KeyedCircuitBreakerLayer, service::KeyedCircuitBreaker,
};
