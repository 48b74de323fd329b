//! Puts retries through what goes wrong with them, and prints the table of `docs/compare.md`; with
//! `--write` it replaces it there.
//!
//! The peers may have clocks of their own, so this waits for real time: some seconds.

mod retries;
mod upstream;

use std::{env, error::Error, fs, path::Path, sync::atomic::Ordering::Relaxed, time::Duration};

use tokio::{task::JoinSet, time::sleep};
use tower::{Service, ServiceExt};

use self::{
    retries::{Client, Kind, Settings},
    upstream::{Fails, Request, Upstream},
};

const BEGIN: &str = "<!-- begin retries -->\n";
const END: &str = "<!-- end retries -->\n";

const KINDS: [Kind; 3] = [Kind::Ours, Kind::Tower, Kind::TowerResilience];

const MS: Duration = Duration::from_millis(1);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let table = table().await;
    print!("{table}");
    if env::args().any(|argument| argument == "--write") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compare.md");
        let document = fs::read_to_string(&path)?;
        let (before, rest) = document.split_once(BEGIN).ok_or("no table begins there")?;
        let (_, after) = rest.split_once(END).ok_or("no table ends there")?;
        fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))?;
    }
    Ok(())
}

async fn table() -> String {
    let mut table = String::from("| situation | wanted |");
    for kind in KINDS {
        table += &format!(" {} |", kind.name());
    }
    table += "\n|---|---|---|---|---|\n";
    for (share, fails) in [
        (10, tenth as Fails),
        (50, half),
        (90, most),
        (100, |_| true),
    ] {
        table +=
            &format!("| attempts for a call when {share} % fail, with the budget as it comes |");
        table += " at most 1.21 |";
        for kind in KINDS {
            table += &format!(" {:.2} |", amplification(kind, fails).await);
        }
        table += "\n";
    }
    for (title, cap) in [("first retries", 1_000), ("retries at the cap", 50)] {
        table += &format!("| 100 calls fail together: their {title} come | apart |");
        for kind in KINDS {
            let apart = spread(kind, cap * MS).await > 10 * MS;
            table += if apart { " apart |" } else { " together |" };
        }
        table += "\n";
    }
    table += "| the longest delay of 100 at a cap is | within it |";
    for kind in KINDS {
        let longest = longest(kind).await;
        table += if longest > 60 * MS {
            " above it |"
        } else {
            " within it |"
        };
    }
    table += "\n| copies of the request for 3 attempts, all permitted | 2 |";
    for kind in KINDS {
        table += &format!(" {} |", copies(kind).await);
    }
    table + "\n"
}

/// 1,000 calls in a second, 4 attempts.
async fn amplification(kind: Kind, fails: Fails) -> f64 {
    let upstream = Upstream::new(fails);
    let settings = Settings {
        attempts: 4,
        base: MS,
        cap: MS,
        budget: true,
    };
    let client = kind.client(settings, upstream.clone());
    let mut calls = JoinSet::new();
    for _ in 0..1_000 {
        calls.spawn(call(client.clone(), Request::default()));
        sleep(MS).await;
    }
    calls.join_all().await;
    upstream.attempts().len() as f64 / 1_000.0
}

/// How far apart the retries of calls are that failed together.
async fn spread(kind: Kind, cap: Duration) -> Duration {
    let retries = retries_of_100(kind, cap).await;
    let (first, last) = (retries.iter().min(), retries.iter().max());
    last.zip(first)
        .map_or(Duration::ZERO, |(last, first)| *last - *first)
}

async fn longest(kind: Kind) -> Duration {
    retries_of_100(kind, 50 * MS)
        .await
        .into_iter()
        .max()
        .unwrap_or_default()
}

/// When 100 calls are retried that failed at the start, with a base of 50 ms.
async fn retries_of_100(kind: Kind, cap: Duration) -> Vec<Duration> {
    let upstream = Upstream::new(|attempt| attempt < 100);
    let settings = Settings {
        attempts: 2,
        base: 50 * MS,
        cap,
        budget: false,
    };
    let client = kind.client(settings, upstream.clone());
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        calls.spawn(call(client.clone(), Request::default()));
    }
    calls.join_all().await;
    upstream.attempts().split_off(100)
}

async fn copies(kind: Kind) -> usize {
    let settings = Settings {
        attempts: 3,
        base: MS,
        cap: MS,
        budget: false,
    };
    let client = kind.client(settings, Upstream::new(|_| true));
    let request = Request::default();
    let copies = request.0.clone();
    call(client, request).await;
    copies.load(Relaxed)
}

async fn call(mut client: Client, request: Request) {
    if let Ok(ready) = client.ready().await {
        // Most of them fail; what counts is what the upstream saw.
        let _ = ready.call(request).await;
    }
}

fn tenth(attempt: usize) -> bool {
    scattered(attempt) < 10
}

fn half(attempt: usize) -> bool {
    scattered(attempt) < 50
}

fn most(attempt: usize) -> bool {
    scattered(attempt) < 90
}

/// A number below 100 for each, evenly, in no order.
fn scattered(attempt: usize) -> usize {
    (attempt.wrapping_mul(2_654_435_761) >> 16) % 100
}
