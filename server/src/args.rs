//! What was typed: the command line of `livedir-server`, word for word. What it means is decided in `settings`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;

use crate::settings::{AccessLog, parse_listen, parse_max_age_s, parse_size_bytes};

/// Serve a livedir webroot over HTTP: the playlist, its segments and the player page.
#[derive(Debug, Clone, Parser)]
#[command(name = "livedir-server", version)]
pub struct Args {
    /// Directory to serve; everything that is sent is a file in it
    #[arg(long, value_name = "DIR", default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub webroot: PathBuf,

    /// Address and port to listen on; 127.0.0.1:8080 for this machine alone, port 0 for any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "0.0.0.0:8080", env = "LIVEDIR_LISTEN", value_parser = parse_listen)]
    pub listen: SocketAddr,

    /// How long caches may keep a segment without asking again, as 30s, 10m, 6h or 1d; for a CDN, at least the length of the playlist
    #[arg(long, value_name = "DURATION", default_value = "0", env = "LIVEDIR_SEGMENT_MAX_AGE", value_parser = parse_max_age_s)]
    pub segment_max_age: u32,

    /// Memory for what everyone asks for, playlists and the segments that they list, as 500K, 256M or 2G; 0 for none
    #[arg(long, value_name = "SIZE", default_value = "256M", env = "LIVEDIR_CACHE_SIZE", value_parser = parse_size_bytes)]
    pub cache_size: u64,

    /// Look at playlists every 100 ms while they are asked for, and do not wait to be told of changes
    #[arg(long, env = "LIVEDIR_POLL")]
    pub poll: bool,

    /// Where to write one line a request in combined log format: a file, - for stdout, or off
    /// [default: off when stdout is a terminal, - otherwise]
    #[arg(long, value_name = "FILE|-|off", env = "LIVEDIR_ACCESS_LOG")]
    pub access_log: Option<AccessLog>,

    /// File that holds the process id while the server listens
    #[arg(long, value_name = "FILE", env = "LIVEDIR_PID_FILE")]
    pub pid_file: Option<PathBuf>,
}
