mod future;
mod hint;
mod layer;
mod service;
mod state;

pub use self::{
    future::PacingFuture,
    layer::ServerPacingLayer,
    service::{PacingError, ServerPacing},
};
