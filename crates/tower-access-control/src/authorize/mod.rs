//! May they.

mod future;
mod layer;
mod organization;
mod path;
mod policy;
mod role;
mod service;

pub use self::{
    future::AuthorizeFuture,
    layer::AuthorizeLayer,
    organization::{FindOrganization, RequireOrganization},
    path::{PathTemplate, PathTemplateError},
    policy::Policy,
    role::{RequirePermission, RequireRole},
    service::Authorize,
};
