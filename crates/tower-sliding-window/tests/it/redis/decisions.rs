use std::{env, process::Command, time::Duration};

use tower_sliding_window::{Adjust, Charge, Store};

use super::{
    Shared, admit,
    server::{Server, prefix, shared},
    store,
};
use crate::oracle::{most_in_any_window, quota};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn stores_of_the_same_prefix_share_a_quota_and_others_do_not() {
    let (name, five) = (prefix(), quota(5, HOUR));
    let (one, other) = (store(shared(), &name), store(shared(), &name));
    for remaining in [4, 2, 0] {
        assert_eq!(admit(&one, 1, five).await.unwrap().remaining, remaining);
        if remaining > 0 {
            assert_eq!(
                admit(&other, 1, five).await.unwrap().remaining,
                remaining - 1
            );
        }
    }
    let denied = admit(&other, 1, five).await.unwrap_err();
    assert_eq!(denied.quota, five);
    assert!(denied.retry_after <= HOUR && denied.retry_after > HOUR - Duration::from_secs(60));
    assert!(admit(&other, 2, five).await.is_ok());
    assert!(admit(&store(shared(), &prefix()), 1, five).await.is_ok());
}

/// Run as a process of its own by the next test.
#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_process_of_several() {
    let Ok(name) = env::var("SLIDING_WINDOW_PREFIX") else {
        return;
    };
    let store = store(shared(), &name);
    let mut admitted = 0;
    for _ in 0..60 {
        admitted += u32::from(admit(&store, 1, quota(100, HOUR)).await.is_ok());
    }
    println!("admitted={admitted}");
}

#[test]
#[ignore = "needs REDIS_URL"]
fn processes_share_a_quota() {
    let name = prefix();
    let children: Vec<_> = (0..3)
        .map(|_| {
            Command::new(env::current_exe().unwrap())
                .args(["redis::decisions::a_process_of_several", "--exact"])
                .args(["--ignored", "--nocapture"])
                .env("SLIDING_WINDOW_PREFIX", &name)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let admitted: u32 = children
        .into_iter()
        .map(|child| {
            let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
            let (_, rest) = output.split_once("admitted=").unwrap();
            rest.lines().next().unwrap().parse::<u32>().unwrap()
        })
        .sum();
    assert_eq!(admitted, 100);
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn no_window_of_the_servers_clock_is_ever_over() {
    for limit in [7, 100] {
        let (name, window) = (prefix(), Duration::from_millis(200));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let store = store(shared(), &name);
                tokio::spawn(async move {
                    let mut stamps = Vec::new();
                    let start = tokio::time::Instant::now();
                    while start.elapsed() < 4 * window {
                        match admit(&store, 1, quota(limit, window)).await {
                            Ok(admission) => stamps.push(admission.stamp() * 1000),
                            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                        }
                    }
                    stamps
                })
            })
            .collect();
        let mut stamps = Vec::new();
        for task in tasks {
            stamps.extend(task.await.unwrap());
        }
        stamps.sort_unstable();
        assert!(stamps.len() > 2 * limit as usize);
        assert_eq!(most_in_any_window(&stamps, window), limit as usize);
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_refusal_ends_when_it_says() {
    let window = Duration::from_millis(150);
    let (store, one) = (store(shared(), &prefix()), quota(1, window));
    let mut before: Option<u64> = None;
    for _ in 0..5 {
        // Whoever waited as long as he was told is admitted, a window after the last.
        let stamp = admit(&store, 1, one).await.unwrap().stamp();
        assert!(before.is_none_or(|before| stamp - before >= 150_000));
        before = Some(stamp);
        let denied = admit(&store, 1, one).await.unwrap_err();
        assert!(denied.retry_after <= window);
        tokio::time::sleep(denied.retry_after).await;
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn costs_and_tiers_are_charged_all_or_none() {
    let store = store(shared(), &prefix());
    let (burst, hour) = (quota(5, Duration::from_millis(300)), quota(8, HOUR));
    let ask = |cost| {
        let store = store.clone();
        async move {
            store
                .admit(Charge::new(&1, burst).further(&[hour]).cost(cost))
                .await
        }
    };
    let admission = ask(3).await.unwrap();
    assert_eq!((admission.remaining, admission.quota), (2, burst));
    let denied = ask(3).await.unwrap_err();
    assert_eq!(denied.quota, burst);
    assert!(denied.retry_after <= Duration::from_millis(300));
    // The refusal of three says nothing of two, nor of nothing.
    assert_eq!(ask(0).await.unwrap().remaining, 2);
    assert_eq!(ask(2).await.unwrap().remaining, 0);
    assert!(ask(0).await.is_err());

    tokio::time::sleep(Duration::from_millis(310)).await;
    // Had the refused ones been charged to the hour, three would not fit.
    let admission = ask(3).await.unwrap();
    assert_eq!((admission.remaining, admission.quota), (0, hour));
    let denied = ask(1).await.unwrap_err();
    assert_eq!(denied.quota, hour);
    assert!(denied.retry_after > HOUR / 2);
}

async fn eventually(store: &Shared, remaining: u32) {
    for _ in 0..200 {
        let probe = store.admit(Charge::new(&1, quota(10, HOUR)).cost(0)).await;
        if probe.map_or(0, |admission| admission.remaining) == remaining {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{remaining} never remained");
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn what_a_call_cost_is_corrected() {
    let (store, ten) = (store(shared(), &prefix()), quota(10, HOUR));
    let charge = |cost| Charge::new(&1, ten).cost(cost);
    let admission = store.admit(charge(4)).await.unwrap();
    store.charge(charge(3));
    eventually(&store, 3).await;
    store.refund(charge(4), admission.stamp());
    eventually(&store, 7).await;
    // Of what was taken back already nothing is left to take back.
    store.refund(charge(4), admission.stamp());
    tokio::time::sleep(Duration::from_millis(20)).await;
    eventually(&store, 7).await;
    store.charge(charge(20));
    eventually(&store, 0).await;
    assert!(admit(&store, 1, ten).await.is_err());
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_server_that_forgot_the_script_is_told_again() {
    let server = Server::start(&[]).await;
    let (store, three) = (store(server.client(), "flush"), quota(3, HOUR));
    for remaining in [2, 1, 0] {
        assert_eq!(admit(&store, 1, three).await.unwrap().remaining, remaining);
        server.tell("SCRIPT FLUSH").await;
    }
    assert!(admit(&store, 1, three).await.is_err());
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_known_refusal_is_not_asked_again_and_keys_expire() {
    let server = Server::start(&[]).await;
    let (store, one) = (
        store(server.client(), "deny"),
        quota(1, Duration::from_millis(400)),
    );
    admit(&store, 1, one).await.unwrap();
    let first = admit(&store, 1, one).await.unwrap_err();
    let calls = async || {
        let redis::Value::BulkString(text) = server.tell("INFO commandstats").await else {
            panic!("INFO is text");
        };
        let text = String::from_utf8(text).unwrap();
        let (_, rest) = text.split_once("cmdstat_evalsha:calls=").unwrap();
        rest.split(',').next().unwrap().parse::<u32>().unwrap()
    };
    let before = calls().await;
    for _ in 0..1000 {
        let denied = admit(&store, 1, one).await.unwrap_err();
        assert!(denied.retry_after <= first.retry_after);
    }
    assert_eq!(calls().await, before);
    tokio::time::sleep(first.retry_after + Duration::from_millis(5)).await;
    admit(&store, 1, one).await.unwrap();

    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(server.tell("EXISTS deny:{1}").await, redis::Value::Int(0));
}
