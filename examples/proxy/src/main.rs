//! A balancing reverse proxy. `--help` says what there is.

mod admin;
mod backend;
mod body;
mod connection;
mod forwarded;
mod proxy;
mod tunnel;

use std::{io, net::SocketAddr};

use backend::{Backend, Backends, Origin};
use clap::Parser;
use tokio::net::TcpListener;
use tower_load_balancer::{Endpoints, HealthCheck, TcpProbe};

/// Forwards requests to the backend that has the fewest.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen for requests.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A backend, as `http://host:port`; may be given several times.
    #[arg(long = "backend", value_name = "URL")]
    backends: Vec<Origin>,
    /// Where to listen for changes of the backends; nowhere by default.
    #[arg(long)]
    admin: Option<SocketAddr>,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let client = backend::client();
    let backends: Backends = Endpoints::new();
    backends.replace_all(
        arguments
            .backends
            .into_iter()
            .map(|origin| Backend::endpoint(origin, &client)),
    );
    let check = HealthCheck::new(&backends, TcpProbe::new(Origin::address));
    tokio::spawn(check.run());

    let listener = TcpListener::bind(arguments.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    if let Some(address) = arguments.admin {
        let listener = TcpListener::bind(address).await?;
        println!("admin on http://{}", listener.local_addr()?);
        tokio::spawn(admin::serve(listener, backends.clone(), client));
    }
    tokio::select! {
        never = proxy::serve(listener, backends) => match never {},
        stop = tokio::signal::ctrl_c() => stop,
    }
}
