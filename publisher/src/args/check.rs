//! The flags of `check`.

use super::parse_duration;
use clap::Args;
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// The flags of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// What to check: a playlist (.m3u8), a directory with one, or the http or https URL of one. Certificates are those
    /// that this machine trusts, or those in the file that the variable `SSL_CERT_FILE` names
    #[arg(value_name = "PATH|URL")]
    pub subject: OsString,

    /// Follow a live stream for so long, like 30s; without it, it is looked at once
    #[arg(long = "for", value_name = "TIME", value_parser = parse_duration)]
    pub follow_for: Option<Duration>,

    /// Print the findings as JSON
    #[arg(long)]
    pub json: bool,

    /// Write a report for build servers (`JUnit`) too: one test case a rule
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}
