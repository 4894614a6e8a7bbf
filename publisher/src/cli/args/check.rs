//! The flags of `check`.

use super::values::{parse_seconds, parse_switch};
use clap::Args;
use std::{ffi::OsString, path::PathBuf, time::Duration};

/// The flags of `check`.
#[derive(Debug, Clone, Args)]
pub struct CheckArgs {
    /// What to validate: a playlist (.m3u8), a directory with one, or its http or https URL
    ///
    /// Certificates must be trusted by this machine, or be in the file that the variable `SSL_CERT_FILE` names
    #[arg(value_name = "PATH|URL", env = "LIVEDIR_SUBJECT", hide_env_values = true)]
    pub subject: OsString,

    /// Follow a live stream for this long, like 30s [default: look at it once]
    #[arg(long = "for", value_name = "TIME", value_parser = parse_seconds, env = "LIVEDIR_FOR")]
    pub follow_for: Option<Duration>,

    /// Print the findings as JSON
    #[arg(long, env = "LIVEDIR_JSON", value_parser = parse_switch)]
    pub json: bool,

    /// Also write a `JUnit` report for CI: one test case for each rule
    #[arg(long, value_name = "FILE", env = "LIVEDIR_JUNIT")]
    pub junit: Option<PathBuf>,
}
