use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The entries of this page; empty past the end.
    pub items: Vec<T>,
    /// The four numbers that say where in the whole list it lies.
    #[serde(flatten)]
    pub numbers: PageNumbers,
}

/// Where a page lies in the whole list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageNumbers {
    /// Entries in the whole list.
    pub total: i64,
    /// Number of this page, from 1.
    pub page: i64,
    /// The limit asked for, not the number of entries.
    pub size: i64,
    /// Number of pages; 0 when the list is empty.
    pub pages: i64,
}

impl PageNumbers {
    /// The numbers for a page that starts after `skip` of `total` entries and holds up to `limit`.
    ///
    /// `page` is `skip / limit + 1`, `pages` is `total / limit` rounded up. A `limit` below 1
    /// counts as 1.
    #[must_use]
    pub fn new(skip: i64, limit: i64, total: i64) -> Self {
        let size = limit.max(1);
        let total = total.max(0);
        Self {
            total,
            page: (skip.max(0) / size).saturating_add(1),
            size,
            pages: total / size + i64::from(total % size != 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_contract() {
        let numbers = |skip, limit, total| {
            let n = PageNumbers::new(skip, limit, total);
            (n.page, n.size, n.pages)
        };
        assert_eq!(numbers(0, 100, 25), (1, 100, 1));
        assert_eq!(numbers(0, 100, 0), (1, 100, 0));
        assert_eq!(numbers(0, 10, 10), (1, 10, 1));
        assert_eq!(numbers(10, 10, 11), (2, 10, 2));
        assert_eq!(numbers(15, 10, 11), (2, 10, 2));
        assert_eq!(numbers(i64::MAX, 1, i64::MAX), (i64::MAX, 1, i64::MAX));
    }
}
