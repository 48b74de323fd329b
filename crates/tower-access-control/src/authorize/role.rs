use std::{fmt, marker::PhantomData};

use http::Request;

use super::policy::Policy;
use crate::{Membership, Permission, Rejection, Role};

/// Lets callers pass that have a role, or a higher one, in the organization that a
/// [`RequireOrganization`](crate::RequireOrganization) before it has found. A credential whose
/// scopes don't leave it all that the role may do isn't let pass.
#[derive(Debug, Clone, Copy)]
pub struct RequireRole<R> {
    least: R,
}

impl<R> RequireRole<R> {
    /// The lowest role that may pass.
    pub const fn new(least: R) -> Self {
        Self { least }
    }
}

impl<R, B> Policy<B> for RequireRole<R>
where
    R: Role + Send + Sync + 'static,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        if membership::<R, B>(request)?.acts_as(&self.least) {
            Ok(())
        } else {
            Err(Rejection::RoleTooLow)
        }
    }
}

/// Lets callers pass that have a permission, by role and by the scopes of their credential, in the
/// organization that a [`RequireOrganization`](crate::RequireOrganization) before it has found.
pub struct RequirePermission<R> {
    permission: Permission,
    // A role is looked for, never held.
    role: PhantomData<fn(R)>,
}

impl<R> RequirePermission<R> {
    /// What the caller must be allowed to do.
    #[must_use]
    pub const fn new(permission: Permission) -> Self {
        Self {
            permission,
            role: PhantomData,
        }
    }
}

impl<R, B> Policy<B> for RequirePermission<R>
where
    R: Send + Sync + 'static,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        if membership::<R, B>(request)?.may(self.permission) {
            Ok(())
        } else {
            Err(Rejection::PermissionMissing)
        }
    }
}

/// By hand, since the role is a mere name.
impl<R> Clone for RequirePermission<R> {
    fn clone(&self) -> Self {
        Self::new(self.permission)
    }
}

impl<R> fmt::Debug for RequirePermission<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequirePermission")
            .field(&self.permission)
            .finish()
    }
}

fn membership<R, B>(request: &Request<B>) -> Result<&Membership<R>, Rejection>
where
    R: Send + Sync + 'static,
{
    let membership = request.extensions().get();
    membership.ok_or(Rejection::NoOrganization)
}
