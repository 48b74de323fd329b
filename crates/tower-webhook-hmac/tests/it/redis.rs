//! Deliveries in a real Redis server.

use std::{process::Command, time::Duration};

use tower_webhook_hmac::{
    ReplayKey,
    replay::{Claimed, RedisReplay, ReplayError, ReplayStore},
};

const SECOND: Duration = Duration::from_secs(1);
const CLAIMS: u32 = 2_000;
/// For the child processes of this test: the prefix of their keys.
const PREFIX: &str = "TOWER_WEBHOOK_HMAC_TEST_PREFIX";

fn url() -> String {
    std::env::var("REDIS_URL").unwrap()
}

fn prefix(test: &str) -> String {
    let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    format!("{test}:{}:{nanos}:", std::process::id())
}

fn key(n: u32) -> ReplayKey {
    let mut key = [0; 32];
    key[..4].copy_from_slice(&n.to_le_bytes());
    ReplayKey(key)
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn claims_are_committed_released_and_end() {
    let store = RedisReplay::connect(&url(), prefix("terms")).await.unwrap();
    let claim = async |n| store.claim(key(n), 60 * SECOND).await;
    let Ok(Claimed::Fresh(ticket)) = claim(1).await else {
        panic!()
    };
    assert_eq!(claim(1).await, Ok(Claimed::InFlight));
    store.commit(key(1), ticket, 60 * SECOND).await.unwrap();
    assert_eq!(claim(1).await, Ok(Claimed::Done));

    let Ok(Claimed::Fresh(ticket)) = claim(2).await else {
        panic!()
    };
    store.release(key(2), ticket);
    // In the background.
    while claim(2).await == Ok(Claimed::InFlight) {
        tokio::task::yield_now().await;
    }
    // The ticket of the claim before settles nothing.
    store.release(key(2), ticket);
    store.commit(key(2), ticket, 60 * SECOND).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(claim(2).await, Ok(Claimed::InFlight));

    let ended = store.claim(key(3), Duration::ZERO).await;
    assert!(matches!(ended, Ok(Claimed::Fresh(_))));
    // The server's clock runs on its own.
    while claim(3).await == Ok(Claimed::InFlight) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_dropped_claim_is_given_back() {
    let store = RedisReplay::connect(&url(), prefix("dropped"))
        .await
        .unwrap();
    for n in 0..100 {
        let mut claiming = tokio_test::task::spawn(store.claim(key(n), 60 * SECOND));
        assert!(claiming.poll().is_pending());
        drop(claiming);
        let mut tries = 0;
        while !matches!(
            store.claim(key(n), 60 * SECOND).await,
            Ok(Claimed::Fresh(_))
        ) {
            tries += 1;
            assert!(tries < 10_000, "{n} is still claimed");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn nobody_answers_for_a_server_that_is_away() {
    assert!(
        RedisReplay::connect("redis://127.0.0.1:1", "x")
            .await
            .is_err()
    );
    assert!(RedisReplay::connect("no url", "x").await.is_err());
    let mut server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(socket())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let url = format!("redis+unix://{}", socket().display());
    let store = loop {
        if let Ok(store) = RedisReplay::connect(&url, "away:").await {
            break store;
        }
        tokio::task::yield_now().await;
    };
    assert!(store.claim(key(1), SECOND).await.is_ok());
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(
        store.claim(key(2), SECOND).await,
        Err(ReplayError::Unavailable)
    );
}

fn socket() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("webhook-{}.sock", std::process::id()))
}

#[test]
#[ignore = "needs REDIS_URL"]
fn of_two_processes_exactly_one_gets_each_claim() {
    let prefix = prefix("processes");
    let children: Vec<_> = (0..2)
        .map(|_| {
            Command::new(std::env::current_exe().unwrap())
                .args([
                    "redis::a_process_that_claims",
                    "--exact",
                    "--ignored",
                    "--nocapture",
                ])
                .env(PREFIX, &prefix)
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut winners = vec![0; CLAIMS as usize];
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        let won = text.lines().filter_map(|line| line.strip_prefix("won "));
        won.for_each(|n| winners[n.parse::<usize>().unwrap()] += 1);
    }
    assert!(winners.iter().all(|wins| *wins == 1));
}

/// One of the two above; alone it claims nothing.
#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_process_that_claims() {
    let Ok(prefix) = std::env::var(PREFIX) else {
        return;
    };
    let store = RedisReplay::connect(&url(), prefix).await.unwrap();
    println!();
    for n in 0..CLAIMS {
        if let Claimed::Fresh(ticket) = store.claim(key(n), 60 * SECOND).await.unwrap() {
            store.commit(key(n), ticket, 60 * SECOND).await.unwrap();
            println!("won {n}");
        }
    }
}
