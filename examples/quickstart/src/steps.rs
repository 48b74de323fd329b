//! The steps, each a few lines over the client, with what it must see.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use bytes::Bytes;
use codegen_api::{
    client::{Client, ErrorKind, Operation},
    config::ClientConfig,
};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, sleep},
};
use tower_circuit_breaker::State;
use tower_webhook_hmac::{Scheme, Secret};

use crate::upstream::Upstream;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
type Step = Result<(), Failure>;

/// Prints the account.
#[derive(Debug, Default)]
pub(crate) struct Report {
    number: u32,
    step: &'static str,
}

impl Report {
    pub(crate) fn begin(&mut self, step: &'static str) {
        self.number += 1;
        self.step = step;
    }

    pub(crate) fn step(&self) -> &'static str {
        self.step
    }

    pub(crate) fn done(&self, line: impl std::fmt::Display) {
        println!("{:>2}  {:<10} {line}", self.number, self.step);
    }

    fn detail(line: impl std::fmt::Display) {
        println!("    {:<10} {line}", "");
    }
}

pub(crate) fn millis(since: Instant) -> String {
    format!("{:.1} ms", since.elapsed().as_secs_f64() * 1_000.0)
}

fn expect(holds: bool, what: impl FnOnce() -> String) -> Step {
    if holds { Ok(()) } else { Err(what().into()) }
}

pub(crate) async fn health(report: &mut Report, client: &Client) -> Step {
    report.begin("health");
    let started = Instant::now();
    let health = client.health().send().await?;
    expect(health.status == "healthy", || {
        format!("the server is {}", health.status)
    })?;
    let database = health.extra.get("database_status").and_then(Value::as_str);
    report.done(format!(
        "{}, database {}, answered in {}",
        health.status,
        database.unwrap_or("unknown"),
        millis(started)
    ));
    Ok(())
}

pub(crate) async fn who_am_i(report: &mut Report, client: &Client) -> Step {
    report.begin("who am I");
    let user = client.current_user().send().await?;
    let organizations = client.organizations().send().await?;
    let names: Vec<_> = organizations
        .items
        .iter()
        .map(|org| org.name.as_str())
        .collect();
    expect(!names.is_empty(), || {
        "the user has no organization".to_owned()
    })?;
    report.done(format!(
        "{}, member of {}",
        user.github_username,
        names.join(", ")
    ));
    Ok(())
}

const QUESTION: &str = "where is the half-open state decided?";
const ANSWER: &str = "crates/tower-circuit-breaker/src/state.rs";

pub(crate) async fn agent_run(report: &mut Report, client: &Client, organization: i64) -> Step {
    report.begin("agent run");
    let started = Instant::now();
    let run = client.create_run(organization, QUESTION).send().await?;
    let mut states = Vec::from_iter(run.status.as_ref().map(ToString::to_string));
    let run = client
        .wait_for_completion(organization, run.id)
        .timeout(Duration::from_secs(20))
        .observe(|run| {
            let state = run
                .status
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            if states.last() != Some(&state) {
                states.push(state);
            }
        })
        .send()
        .await?;
    let took = millis(started);
    let logs = client.run_logs(organization, run.id).send().await?;
    let result = run.result.as_deref().unwrap_or_default();
    let first = result
        .split_whitespace()
        .find(|word| word.contains(".rs"))
        .unwrap_or("no file");
    let complete = run
        .status
        .as_ref()
        .is_some_and(|status| status.is_success());
    expect(complete, || format!("run {} ended as {states:?}", run.id))?;
    expect(first.contains(ANSWER), || {
        format!("the answer begins with {first}, not {ANSWER}")
    })?;
    report.done(format!("\"{QUESTION}\" in this repository"));
    Report::detail(format!(
        "run {}: {}, {} log entries, {took}",
        run.id,
        states.join(" > "),
        logs.total_logs.unwrap_or_default()
    ));
    Report::detail(run.summary.as_deref().unwrap_or(ANSWER));
    Ok(())
}

pub(crate) async fn cache(report: &mut Report, client: &Client) -> Step {
    report.begin("cache");
    let asked = client.current_user().bypass_cache().send_raw().await?;
    client.current_user().send().await?;
    let again = client.current_user().send_raw().await?;
    expect(again.from_cache && again.attempts == 0, || {
        "the answer was not cached".to_owned()
    })?;
    let statistics = client.statistics();
    report.done(format!(
        "the same GET again: nothing sent, {:.0} us instead of {:.0} us ({} hits, {} misses)",
        again.elapsed.as_secs_f64() * 1e6,
        asked.elapsed.as_secs_f64() * 1e6,
        statistics.cache_hits,
        statistics.cache_misses,
    ));
    Ok(())
}

pub(crate) async fn limiter(report: &mut Report, config: ClientConfig) -> Step {
    const LIMIT: u32 = 5;
    const BURST: u32 = 12;
    report.begin("limiter");
    let window = Duration::from_secs(1);
    let limit = NonZeroU32::new(LIMIT).ok_or("a limit of zero")?;
    let client = Client::new(config.rate(limit, window))?;
    let started = Instant::now();
    let mut burst = JoinSet::new();
    for _ in 0..BURST {
        let call = client.health();
        burst.spawn(call.send());
    }
    while let Some(answer) = burst.join_next().await {
        answer??;
    }
    let took = started.elapsed();
    let waited = client.statistics().limiter_waited;
    // 5 at once, 5 after a second, 2 after another.
    expect(waited == u64::from(BURST - LIMIT), || {
        format!("{waited} of {BURST} waited")
    })?;
    expect(took >= 2 * window, || {
        format!("{BURST} requests took only {took:?}")
    })?;
    report.done(format!(
        "{BURST} requests at once, {LIMIT} a second allowed: {waited} waited, all answered in {:.2} s",
        took.as_secs_f64()
    ));
    Ok(())
}

