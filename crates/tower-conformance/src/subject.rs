use std::future::Future;

use tower_service::Service;

use crate::{Control, Probe};

/// A layer in one particular configuration and state, as its author presents it to the laws.
///
/// Every law builds one or more fresh stacks with [`service`](Self::service), so stacks must share
/// nothing: a store, a registry or a counter belongs to the stack, not to the subject.
///
/// A layer that behaves differently in different states (full and empty, open and half-open) is
/// several subjects; [`prepare`](Self::prepare) brings a stack into the state that is meant.
pub trait Subject: 'static {
    /// What callers send to the layer.
    type Request;
    /// What the inner service responds with.
    type Response;
    /// The layer around a [`Probe`].
    type Service: Service<Self::Request> + Clone;

    /// Whether requests reach the inner service; a subject for which this is `true` and none does
    /// breaks [`Law::CalledOnlyWhenReady`](crate::Law::CalledOnlyWhenReady), as the checks would
    /// show nothing.
    ///
    /// Set it to `false` for a state in which the layer answers by itself: an open circuit, a spent
    /// window, a stored response.
    const REACHES_INNER: bool = true;

    /// A fresh stack around `inner`.
    fn service(&self, inner: Probe<Self::Response>) -> Self::Service;

    /// A request that the layer passes on. A layer that remembers requests (a cache, a replay
    /// guard) needs a different one each time.
    fn request(&self) -> Self::Request;

    /// The response of the inner service.
    fn response() -> Self::Response;

    /// How much the layer itself holds at this moment that must come back: permits, probe slots,
    /// requests in flight, waiters, everything added up. What is spent rather than borrowed (a
    /// token, a place in the window) does not count.
    ///
    /// `service` is a clone that shares the layer's state with the one that is used. By default
    /// nothing is counted, and only what the [`Probe`] sees is checked.
    fn held(&self, service: &Self::Service) -> usize {
        let _ = service;
        0
    }

    /// Brings a fresh stack into the state under test, for example by failing until the circuit
    /// opens. `inner` steers the probe; set it back to answering at once before returning. By
    /// default there is nothing to do.
    fn prepare(&self, service: &mut Self::Service, inner: &Control) -> impl Future<Output = ()> {
        let _ = (service, inner);
        std::future::ready(())
    }
}
