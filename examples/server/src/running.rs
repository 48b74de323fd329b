use std::{fmt, net::SocketAddr, time::Duration};

use codegen_agents::{Runner, Running};
use codegen_api::{
    config::ConfigError,
    server::{ServerConfig, ServerError, app, serve},
};
use codegen_store::{OpenError, SqliteStore};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::{OnceCell, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tower_request_metrics::DURATION_BUCKETS;

use crate::{Arguments, Demo, agents::providers, demo};

/// A server that accepts connections. Dropping it cuts everything off; [`stop`](Self::stop)
/// doesn't.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    demo: Option<Demo>,
    store: SqliteStore,
    runner: Running,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<bool>,
    drain: Duration,
}

/// How long [`RunningServer::stop`] waits for the last calls of the database.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// Opens the database, starts the agents, and serves.
///
/// # Errors
///
/// When a part cannot start: the error says which and why.
pub async fn start(arguments: Arguments) -> Result<RunningServer, StartError> {
    let database = arguments.database().to_owned();
    let metrics = recorder().await?.clone();
    // First what may fail without a trace, then the database.
    let listen = arguments.listen;
    let taken = |error| StartError::Listen(listen, error);
    let listener = TcpListener::bind(listen).await.map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    let public_url = arguments
        .public_url
        .unwrap_or_else(|| format!("http://{address}"));
    let config = ServerConfig::new(public_url)
        .complete_word(arguments.complete_word)
        .refuse_empty_prompts(arguments.refuse_empty_prompts)
        .rate_limits(!arguments.no_rate_limits)
        .render_metrics(move || metrics.render());
    let config = match arguments.webhook_secret {
        Some(secret) => config.webhook_secrets(secret.into()),
        None => config
            .webhook_secret_from_env()
            .map_err(StartError::Config)?,
    };

    let store = SqliteStore::open(&database)
        .await
        .map_err(StartError::Database)?;
    let demo = match arguments.demo {
        true => Some(demo::create(&store).await.map_err(StartError::Prepare)?),
        false => None,
    };
    demo::register(&store, arguments.demo, &arguments.repository)
        .await
        .map_err(StartError::Prepare)?;

    // Runs that a killed server left behind are taken up from here on.
    let runner = Runner::new(store.clone(), providers(arguments.command.as_ref()))
        .lease(arguments.lease)
        .start();
    let waker = runner.waker();
    let config = config.on_pending_run(move || waker.wake());
    let app = app(store.clone(), config).map_err(StartError::Server)?;

    let (stop, stopped) = oneshot::channel();
    let drain = arguments.drain;
    let serving = tokio::spawn(serve(
        listener,
        app,
        async move {
            // A dropped sender stops it too.
            let _ = stopped.await;
        },
        drain,
    ));
    tracing::info!(%address, "listening");
    Ok(RunningServer {
        address,
        demo,
        store,
        runner,
        stop,
        serving,
        drain,
    })
}

impl RunningServer {
    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What `--demo` created.
    #[must_use]
    pub fn demo(&self) -> Option<&Demo> {
        self.demo.as_ref()
    }

    /// The line that tells other programs where the server is, and what the demo's tokens are.
    #[must_use]
    pub fn announcement(&self) -> Value {
        let mut line = json!({"base_url": format!("http://{}", self.address)});
        if let Some(demo) = &self.demo {
            line["token"] = demo.token.as_str().into();
            line["org_id"] = demo.organization_id.into();
            line["second_token"] = demo.second_token.as_str().into();
            line["second_org_id"] = demo.second_organization_id.into();
        }
        line
    }

    /// Stops: no more connections, requests in flight finish, then runs at work finish or are put
    /// back for the next start. Each gets the time of `--drain`. Then the database is closed, which
    /// leaves one file.
    pub async fn stop(self) {
        // The receiver lives as long as the server serves.
        let _ = self.stop.send(());
        match self.serving.await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("requests were still in flight after the drain time"),
            Err(error) => tracing::error!(%error, "the server ended abnormally"),
        }
        self.runner.shutdown(self.drain).await;
        if timeout(CLOSE_LIMIT, self.store.close()).await.is_err() {
            tracing::warn!("the database was still in use");
        }
    }
}

/// The one recorder of the process. A second server in the same process shares it.
async fn recorder() -> Result<&'static PrometheusHandle, StartError> {
    static RECORDER: OnceCell<PrometheusHandle> = OnceCell::const_new();
    RECORDER
        .get_or_try_init(async || {
            let handle = PrometheusBuilder::new()
                .with_recommended_naming(true)
                .set_buckets_for_metric(Matcher::Suffix("duration".to_owned()), &DURATION_BUCKETS)
                .and_then(PrometheusBuilder::install_recorder)
                .map_err(|error| StartError::Metrics(error.to_string()))?;
            // Samples wait in memory until somebody looks; without a scraper nobody does.
            let upkeep = handle.clone();
            tokio::spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_secs(5)).await;
                    upkeep.run_upkeep();
                }
            });
            Ok(handle)
        })
        .await
}

/// Why the server could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The database cannot be used.
    Database(OpenError),
    /// The demo or a repository could not be stored.
    Prepare(codegen_api::server::StoreError),
    /// The address cannot be listened on.
    Listen(SocketAddr, std::io::Error),
    /// A variable of the environment cannot be used.
    Config(ConfigError),
    /// A setting cannot be used.
    Server(ServerError),
    /// Another recorder of metrics is installed.
    Metrics(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(_) => f.write_str("the database cannot be used"),
            Self::Prepare(_) => f.write_str("the organizations could not be prepared"),
            Self::Listen(address, _) => write!(f, "cannot listen on {address}"),
            Self::Config(error) => error.fmt(f),
            Self::Server(_) => f.write_str("the server cannot be set up"),
            Self::Metrics(error) => write!(f, "metrics: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Database(error) => Some(error),
            Self::Prepare(error) => Some(error),
            Self::Listen(_, error) => Some(error),
            Self::Server(error) => Some(error),
            Self::Config(_) | Self::Metrics(_) => None,
        }
    }
}
