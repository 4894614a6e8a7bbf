//! The flags of `inspect`.

use super::values::parse_switch;
use clap::Args;
use livedir_inspect::InspectSettings;
use std::path::PathBuf;

/// The flags of `inspect`.
#[derive(Debug, Clone, Args)]
pub struct InspectArgs {
    /// What to show: a webroot, a playlist (.m3u8), or one segment (.ts)
    ///
    /// livedir or another program may have written it. Of a multivariant playlist, the playlists that it lists are shown too. A segment is
    /// shown in detail: streams, timestamps, keyframes, bit rate
    #[arg(default_value = "webroot", env = "LIVEDIR_WEBROOT")]
    pub path: PathBuf,

    /// Update the output until Ctrl-C
    #[arg(long, short, env = "LIVEDIR_FOLLOW", value_parser = parse_switch)]
    pub follow: bool,

    /// Print JSON, one document on each line
    #[arg(long, env = "LIVEDIR_JSON", value_parser = parse_switch)]
    pub json: bool,

    /// Number of the newest segments to show
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = parse_rows, env = "LIVEDIR_ROWS")]
    pub rows: usize,

    /// Show every segment
    #[arg(long, conflicts_with = "rows", env = "LIVEDIR_ALL", value_parser = parse_switch)]
    pub all: bool,
}

impl From<InspectArgs> for InspectSettings {
    fn from(args: InspectArgs) -> Self {
        let InspectArgs { path, follow, json, rows, all } = args;
        Self { path, follow, json, rows, all }
    }
}

fn parse_rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(rows @ 1..) => Ok(rows),
        _ => Err("must be at least 1, like --rows 20; for every segment use --all".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_one_or_more() {
        assert_eq!(parse_rows("1"), Ok(1));
        for text in ["0", "-1", "many", ""] {
            assert!(parse_rows(text).unwrap_err().contains("--all"), "{text}");
        }
    }
}
