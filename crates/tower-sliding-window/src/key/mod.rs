mod tuple;

/// Whom a request is counted for.
///
/// Closures `Fn(&Req) -> Option<K>` implement it, and tuples of up to four keys: an organization
/// and a route, say. With feature `http` there are `ClientAddress` and `Credential`. A route is best
/// taken from the router's template (in axum, a closure over `MatchedPath`): the path itself has
/// as many values as a stranger can invent.
///
/// ```
/// use tower_sliding_window::KeyExtractor;
///
/// struct Call {
///     user: Option<u64>,
/// }
///
/// let by_user = |call: &Call| call.user;
/// assert_eq!(by_user.key(&Call { user: Some(7) }), Some(7));
/// let by_user_and_size = (by_user, |call: &Call| Some(size_of_val(call) > 1000));
/// assert_eq!(by_user_and_size.key(&Call { user: Some(7) }), Some((7, false)));
/// ```
pub trait KeyExtractor<Req> {
    /// What a quota is kept for. Give it a bounded size: the store bounds how many keys it
    /// holds, not how long they are.
    type Key;

    /// The key of `request`, or `None` when it has none; see [`OnMissingKey`] for what then
    /// happens.
    fn key(&self, request: &Req) -> Option<Self::Key>;

    /// How much of its quotas the request takes: 1, unless
    /// [`RateLimitLayer::cost`](crate::RateLimitLayer::cost) says otherwise.
    fn cost(&self, request: &Req) -> u32 {
        let _ = request;
        1
    }
}

impl<F, Req, K> KeyExtractor<Req> for F
where
    F: Fn(&Req) -> Option<K>,
{
    type Key = K;

    fn key(&self, request: &Req) -> Option<K> {
        self(request)
    }
}

/// A key and, by a closure of its own, what a request costs; see
/// [`RateLimitLayer::cost`](crate::RateLimitLayer::cost).
#[derive(Debug, Clone, Copy)]
pub struct Priced<X, F> {
    key: X,
    cost: F,
}

impl<X, F> Priced<X, F> {
    pub(crate) const fn new(key: X, cost: F) -> Self {
        Self { key, cost }
    }
}

impl<Req, X, F> KeyExtractor<Req> for Priced<X, F>
where
    X: KeyExtractor<Req>,
    F: Fn(&Req) -> u32,
{
    type Key = X::Key;

    fn key(&self, request: &Req) -> Option<X::Key> {
        self.key.key(request)
    }

    fn cost(&self, request: &Req) -> u32 {
        (self.cost)(request)
    }
}

/// What happens to a request without a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnMissingKey<K> {
    /// It passes uncounted. Only right when something outside the limiter has already decided
    /// that such a request is harmless.
    Admit,
    /// It is refused. The default: leaving the key out must not be a way around the limit.
    #[default]
    Reject,
    /// All such requests share this key and its quota.
    Share(K),
}
