//! What does a decision on Redis cost, beside the cheapest command there is? Wall time, since the
//! server does the work; it starts one of its own, and says so where there is none.
//!
//! `cargo bench -p benches --bench limiter_redis`

use std::{
    net::TcpListener,
    num::NonZeroU32,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, aio::MultiplexedConnection};
use tokio::{task::JoinSet, time::Instant};
use tower_sliding_window::{Charge, Quota, Store, redis::RedisStore};

const ROUNDS: usize = 7;
const SERIAL: u32 = 2000;
const TASKS: u32 = 64;
const EACH: u32 = 300;
const KEYS: u32 = 1000;

type Limits = RedisStore<u32>;

#[tokio::main]
async fn main() {
    let Some(server) = Server::start().await else {
        println!("there is no redis-server to measure with");
        return;
    };
    let client = server.client();
    let connection = connect(&client).await;
    let store = |lease| {
        RedisStore::new(server.client(), "bench", u32::to_string)
            .deadline(Duration::from_secs(10))
            .lease(NonZeroU32::new(lease).expect("it is not zero"))
    };
    let (plain, leased) = (store(1), store(100));

    let [mut latency, mut pipelined, mut empty, mut lease] = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        // In turns, so that what else the machine does meets both.
        let incr = timed(serial_incr(connection.clone())).await;
        latency.push(timed(serial(plain.clone())).await / incr);
        let incr = timed(parallel_incr(&connection)).await;
        let script = timed(parallel(&plain, KEYS)).await;
        pipelined.push(incr / script);
        empty.push(incr / timed(parallel_empty(&connection)).await);
        // One busy key, which is what a lease is for.
        let script = timed(parallel(&plain, 1)).await;
        lease.push(script / timed(parallel(&leased, 1)).await);
    }
    println!("redis, medians of {ROUNDS} rounds");
    println!(
        "  decision / INCR, one after the other     {:6.2}   goal 1.60 at most",
        median(latency)
    );
    println!(
        "  decisions / INCRs per second, 64 at once {:6.2}   goal 0.40 at least",
        median(pipelined)
    );
    println!(
        "  empty scripts / INCRs per second         {:6.2}",
        median(empty)
    );
    println!(
        "  lease of 100 / a script per request      {:6.1}   goal 20 at least",
        median(lease)
    );
}

fn quota() -> Quota {
    Quota::new(1_000_000_000, Duration::from_secs(640)).expect("neither is zero")
}

async fn serial(store: Limits) {
    for number in 0..SERIAL {
        let key = number % KEYS;
        let _ = store.admit(Charge::new(&key, quota())).await;
    }
}

async fn serial_incr(mut connection: MultiplexedConnection) {
    for number in 0..SERIAL {
        incr(&mut connection, number % KEYS).await;
    }
}

async fn parallel(store: &Limits, keys: u32) {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = store.clone();
        tasks.spawn(async move {
            for number in 0..EACH {
                let key = (task * EACH + number) % keys;
                let _ = store.admit(Charge::new(&key, quota())).await;
            }
        });
    }
    tasks.join_all().await;
}

async fn parallel_incr(connection: &MultiplexedConnection) {
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let mut connection = connection.clone();
        tasks.spawn(async move {
            for number in 0..EACH {
                incr(&mut connection, (task * EACH + number) % KEYS).await;
            }
        });
    }
    tasks.join_all().await;
}

/// What no script can be cheaper than.
async fn parallel_empty(connection: &MultiplexedConnection) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let mut connection = connection.clone();
        tasks.spawn(async move {
            let mut command = redis::cmd("EVAL");
            command.arg("return 1").arg(0);
            for _ in 0..EACH {
                let one = command.query_async::<u64>(&mut connection).await;
                one.expect("the server answers");
            }
        });
    }
    tasks.join_all().await;
}

async fn incr(connection: &mut MultiplexedConnection, key: u32) {
    let mut command = redis::cmd("INCR");
    let counted = command.arg(key).query_async::<u64>(connection).await;
    counted.expect("the server answers");
}

async fn timed(work: impl Future<Output = ()>) -> f64 {
    let start = Instant::now();
    work.await;
    start.elapsed().as_secs_f64()
}

fn median(mut ratios: Vec<f64>) -> f64 {
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

async fn connect(client: &Client) -> MultiplexedConnection {
    let connection = client.get_multiplexed_async_connection().await;
    connection.expect("it has answered before")
}

/// Ended with the bench.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    async fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = free.local_addr().ok()?.port();
        drop(free);
        let child = Command::new("redis-server")
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
            ])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let server = Self { child, port };
        for _ in 0..200 {
            if server
                .client()
                .get_multiplexed_async_connection()
                .await
                .is_ok()
            {
                return Some(server);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        None
    }

    fn client(&self) -> Client {
        let url = format!("redis://127.0.0.1:{}/", self.port);
        Client::open(url).expect("it is a URL")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