pub(crate) async fn retry(report: &mut Report, config: ClientConfig, upstream: &Upstream) -> Step {
    report.begin("retry");
    let client = Client::new(config.retry_delay(Duration::from_millis(100)))?;
    upstream.fail(2);
    let answer = client.health().send_raw().await?;
    expect(answer.attempts == 3, || {
        format!("{} attempts", answer.attempts)
    })?;
    report.done(format!(
        "the upstream failed twice: {} attempts, {} retries, healthy after {:.0} ms",
        answer.attempts,
        client.statistics().retries,
        answer.elapsed.as_secs_f64() * 1e3,
    ));
    Ok(())
}

pub(crate) async fn circuit_breaker(
    report: &mut Report,
    config: ClientConfig,
    upstream: &Upstream,
) -> Step {
    const FAILURES: u32 = 5;
    report.begin("breaker");
    let failures = NonZeroU32::new(FAILURES).ok_or("no failures")?;
    let open = Duration::from_millis(400);
    let client = Client::new(config.max_retries(0).breaker(failures, open))?;
    upstream.fail(u32::MAX);
    for _ in 0..FAILURES {
        let failed = client
            .health()
            .send()
            .await
            .err()
            .ok_or("a broken upstream answered")?;
        expect(*failed.kind() == ErrorKind::Server, || failed.to_string())?;
    }
    let seen = upstream.requests();
    let started = Instant::now();
    let refused = client
        .health()
        .send()
        .await
        .err()
        .ok_or("the circuit did not open")?;
    let took = started.elapsed();
    expect(*refused.kind() == ErrorKind::CircuitOpen, || {
        refused.to_string()
    })?;
    expect(upstream.requests() == seen, || {
        "an open circuit sent a request".to_owned()
    })?;

    upstream.fail(0);
    let pause = refused
        .retry_after()
        .ok_or("the refusal does not say when to come back")?;
    sleep(pause).await;
    let mut probes = 0;
    while client.statistics().breaker != State::Closed {
        client.health().send().await?;
        probes += 1;
        expect(probes <= 10, || "the circuit does not close".to_owned())?;
    }
    report.done(format!(
        "{FAILURES} failures opened the circuit; the next call was refused in {:.0} us, unsent",
        took.as_secs_f64() * 1e6
    ));
    Report::detail(format!(
        "after {:.0} ms {probes} probes succeeded and it is {} again",
        pause.as_secs_f64() * 1e3,
        client.statistics().breaker
    ));
    Ok(())
}

/// `POST /webhooks/github`: not an operation of the contract, but it goes through the same stack.
struct Deliver(&'static [u8]);

impl Operation for Deliver {
    type Output = Value;
    const NAME: &'static str = "deliver_webhook";
    const METHOD: Method = Method::POST;

    fn path(&self) -> String {
        "/webhooks/github".to_owned()
    }

    fn body(&self) -> Result<Option<Bytes>, serde_json::Error> {
        Ok(Some(Bytes::from_static(self.0)))
    }
}

pub(crate) async fn webhook(report: &mut Report, client: &Client, secret: &Secret) -> Step {
    const BODY: &[u8] = br#"{ "zen":  "Keep it logically awesome." }"#;
    const ALTERED: &[u8] = br#"{ "zen":  "Keep it logically awesome!" }"#;
    report.begin("webhook");
    let signature = Scheme::github().sign(secret, BODY)?;
    let deliver = |body| {
        let event = HeaderValue::from_static("ping");
        let id = HeaderValue::from_static("quickstart-1");
        let call = client
            .call(Deliver(body))
            .header(HeaderName::from_static("x-github-event"), event)
            .header(HeaderName::from_static("x-github-delivery"), id);
        signature.iter().fold(call, |call, (name, value)| {
            call.header(name.clone(), value.clone())
        })
    };
    let accepted = deliver(BODY).send_raw().await?;
    let refused = deliver(ALTERED)
        .send()
        .await
        .err()
        .ok_or("an altered body was accepted")?;
    expect(
        refused.status() == Some(http::StatusCode::UNAUTHORIZED),
        || refused.to_string(),
    )?;
    report.done(format!(
        "signed: {} {}; one byte altered: 401, {}",
        accepted.status.as_u16(),
        accepted.value["status"].as_str().unwrap_or_default(),
        refused.message(),
    ));
    Ok(())
}

pub(crate) async fn metrics(report: &mut Report, server: SocketAddr) -> Step {
    report.begin("metrics");
    let mut connection = TcpStream::connect(server).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {server}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    let (_, page) = answer
        .split_once("\r\n\r\n")
        .ok_or("not an answer of HTTP")?;
    let series = page
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .count();
    let counts = |name| {
        let counts = page.lines().filter(move |line| line.starts_with(name));
        counts.map(ToOwned::to_owned)
    };
    let mut shown: Vec<_> = counts("http_server_request_duration_seconds_count").collect();
    let server = shown.len();
    shown.extend(counts("http_client_operation_duration_seconds_count"));
    expect(server > 0 && shown.len() > server, || {
        "requests were not measured".to_owned()
    })?;
    report.done(format!(
        "GET /metrics: {series} lines in Prometheus text, among them"
    ));
    shown.iter().for_each(Report::detail);
    Ok(())
}
