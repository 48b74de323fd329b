use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;
use tower_sliding_window::{Charge, Store};

use super::{
    Shared, admit,
    server::{Server, prefix, shared},
    store,
};
use crate::oracle::{most_in_any_window, quota};

fn leasing(client: redis::Client, name: &str, requests: u32) -> Shared {
    store(client, name).lease(NonZeroU32::new(requests).unwrap())
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_lease_pays_for_many_requests_with_one_question() {
    let server = Server::start(&[]).await;
    let store = leasing(server.client(), "lease", 100);
    // Its 64th part is how long a lease lives.
    let plenty = quota(1000, Duration::from_secs(6400));
    for _ in 0..500 {
        admit(&store, 1, plenty).await.unwrap();
    }
    let redis::Value::BulkString(text) = server.tell("INFO commandstats").await else {
        panic!("INFO is text");
    };
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("cmdstat_evalsha:calls=6,") || text.contains("cmdstat_evalsha:calls=5,"));
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn requests_that_come_together_are_one_question() {
    let server = Server::start(&[]).await;
    let store = leasing(server.client(), "together", 100);
    let plenty = quota(1000, Duration::from_secs(6400));
    let together = (0..100).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { admit(&store, 1, plenty).await.unwrap() })
    });
    for request in together.collect::<Vec<_>>() {
        request.await.unwrap();
    }
    let charged = store.admit(Charge::new(&1, plenty).cost(0)).await.unwrap();
    assert_eq!(charged.remaining, 900 - 100);
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn prepaid_requests_never_exceed_a_window_of_real_time() {
    let (name, window) = (prefix(), Duration::from_millis(640));
    let limited = quota(200, window);
    let start = Instant::now();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let store = leasing(shared(), &name, 10);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < 4 * window {
                    // Between asking and answer; at the earlier, two can only seem further apart
                    // than they are by what an answer takes.
                    let asked = start.elapsed();
                    match admit(&store, 1, limited).await {
                        Ok(_) => times.push((asked, start.elapsed())),
                        Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                    }
                }
                times
            })
        })
        .collect();
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.unwrap());
    }
    assert!(times.len() > 400, "{}", times.len());
    // A slack for how long an answer took, which is not known to either side.
    let slack = times
        .iter()
        .map(|(asked, told)| *told - *asked)
        .max()
        .unwrap();
    let mut nanos: Vec<u64> = times
        .iter()
        .map(|(asked, _)| u64::try_from(asked.as_nanos()).unwrap())
        .collect();
    nanos.sort_unstable();
    assert!(most_in_any_window(&nanos, window.saturating_sub(slack)) <= 200);
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn near_the_limit_a_lease_takes_what_there_is() {
    let store = leasing(shared(), &prefix(), 100);
    let hour = quota(30, Duration::from_secs(3600));
    let mut admitted = 0;
    for _ in 0..100 {
        admitted += u32::from(admit(&store, 1, hour).await.is_ok());
    }
    assert_eq!(admitted, 30);
    assert!(admit(&store, 1, hour).await.is_err());
}
