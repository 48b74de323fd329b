use super::KeyExtractor;

/// Several keys together are one: an organization and a route, say. It is there when all are.
macro_rules! tuple {
    ($($part:ident $position:tt),+) => {
        impl<Req, $($part),+> KeyExtractor<Req> for ($($part,)+)
        where
            $($part: KeyExtractor<Req>),+
        {
            type Key = ($($part::Key,)+);

            fn key(&self, request: &Req) -> Option<Self::Key> {
                Some(($(self.$position.key(request)?,)+))
            }
        }
    };
}

tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
