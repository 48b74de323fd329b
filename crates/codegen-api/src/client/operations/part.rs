use crate::client::{error::FieldError, operation::Query};

/// Part of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) skip: u64,
    pub(super) limit: u32,
}

impl Part {
    /// From the start, as many as the contract lets one page hold.
    pub(super) const FIRST: Self = Self {
        skip: 0,
        limit: 100,
    };

    pub(super) fn query(self, query: &mut Query<'_>) {
        query.add("skip", self.skip);
        query.add("limit", self.limit);
    }

    pub(super) fn check(self) -> Vec<FieldError> {
        if (1..=100).contains(&self.limit) {
            Vec::new()
        } else {
            vec![FieldError::new("limit", "must be 1 to 100")]
        }
    }
}

macro_rules! part_of_a_list {
    ($($operation:ident),+) => {$(
        impl Call<$operation> {
            /// Leaves out the first `entries`. Default 0.
            pub fn skip(mut self, entries: u64) -> Self {
                self.operation.part.skip = entries;
                self
            }

            /// Asks for up to `entries`, 1 to 100. Default 100.
            pub fn limit(mut self, entries: u32) -> Self {
                self.operation.part.limit = entries;
                self
            }
        }
    )+};
}

macro_rules! paged {
    ($($operation:ident: $item:ty),+ $(,)?) => {$(
        impl Paged for $operation {
            type Item = $item;

            fn position(&self) -> u64 {
                self.part.skip
            }

            fn advance(&mut self, entries: u64) {
                self.part.skip = self.part.skip.saturating_add(entries);
            }
        }
    )+};
}

pub(super) use {paged, part_of_a_list};
