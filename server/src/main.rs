//! The `livedir-server` program: what was typed → settings → log and ports → pid file and banner → serve until SIGINT or SIGTERM.
//! SIGHUP opens the log anew.
//!
//! Exit status 0 after a graceful stop, 1 with one line on stderr when it cannot start, 2 when a flag makes no sense.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{CommandFactory, Parser};
use livedir_server::cli::args::Args;
use livedir_server::cli::{banner, remarks, typed, variables};
use livedir_server::listen::pid_file::PidFile;
use livedir_server::listen::signals::Signals;
use livedir_server::listen::tls::Tls;
use livedir_server::listen::{self, open_files, tls};
use livedir_server::{Settings, access_log, run};
use tracing_subscriber::EnvFilter;

/// Of ten thousand connections at rest, glibc keeps 165 MB of buffers that nobody uses; this one gives them back.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    for line in variables::unknown(std::env::vars_os().map(|(name, _)| name), &Args::command()) {
        eprintln!("livedir-server: {line}");
    }
    let words = typed::with_negative_values(std::env::args_os(), &Args::command());
    let args = Args::try_parse_from(&words)
        .unwrap_or_else(|error| typed::explained(error, &Args::command(), &words).exit());
    let ended = match &args.manual {
        Some(share) => manual(share),
        None => serve(args).await,
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("livedir-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes the man page and the completions, and prints their names.
fn manual(share: &Path) -> Result<()> {
    print!("{}", livedir_manual::write(&Args::command(), share)?);
    Ok(())
}

async fn serve(args: Args) -> Result<()> {
    // On a terminal the banner says what there is to say.
    let usual = if io::stdout().is_terminal() { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(io::stderr)
        .init();

    let on_terminal = io::stdout().is_terminal();
    let pid_path = args.pid_file.clone();
    let settings = Settings::new(args, on_terminal)?;
    let signals = Signals::open()?;

    let tls = settings.tls.as_ref().map(tls::open).transpose()?;
    let log = access_log::open(&settings.access_log, settings.access_log_format)?;
    let ports = listen::listen(&settings.listening())?;
    let _pid_file = pid_path.map(PidFile::create).transpose()?;
    banner::print(&ports, &banner::lan_addresses(), banner::Style::of_stdout(on_terminal));
    let on_places = remarks::remark_on_places(settings.connections, settings.connections_per_address);
    for remark in remarks::remarks(&settings.webroot).into_iter().chain(on_places) {
        tracing::warn!("{remark}");
    }

    let shutdown = signals.end(log.0.clone(), tls.as_ref().map(Tls::again), on_terminal);
    run(ports, &settings, tls, log, open_files::raise(), shutdown)
        .await
        .map_err(|error| anyhow!("cannot start a thread: {error}"))
}
