//! What can be seen and what comes in from outside: metrics, webhooks, and the process itself.

use std::{collections::BTreeMap, fs, net::SocketAddr};

use tokio::task::JoinSet;
use tower_webhook_hmac::{Scheme, Secret};

use crate::process::{Launch, Server, exchange, fixture, until};

async fn scrape(address: SocketAddr) -> String {
    let request = "GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let answer = exchange(address, request).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    assert!(
        head.contains("content-type: text/plain; version=0.0.4"),
        "{head}"
    );
    page.to_owned()
}

/// The samples of a page, by name and labels. Fails on anything that is not Prometheus text.
fn samples(page: &str) -> BTreeMap<String, f64> {
    let mut types = BTreeMap::new();
    let mut samples = BTreeMap::new();
    let name_is_valid = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    };
    assert!(page.ends_with('\n'));
    for line in page.lines().filter(|line| !line.is_empty()) {
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed.split_once(' ').unwrap();
            assert!(
                ["counter", "gauge", "histogram", "summary"].contains(&kind),
                "{line}"
            );
            assert!(types.insert(name, kind).is_none(), "typed twice: {line}");
            continue;
        }
        if line.starts_with("# HELP ") {
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let name = match series.split_once('{') {
            None => series,
            Some((name, labels)) => {
                let mut rest = labels.strip_suffix('}').unwrap_or_else(|| panic!("{line}"));
                while !rest.is_empty() {
                    let (label, quoted) = rest.split_once("=\"").unwrap();
                    assert!(name_is_valid(label), "{line}");
                    // No value here needs an escape.
                    let (value, after) = quoted.split_once('"').unwrap();
                    assert!(!value.contains('\\'), "{line}");
                    rest = after.strip_prefix(',').unwrap_or(after);
                }
                name
            }
        };
        assert!(name_is_valid(name), "{line}");
        let family = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .filter(|family| types.contains_key(family))
            .unwrap_or(name);
        assert!(types.contains_key(family), "no type for {line}");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{line}");
    }
    samples
}

/// Everything on the page is in `docs/metrics.md`, as what it is.
fn assert_catalogued(page: &str) {
    let catalogue = include_str!("../../../../docs/metrics.md").replace('.', "_");
    let families = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    for (name, kind) in families.filter_map(|family| family.split_once(' ')) {
        let units = ["_total", "_seconds", "_bytes"];
        let bare = units.iter().find_map(|unit| name.strip_suffix(unit));
        let row = format!("| `{}` | {kind}", bare.unwrap_or(name));
        assert!(catalogue.contains(&row), "{name}, a {kind}");
    }
}

#[tokio::test]
async fn metrics_scraped_under_load_are_prometheus_text_without_paths_or_tokens() {
    let tree = fixture();
    let server = Launch::demo()
        .repository(&tree)
        .args(["--no-rate-limits"])
        .start()
        .await;
    let (client, organization) = (server.client(), server.organization());
    let mut load = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        load.spawn(async move {
            for _ in 0..20 {
                client
                    .users(organization)
                    .bypass_cache()
                    .send()
                    .await
                    .unwrap();
                client.runs(organization).send().await.unwrap();
            }
        });
    }
    let odd = "GET /v1/odd-path/77?token=cg_odd HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(
        exchange(server.address(), odd)
            .await
            .starts_with("HTTP/1.1 404 ")
    );
    let odd = odd.replacen("GET", "BREW", 1);
    exchange(server.address(), &odd).await;
    let created = client.create_run(organization, "half_open").send().await;
    created.unwrap();
    while load.join_next().await.transpose().unwrap().is_some() {
        samples(&scrape(server.address()).await);
    }

    let page = scrape(server.address()).await;
    let samples = samples(&page);
    let route = r#"http_route="/v1/organizations/{org_id}/users""#;
    let find = |name: &str, label: &str| {
        let mut found = samples.iter();
        found.find(|(series, _)| series.starts_with(name) && series.contains(label))
    };
    let count = find("http_server_request_duration_seconds_count", route);
    assert_eq!(*count.expect(&page).1, 160.0);
    let last = find(
        "http_server_request_duration_seconds_bucket",
        r#"le="+Inf""#,
    );
    assert!(last.is_some(), "{page}");
    assert!(find("http_server_active_requests", "").is_some(), "{page}");
    for word in ["odd", "BREW", "cg_", server.text("token"), "half_open"] {
        assert!(!page.contains(word), "{word} in {page}");
    }
    assert_catalogued(&page);
    let own = format!("/organizations/{organization}/");
    assert!(!page.contains(&own), "{page}");
    server.stop().await;
}

