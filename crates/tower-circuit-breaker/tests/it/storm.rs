//! A hundred clients, each with a circuit of its own, through an outage of a minute.

use std::{
    cell::Cell,
    future::{Ready, ready},
    rc::Rc,
    time::Duration,
};

use tokio::time::{Instant, advance};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_circuit_breaker::{CircuitBreaker, CircuitBreakerLayer, Handle, State};

const CLIENTS: u64 = 100;
const TICK: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);
const OUTAGE: Duration = Duration::from_secs(60);
const CAP: Duration = Duration::from_secs(20);

/// Counts what reaches it.
#[derive(Clone, Default)]
struct Server {
    down: Rc<Cell<bool>>,
    hits: Rc<Cell<usize>>,
}

impl Server {
    fn answer(&self) -> Ready<Result<(), ()>> {
        self.hits.set(self.hits.get() + 1);
        ready(if self.down.get() { Err(()) } else { Ok(()) })
    }

    fn client(
        &self,
        seed: u64,
    ) -> Client<impl Service<(), Response = (), Error = (), Future = Ready<Result<(), ()>>> + use<>>
    {
        let server = self.clone();
        let layer = CircuitBreakerLayer::new()
            .open_for(5 * SECOND, CAP)
            .jitter_seed(seed);
        Client {
            circuit: layer.handle(),
            service: layer.layer(service_fn(move |()| server.answer())),
        }
    }
}

struct Client<S> {
    service: CircuitBreaker<S>,
    circuit: Handle,
}

/// Hits of every half second from now on, while every client calls at every tick.
async fn run<S>(server: &Server, clients: &mut [Client<S>], time: Duration) -> Vec<usize>
where
    S: Service<(), Response = (), Error = (), Future = Ready<Result<(), ()>>>,
{
    let (end, mut slots) = (Instant::now() + time, Vec::new());
    while Instant::now() < end {
        let before = server.hits.get();
        for _ in 0..10 {
            for client in &mut *clients {
                let service = client.service.ready().await.expect("always ready");
                let _ = service.call(()).await;
            }
            advance(TICK).await;
        }
        slots.push(server.hits.get() - before);
    }
    slots
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_quiet_short_to_leave_and_without_waves() {
    let server = Server::default();
    let mut clients: Vec<_> = (0..CLIENTS).map(|seed| server.client(seed)).collect();
    let all = clients.len();
    let healthy = run(&server, &mut clients, SECOND).await;
    assert_eq!(healthy, [10 * all; 2]);

    server.down.set(true);
    let outage = run(&server, &mut clients, OUTAGE).await;
    // Five failures a client, then probes, first after 2.5 s at least, then ever fewer.
    assert_eq!(outage[0], 5 * all);
    let probes: usize = outage[1..].iter().sum();
    assert!(probes <= 9 * all, "{probes} probes");
    // They begin within 2.5 seconds of one another and drift apart from there.
    let worst = |slots: &[usize]| slots.iter().copied().max().unwrap_or(0);
    assert!(worst(&outage[1..]) <= all / 3, "{outage:?}");
    assert!(worst(&outage[60..]) <= all / 8, "{outage:?}");

    server.down.set(false);
    let mut closed = Vec::new();
    for _ in 0..40 {
        run(&server, &mut clients, SECOND / 2).await;
        let states = clients.iter().map(|client| client.circuit.state());
        closed.push(states.filter(|state| *state == State::Closed).count());
    }
    assert_eq!(closed.last(), Some(&all), "not back within the cap");
    let steps: Vec<usize> = closed.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(worst(&steps) <= all / 8, "{closed:?}");
}
