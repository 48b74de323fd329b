use std::{
    num::NonZeroU32,
    task::{Context, Poll},
};

use tower::Service;
use tower_conformance::{Failure, Probe, Subject, Violations, check};
use tower_load_balancer::{
    Balance, ConsistentHash, Endpoint, Endpoints, Error, Failover, InOrder, LeastPending, PeakEwma,
    Policy, Random, RoundRobin,
};

type Inner = Probe<()>;

/// A balancer, and the set it picks from.
#[derive(Clone)]
struct Watched<T> {
    service: T,
    endpoints: Endpoints<u8, Inner>,
}

impl<T, Response> Service<()> for Watched<T>
where
    T: Service<(), Response = Response, Error = Error<Failure>>,
{
    type Response = Response;
    type Error = Error<Failure>;
    type Future = T::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, (): ()) -> T::Future {
        self.service.call(())
    }
}

fn held(endpoints: &Endpoints<u8, Inner>) -> usize {
    endpoints
        .status()
        .iter()
        .map(|status| status.in_flight as usize)
        .sum()
}

fn several(inner: &Inner, number: u8) -> Endpoints<u8, Inner> {
    let many = NonZeroU32::new(100).expect("not zero");
    (0..number)
        .map(|key| Endpoint::new(key, inner.clone()).max_in_flight(many))
        .collect()
}

struct Balanced<P>(u8, fn() -> P);

impl<P: Policy<()> + 'static> Subject for Balanced<P> {
    type Request = ();
    type Response = ();
    type Service = Watched<Balance<u8, Inner, P>>;

    fn service(&self, inner: Inner) -> Self::Service {
        let endpoints = several(&inner, self.0);
        let service = Balance::new(endpoints.clone(), (self.1)());
        Watched { service, endpoints }
    }

    fn request(&self) {}

    fn response() {}

    fn held(&self, service: &Self::Service) -> usize {
        held(&service.endpoints)
    }
}

fn copy((): &()) -> Option<()> {
    Some(())
}

type Copied = fn(&()) -> Option<()>;

struct FailingOver;

impl Subject for FailingOver {
    type Request = ();
    type Response = ();
    type Service = Watched<
        Failover<
            u8,
            Inner,
            RoundRobin,
            tower_load_balancer::FailOnError,
            tower_load_balancer::AtResponse,
            Copied,
        >,
    >;

    fn service(&self, inner: Inner) -> Self::Service {
        let endpoints = several(&inner, 3);
        let balance = Balance::new(endpoints.clone(), RoundRobin::new());
        Watched {
            service: balance.failover(copy as Copied),
            endpoints,
        }
    }

    fn request(&self) {}

    fn response() {}

    fn held(&self, service: &Self::Service) -> usize {
        held(&service.endpoints)
    }
}

/// Nobody there: the balancer answers by itself.
struct Empty;

impl Subject for Empty {
    type Request = ();
    type Response = ();
    type Service = Watched<Balance<u8, Inner, RoundRobin>>;
    const REACHES_INNER: bool = false;

    fn service(&self, _: Inner) -> Self::Service {
        let endpoints = Endpoints::new();
        let service = Balance::new(endpoints.clone(), RoundRobin::new());
        Watched { service, endpoints }
    }

    fn request(&self) {}

    fn response() {}
}

async fn check_policy<P: Policy<()> + 'static>(policy: fn() -> P) -> Result<(), Violations> {
    for endpoints in [1, 3, 40] {
        check(&Balanced(endpoints, policy)).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn round_robin_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(RoundRobin::new).await
}

#[tokio::test(start_paused = true)]
async fn least_pending_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(LeastPending::new).await
}

#[tokio::test(start_paused = true)]
async fn peak_ewma_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(PeakEwma::new).await
}

#[tokio::test(start_paused = true)]
async fn random_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(Random::new).await
}

#[tokio::test(start_paused = true)]
async fn in_order_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(|| InOrder).await
}

#[tokio::test(start_paused = true)]
async fn consistent_hash_keeps_the_laws_of_service() -> Result<(), Violations> {
    check_policy(|| ConsistentHash::new(|(): &()| 7_u8)).await
}

#[tokio::test(start_paused = true)]
async fn failover_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&FailingOver).await
}

#[tokio::test(start_paused = true)]
async fn an_empty_set_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Empty).await
}

#[test]
fn a_balancer_may_go_to_other_threads_and_be_used_by_them() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Balance<u8, crate::backend::Backend, LeastPending>>();
    check::<Endpoints<u8, crate::backend::Backend>>();
}