/// Delivers `body` with a signature over `signed`, and gives the status and the body.
async fn deliver(server: &Server, secret: &str, signed: &str, body: &str) -> String {
    let secret = Secret::new(secret).unwrap();
    let signature = Scheme::github().sign(&secret, signed.as_bytes()).unwrap();
    let mut head = format!(
        "POST /webhooks/github HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         content-length: {}\r\nx-github-event: ping\r\nx-github-delivery: 1\r\n",
        body.len()
    );
    for (name, value) in &signature {
        head += &format!("{name}: {}\r\n", value.to_str().unwrap());
    }
    exchange(server.address(), &format!("{head}\r\n{body}")).await
}

#[tokio::test]
async fn a_webhook_is_accepted_with_the_secret_of_the_environment_alone() {
    let secret = "the sender knows this too";
    let server = Launch::demo()
        .env("GITHUB_WEBHOOK_SECRET", secret)
        .args(["--log", "trace"])
        .start()
        .await;
    let body = r#"{ "zen":  "Keep it logically awesome." }"#;
    let altered = body.replace("awesome.", "awesome!");
    let status = async |secret, signed, body| {
        let answer = deliver(&server, secret, signed, body).await;
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status(secret, body, &altered).await, "401");
    assert_eq!(status("another one", body, body).await, "401");
    assert_eq!(status(secret, body, body).await, "200");
    let again = deliver(&server, secret, body, body).await;
    assert!(again.contains("duplicate"), "{again}");
    let page = scrape(server.address()).await;
    for verdict in ["verified", "wrong_signature"] {
        let series =
            format!(r#"tower_webhook_hmac_requests_total{{scheme="github",verdict="{verdict}"}}"#);
        assert_eq!(samples(&page).get(&series), Some(&2.0), "{page}");
    }
    let logs = server.stop().await.stderr;
    assert!(!logs.contains(secret), "the secret is in the log");
}

#[tokio::test]
async fn without_a_secret_there_are_no_webhooks() {
    for launch in [
        Launch::demo(),
        Launch::demo().env("GITHUB_WEBHOOK_SECRET", ""),
    ] {
        let server = launch.start().await;
        let answer = deliver(&server, "guess", "{}", "{}").await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        server.stop().await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn two_thousand_requests_leave_no_handle_open_and_little_memory_behind() {
    let server = Launch::demo().args(["--no-rate-limits"]).start().await;
    let handles = || {
        fs::read_dir(format!("/proc/{}/fd", server.id()))
            .unwrap()
            .count()
    };
    let kilobytes = || {
        let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        let number = line.split_whitespace().nth(1).unwrap();
        number.parse::<u64>().unwrap()
    };
    // Half of them over a connection of their own.
    let head = format!(
        "GET /v1/users/me HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
         connection: close\r\n\r\n",
        server.text("token")
    );
    let burst = async || {
        let client = server.client();
        let mut load = JoinSet::new();
        for _ in 0..10 {
            let (client, head, address) = (client.clone(), head.clone(), server.address());
            load.spawn(async move {
                for _ in 0..50 {
                    client.current_user().bypass_cache().send().await.unwrap();
                    let answer = exchange(address, &head).await;
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                }
            });
        }
        load.join_all().await;
    };
    burst().await;
    let memory = kilobytes();
    until("the burst's connections are closed", async || {
        (handles() < 40).then_some(())
    })
    .await;
    let before = handles();
    burst().await;
    until("the burst's connections are closed", async || {
        (handles() <= before).then_some(())
    })
    .await;
    let grown = kilobytes().saturating_sub(memory);
    assert!(grown < 8 << 10, "grew by {grown} KiB from {memory} KiB");
    eprintln!("{before} handles, {memory} KiB, grown by {grown} KiB");
    server.stop().await;
}
