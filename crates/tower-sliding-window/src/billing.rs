use crate::{Adjust, Charge, Quota};

/// What a call cost, once its outcome is known.
///
/// Closures `Fn(Result<&Res, &E>, u32) -> u32` implement it; see
/// [`RateLimitLayer::cost_on_response`](crate::RateLimitLayer::cost_on_response).
pub trait Settle<Res, E> {
    /// The true cost, where `charged` was charged on admission.
    fn cost(&self, outcome: Result<&Res, &E>, charged: u32) -> u32;
}

impl<F, Res, E> Settle<Res, E> for F
where
    F: Fn(Result<&Res, &E>, u32) -> u32,
{
    fn cost(&self, outcome: Result<&Res, &E>, charged: u32) -> u32 {
        self(outcome, charged)
    }
}

/// When it is known what a call costs: [`OnAdmission`] or [`OnResponse`].
pub trait Billing<K, St, Res, E>: sealed::Sealed {
    /// What is kept of a call until its outcome is known.
    type Bill: Bill<Res, E>;

    /// Notes a charge that was, or may yet be, admitted.
    fn note(&self, store: &St, charge: &Charge<'_, K>) -> Self::Bill;
}

/// What is kept of a call until its outcome is known.
pub trait Bill<Res, E>: sealed::Sealed {
    /// Notes when the charge was admitted.
    fn admitted(&mut self, stamp: u64);

    /// Corrects the charge.
    fn settle(&self, outcome: Result<&Res, &E>);
}

/// A call costs what it was charged on admission. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnAdmission;

impl<K, St, Res, E> Billing<K, St, Res, E> for OnAdmission {
    type Bill = Self;

    fn note(&self, _: &St, _: &Charge<'_, K>) -> Self {
        Self
    }
}

impl<Res, E> Bill<Res, E> for OnAdmission {
    fn admitted(&mut self, _: u64) {}

    fn settle(&self, _: Result<&Res, &E>) {}
}

/// What a call was charged is corrected when its response is there.
#[derive(Debug, Clone, Copy)]
pub struct OnResponse<F>(pub(crate) F);

/// A charge that may have to be corrected.
pub struct OpenBill<K, St, F> {
    store: St,
    key: K,
    quota: Quota,
    further: Vec<Quota>,
    charged: u32,
    stamp: u64,
    settle: F,
}

impl<K, St, Res, E, F> Billing<K, St, Res, E> for OnResponse<F>
where
    K: Clone,
    St: Adjust<K> + Clone,
    F: Settle<Res, E> + Clone,
{
    type Bill = OpenBill<K, St, F>;

    fn note(&self, store: &St, charge: &Charge<'_, K>) -> Self::Bill {
        OpenBill {
            store: store.clone(),
            key: charge.key.clone(),
            quota: charge.quota,
            further: charge.further.to_vec(),
            charged: charge.cost,
            stamp: 0,
            settle: self.0.clone(),
        }
    }
}

impl<K, St, Res, E, F> Bill<Res, E> for OpenBill<K, St, F>
where
    St: Adjust<K>,
    F: Settle<Res, E>,
{
    fn admitted(&mut self, stamp: u64) {
        self.stamp = stamp;
    }

    fn settle(&self, outcome: Result<&Res, &E>) {
        let cost = self.settle.cost(outcome, self.charged);
        let charge = Charge::new(&self.key, self.quota).further(&self.further);
        if cost > self.charged {
            self.store.charge(charge.cost(cost - self.charged));
        } else if cost < self.charged {
            self.store
                .refund(charge.cost(self.charged - cost), self.stamp);
        }
    }
}

/// Without the key: it names somebody.
impl<K, St, F> std::fmt::Debug for OpenBill<K, St, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenBill")
            .field("quota", &self.quota)
            .field("charged", &self.charged)
            .finish_non_exhaustive()
    }
}

mod sealed {
    /// There are two answers to when; a third would be another service.
    pub trait Sealed {}
    impl Sealed for super::OnAdmission {}
    impl<F> Sealed for super::OnResponse<F> {}
    impl<K, St, F> Sealed for super::OpenBill<K, St, F> {}
}
