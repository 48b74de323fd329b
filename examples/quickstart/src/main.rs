//! Starts the server in this process, drives it over HTTP with the client, and prints what every
//! layer did, one step a line. Exits non-zero at the first step that does not behave.

mod steps;
mod upstream;

use std::{net::Ipv4Addr, process::ExitCode};

use codegen_api::{client::Client, config::ClientConfig};
use server::{Arguments, Repository};
use steps::{Failure, Report, millis};
use tokio::time::Instant;
use tower_webhook_hmac::Secret;
use upstream::Upstream;

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    let mut report = Report::default();
    match drive(&mut report).await {
        Ok(()) => {
            println!(
                "everything behaved, in {:.1} s",
                started.elapsed().as_secs_f64()
            );
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("quickstart: step '{}' failed: {failure}", report.step());
            ExitCode::FAILURE
        }
    }
}

async fn drive(report: &mut Report) -> Result<(), Failure> {
    report.begin("server");
    let started = Instant::now();
    // This very repository is what the agents work on.
    let tree = concat!("tower=", env!("CARGO_MANIFEST_DIR"), "/../..");
    let secret = Secret::new("quickstart: the sender knows this too")?;
    let server = server::start(Arguments {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        demo: true,
        repository: vec![Repository::parse(tree)?],
        webhook_secret: Some(secret.clone()),
        ..Arguments::default()
    })
    .await?;
    let demo = server.demo().ok_or("the server made no demo")?.clone();
    let base = format!("http://{}", server.address());
    report.done(format!(
        "{base}, SQLite in memory, up in {}",
        millis(started)
    ));

    let config = ClientConfig::new(&demo.token)?.base_url(&base)?;
    let client = Client::new(config.clone())?;
    let organization = demo.organization_id;
    steps::health(report, &client).await?;
    steps::who_am_i(report, &client).await?;
    steps::agent_run(report, &client, organization).await?;
    steps::cache(report, &client).await?;
    steps::limiter(report, config).await?;

    // The server does not fail on demand; this stands in for one that does.
    let upstream = Upstream::start().await?;
    let config = ClientConfig::new(&demo.token)?.base_url(&upstream.base_url())?;
    steps::retry(report, config.clone(), &upstream).await?;
    steps::circuit_breaker(report, config, &upstream).await?;

    steps::webhook(report, &client, &secret).await?;
    steps::metrics(report, server.address()).await?;

    report.begin("stop");
    let started = Instant::now();
    server.stop().await;
    report.done(format!(
        "nothing left in flight, stopped in {}",
        millis(started)
    ));
    Ok(())
}
