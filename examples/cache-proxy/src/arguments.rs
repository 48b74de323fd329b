use std::net::SocketAddr;

use http::Uri;

/// A caching reverse proxy.
#[derive(Debug, clap::Parser)]
pub(crate) struct Arguments {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where requests go on: scheme and authority.
    #[arg(long, value_parser = origin)]
    pub(crate) origin: Uri,

    /// A Redis server that keeps what is stored, in place of memory; several proxies may share it.
    #[arg(long)]
    pub(crate) redis: Option<String>,

    /// The most bytes kept in memory.
    #[arg(long, default_value_t = 256 << 20)]
    pub(crate) max_bytes: usize,

    /// The most bytes of one response that is kept.
    #[arg(long, default_value_t = 1 << 20)]
    pub(crate) max_object_bytes: usize,
}

fn origin(text: &str) -> Result<Uri, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{error}"))?;
    if uri.scheme_str() != Some("http") || uri.authority().is_none() {
        return Err("an origin is `http://` and an authority".to_owned());
    }
    Ok(uri)
}
