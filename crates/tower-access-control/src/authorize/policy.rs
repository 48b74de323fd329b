use http::Request;

use crate::Rejection;

/// Decides whether a request may pass, by its head and by what layers outside have put among its
/// extensions.
///
/// Tuples of policies ask one after the other and end with the first that refuses; closures
/// `Fn(&mut Request<B>) -> Result<(), Rejection>` are policies too.
pub trait Policy<B> {
    /// Lets the request pass or not. May leave what it has found out among the extensions.
    ///
    /// # Errors
    ///
    /// Why it may not pass.
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection>;
}

impl<B, F> Policy<B> for F
where
    F: Fn(&mut Request<B>) -> Result<(), Rejection>,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        self(request)
    }
}

impl<B, P, Q> Policy<B> for (P, Q)
where
    P: Policy<B>,
    Q: Policy<B>,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        self.0.check(request)?;
        self.1.check(request)
    }
}

impl<B, P, Q, R> Policy<B> for (P, Q, R)
where
    P: Policy<B>,
    Q: Policy<B>,
    R: Policy<B>,
{
    fn check(&self, request: &mut Request<B>) -> Result<(), Rejection> {
        self.0.check(request)?;
        self.1.check(request)?;
        self.2.check(request)
    }
}
