use std::{fmt, marker::PhantomData};

use http::Request;

use super::{path::PathTemplate, policy::Policy};
use crate::{Membership, Principal, Rejection};

/// Lets callers pass that belong to the organization a request is about, and puts their
/// [`Membership`] among the extensions of the request, for handlers and for
/// [`RequireRole`](crate::RequireRole) and [`RequirePermission`](crate::RequirePermission).
///
/// An organization that doesn't exist and one the caller isn't in are refused alike.
pub struct RequireOrganization<R, F = PathTemplate> {
    find: F,
    // A role is looked for, never held.
    role: PhantomData<fn(R)>,
}

impl<R, F> RequireOrganization<R, F> {
    /// Finds the organization's id with `find`: a [`PathTemplate`], or a [`FindOrganization`] of
    /// your own.
    #[must_use]
    pub const fn new(find: F) -> Self {
        Self {
            find,
            role: PhantomData,
        }
    }
}

/// Tells which organization a request is about.
pub trait FindOrganization<B> {
    /// The organization's id, as [`Principal`] writes it; `None` refuses the request.
    fn organization<'a>(&'a self, request: &'a Request<B>) -> Option<&'a str>;
}

impl<B> FindOrganization<B> for PathTemplate {
    fn organization<'a>(&'a self, request: &'a Request<B>) -> Option<&'a str> {
        self.find(request.uri().path())
    }
}

impl<R, F, B> Policy<B> for RequireOrganization<R, F>
where
    R: Clone + Send + Sync + 'static,
    F: FindOrganization<B>,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        // Whatever was found for another organization doesn't count for this one.
        request.extensions_mut().remove::<Membership<R>>();
        let principal: &Principal<R> = request.extensions().get().ok_or(Rejection::NoPrincipal)?;
        let organization = self
            .find
            .organization(request)
            .ok_or(Rejection::NoOrganization)?;
        let membership = principal
            .membership(organization)
            .ok_or(Rejection::NotAMember)?
            .clone();
        request.extensions_mut().insert(membership);
        Ok(())
    }
}

/// By hand, since the role is a mere name.
impl<R, F: Clone> Clone for RequireOrganization<R, F> {
    fn clone(&self) -> Self {
        Self::new(self.find.clone())
    }
}

impl<R, F: fmt::Debug> fmt::Debug for RequireOrganization<R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RequireOrganization")
            .field(&self.find)
            .finish()
    }
}
