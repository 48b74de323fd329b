//! The shared store on real servers, in real time.

mod away;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod decisions;
mod leases;
mod server;

use std::time::Duration;

use redis::Client;
use tower_sliding_window::{Admission, Charge, Denied, Quota, Store, redis::RedisStore};

type Shared = RedisStore<u32>;

/// Long enough that only a server that is away misses it, on a machine with much else to do.
const PATIENT: Duration = Duration::from_secs(5);

fn store(client: Client, prefix: &str) -> Shared {
    RedisStore::new(client, prefix, u32::to_string).deadline(PATIENT)
}

async fn admit(store: &Shared, key: u32, quota: Quota) -> Result<Admission, Denied> {
    store.admit(Charge::new(&key, quota)).await
}
