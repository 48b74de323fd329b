/// Says which requests may be repeated, by copying them. Closures do, too.
///
/// One that must not happen twice, or whose body cannot be sent twice, is not copied.
pub trait Repeat<Request> {
    /// A copy for another endpoint, or `None` when this request must not be repeated.
    fn copy(&self, request: &Request) -> Option<Request>;
}

impl<F, Request> Repeat<Request> for F
where
    F: Fn(&Request) -> Option<Request>,
{
    fn copy(&self, request: &Request) -> Option<Request> {
        self(request)
    }
}
