use std::{
    convert::Infallible,
    future::{Future, Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use tower::Service;
use tower_load_balancer::{
    Balance, ConsistentHash, Endpoint, Endpoints, InOrder, LeastPending, PeakEwma, Policy, Random,
    RoundRobin,
};

#[derive(Clone)]
struct Answers;

impl Service<u64> for Answers {
    type Response = u64;
    type Error = Infallible;
    type Future = Ready<Result<u64, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u64) -> Self::Future {
        ready(Ok(request))
    }
}

fn allocations<P: Policy<u64>>(policy: P) -> u64 {
    let endpoints: Endpoints<_, _> = (0..100).map(|key| Endpoint::new(key, Answers)).collect();
    let mut service = Balance::new(endpoints, policy).failover(|request: &u64| Some(*request));
    let mut send = |request| {
        let mut context = Context::from_waker(Waker::noop());
        assert!(service.poll_ready(&mut context).is_ready());
        assert!(pin!(service.call(request)).poll(&mut context).is_ready());
    };
    // What is made at first use: a table, a generator of the thread.
    send(0);
    let counted = allocation_counter::measure(|| (1..1_000).for_each(&mut send));
    counted.count_total
}

#[tokio::test(start_paused = true)]
async fn a_request_allocates_nothing() {
    assert_eq!(allocations(RoundRobin::new()), 0);
    assert_eq!(allocations(LeastPending::new()), 0);
    assert_eq!(allocations(PeakEwma::new()), 0);
    assert_eq!(allocations(Random::new()), 0);
    assert_eq!(allocations(InOrder), 0);
    assert_eq!(
        allocations(ConsistentHash::new(|request: &u64| *request)),
        0
    );
}
