//! What was typed: the command line of `livedir-server`, word for word. What it means is decided in `settings`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use ipnet::IpNet;

use super::values::{
    PagePolicy, parse_connections, parse_connections_per_address, parse_max_age_s, parse_metrics_listen,
    parse_network, parse_size_bytes, parse_switch, parse_threads, parse_timeout_s,
};
use crate::listen::ListenAt;
use crate::operator::access_log::{AccessLog, LogFormat};

/// Serve a livedir webroot over HTTP: the playlist, its segments and the player page.
#[derive(Debug, Clone, Parser)]
#[command(name = "livedir-server", version)]
pub struct Args {
    /// Directory to serve; everything that is sent is a file in it
    #[arg(long, value_name = "DIR", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Address and port, or unix:PATH; may be given several times. 127.0.0.1:8080 for this machine alone, `[::]:8080` for
    /// IPv6 too, port 0 for any free port. With --tls-cert an address means https://; write http://ADDRESS:PORT for one
    /// without [default: 0.0.0.0:8080, or the sockets that systemd hands over]
    #[arg(long, value_name = "ADDRESS:PORT", env = "LIVEDIR_LISTEN", value_delimiter = ',')]
    pub listen: Vec<ListenAt>,

    /// Certificate chain in PEM for HTTPS and HTTP/2; read again when the file changes
    #[arg(long, value_name = "FILE", env = "LIVEDIR_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of --tls-cert in PEM
    #[arg(long, value_name = "FILE", env = "LIVEDIR_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,

    /// How long caches may keep a segment without asking again, as 30s, 10m, 6h or 1d; for a CDN, at least the length of the playlist
    #[arg(long, value_name = "DURATION", default_value = "0", env = "LIVEDIR_SEGMENT_MAX_AGE", value_parser = parse_max_age_s)]
    pub segment_max_age: u32,

    /// Memory for what everyone asks for, playlists and the segments that they list, as 500K, 256M or 2G; 0 for none
    #[arg(long, value_name = "SIZE", default_value = "256M", env = "LIVEDIR_CACHE_SIZE", value_parser = parse_size_bytes)]
    pub cache_size: u64,

    /// Look at playlists every 100 ms while they are asked for, and do not wait to be told of changes
    #[arg(long, env = "LIVEDIR_POLL", value_parser = parse_switch)]
    pub poll: bool,

    /// Where to write one line a request: a file, - for stdout, or off
    /// [default: off when stdout is a terminal, - otherwise]
    #[arg(long, value_name = "FILE|-|off", env = "LIVEDIR_ACCESS_LOG")]
    pub access_log: Option<AccessLog>,

    /// Lines as the programs that read web server logs know them, or one JSON object each
    #[arg(long, value_name = "FORMAT", default_value = "combined", env = "LIVEDIR_ACCESS_LOG_FORMAT")]
    pub access_log_format: LogFormat,

    /// Proxies whose X-Forwarded-For is believed, as 10.0.0.7 or 10.0.0.0/8; may be given several times. Whoever comes
    /// over a unix socket is believed anyway
    #[arg(long, value_name = "ADDRESS[/LENGTH]", env = "LIVEDIR_FORWARDED_FROM", value_delimiter = ',', value_parser = parse_network)]
    pub forwarded_from: Vec<IpNet>,

    /// Address for /metrics (Prometheus) and /healthz, apart from the viewers; 127.0.0.1:9101 for this machine alone
    #[arg(long, value_name = "ADDRESS:PORT", env = "LIVEDIR_METRICS_LISTEN", value_parser = parse_metrics_listen)]
    pub metrics_listen: Option<SocketAddr>,

    /// Connections at a time; above, the one that has been silent for longest makes room
    #[arg(long, value_name = "COUNT", default_value = "10000", env = "LIVEDIR_CONNECTIONS", value_parser = parse_connections)]
    pub connections: usize,

    /// Connections at a time from one IPv4 address or IPv6 /64; those of --forwarded-from and unix sockets are not counted
    #[arg(long, value_name = "COUNT", default_value = "1000", env = "LIVEDIR_CONNECTIONS_PER_ADDRESS", value_parser = parse_connections_per_address)]
    pub connections_per_address: usize,

    /// How long a connection may stay open without a request, as 30s or 10m
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "LIVEDIR_IDLE_TIMEOUT", value_parser = parse_timeout_s)]
    pub idle_timeout: u32,

    /// How long a client may take for the head of a request or a TLS handshake, and for the next piece of an answer
    #[arg(long, value_name = "DURATION", default_value = "30s", env = "LIVEDIR_CLIENT_TIMEOUT", value_parser = parse_timeout_s)]
    pub client_timeout: u32,

    /// Threads that serve [default: one for each core]
    #[arg(long, value_name = "COUNT", env = "LIVEDIR_THREADS", value_parser = parse_threads)]
    pub threads: Option<u16>,

    /// Content-Security-Policy of HTML pages, or off for a page of your own that brings one along
    /// [default: what the player page needs, and nothing from elsewhere]
    #[arg(long, value_name = "POLICY|off", env = "LIVEDIR_PAGE_POLICY")]
    pub page_policy: Option<PagePolicy>,

    /// File that holds the process id while the server listens
    #[arg(long, value_name = "FILE", env = "LIVEDIR_PID_FILE")]
    pub pid_file: Option<PathBuf>,
}
