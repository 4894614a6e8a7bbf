//! What was meant: the typed words in, checked values with units out. Looks at the webroot directory, changes nothing.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::available_parallelism;

use axum::http::HeaderValue;
use ipnet::IpNet;

use super::args::Args;
use super::values::PagePolicy;
use crate::http::security::PAGE_POLICY;
use crate::listen::tls::TlsFiles;
use crate::listen::{Listen, ListenAt, ListenSettings, Scheme};
use crate::memory::CacheSettings;
use crate::operator::access_log::{AccessLog, LogFormat};

/// Everything the server needs to know, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// An existing directory; every answer is a file in it.
    pub webroot: PathBuf,
    /// What was asked for; empty leaves it to systemd, and without that to port 8080 of all IPv4 addresses.
    pub listen: Vec<Listen>,
    /// What HTTPS is served with.
    pub tls: Option<TlsFiles>,
    /// 0: caches ask again each time, which a 304 answers.
    pub segment_max_age_s: u32,
    /// Memory for the segments that everyone asks for; 0: all of them come from the disk.
    pub cache_size_bytes: u64,
    /// Do not wait to be told of changes, only check.
    pub poll: bool,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// What a line of it looks like.
    pub access_log_format: LogFormat,
    /// Proxies that are believed when they name the viewer.
    pub forwarded_from: Vec<IpNet>,
    /// Where `/metrics` and `/healthz` are.
    pub metrics_listen: Option<SocketAddr>,
    /// Most connections at a time.
    pub connections: usize,
    /// Most connections at a time from one IPv4 address or IPv6 /64; `None` leaves it to the server.
    pub connections_per_address: Option<usize>,
    /// How long a connection may stay open without a request.
    pub idle_timeout_s: u32,
    /// How long a client may take for a request, and to accept more of a response.
    pub client_timeout_s: u32,
    /// At least one.
    pub threads: usize,
    /// The Content-Security-Policy of HTML pages; `None` for none.
    pub page_policy: Option<HeaderValue>,
}

/// A setting that makes no sense here.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// `--webroot` names nothing.
    #[error("webroot {} does not exist; name a directory with --webroot, or create it: mkdir -p {}", .0.display(), .0.display())]
    WebrootMissing(PathBuf),
    /// `--webroot` names something else.
    #[error("webroot {} is not a directory; name one with --webroot", .0.display())]
    WebrootNotDirectory(PathBuf),
    /// `--webroot` is there, but out of reach.
    #[error("webroot {} cannot be read: {source}; check its permissions", path.display())]
    WebrootUnreadable {
        /// The path given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// `https://` has been typed, but no certificate.
    #[error(
        "no certificate for {0}; name one with --tls-cert and its key with --tls-key, or listen on http://"
    )]
    NoCertificate(ListenAt),
}

impl Settings {
    /// Checks what was typed; `on_terminal` says whether a person is looking at stdout.
    pub fn new(args: Args, on_terminal: bool) -> Result<Settings, SettingsError> {
        check_webroot(&args.webroot)?;
        let access_log = args.access_log.unwrap_or(if on_terminal {
            AccessLog::Off // keeps the address and the QR code in view
        } else {
            AccessLog::Stdout
        });
        let tls = match (args.tls_cert, args.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            _ => None,
        };
        let listen =
            args.listen.into_iter().map(|at| at.meant(tls.is_some()).ok_or(SettingsError::NoCertificate(at)));
        Ok(Settings {
            webroot: args.webroot,
            listen: listen.collect::<Result<_, _>>()?,
            tls,
            segment_max_age_s: args.segment_max_age,
            cache_size_bytes: args.cache_size,
            poll: args.poll,
            access_log,
            access_log_format: args.access_log_format,
            forwarded_from: args.forwarded_from,
            metrics_listen: args.metrics_listen,
            connections: args.connections,
            connections_per_address: args.connections_per_address,
            idle_timeout_s: args.idle_timeout,
            client_timeout_s: args.client_timeout,
            threads: args.threads.map_or_else(cores, usize::from),
            page_policy: match args.page_policy {
                None => Some(HeaderValue::from_static(PAGE_POLICY)),
                Some(PagePolicy::Off) => None,
                Some(PagePolicy::Policy(policy)) => Some(policy),
            },
        })
    }

    /// What to listen on.
    #[must_use]
    pub fn listening(&self) -> ListenSettings {
        ListenSettings {
            viewers: self.listen.clone(),
            operator: self.metrics_listen,
            usual_scheme: if self.tls.is_some() { Scheme::Https } else { Scheme::Http },
            threads: self.threads,
        }
    }

    /// What of the webroot to keep in memory.
    pub(crate) fn cache(&self) -> CacheSettings {
        CacheSettings {
            webroot: self.webroot.clone(),
            size_bytes: self.cache_size_bytes,
            segment_max_age_s: self.segment_max_age_s,
            poll: self.poll,
        }
    }
}

fn check_webroot(path: &PathBuf) -> Result<(), SettingsError> {
    // Reading the directory also tells a missing permission at start instead of as a 404 for everything.
    let Err(source) = fs::read_dir(path) else { return Ok(()) };
    Err(match source.kind() {
        io::ErrorKind::NotFound => SettingsError::WebrootMissing(path.clone()),
        io::ErrorKind::NotADirectory => SettingsError::WebrootNotDirectory(path.clone()),
        _ => SettingsError::WebrootUnreadable { path: path.clone(), source },
    })
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn settings(typed: &[&str], on_terminal: bool) -> Result<Settings, SettingsError> {
        Settings::new(Args::try_parse_from([&["livedir-server"], typed].concat()).unwrap(), on_terminal)
    }

    #[test]
    fn the_access_log_stays_out_of_the_way_of_a_person() {
        assert_eq!(settings(&["--webroot", "."], true).unwrap().access_log, AccessLog::Off);
        assert_eq!(settings(&["--webroot", "."], false).unwrap().access_log, AccessLog::Stdout);
        assert_eq!(
            settings(&["--webroot", ".", "--access-log", "-"], true).unwrap().access_log,
            AccessLog::Stdout
        );
        assert_eq!(
            settings(&["--webroot", ".", "--access-log", "off"], false).unwrap().access_log,
            AccessLog::Off
        );
        assert_eq!(
            settings(&["--webroot", ".", "--access-log", "a.log"], false).unwrap().access_log,
            AccessLog::File("a.log".into())
        );
    }

    #[test]
    fn a_webroot_that_is_no_directory_is_refused_with_the_remedy() {
        let missing = settings(&["--webroot", "no-such-directory"], false).unwrap_err().to_string();
        assert!(
            missing.contains("no-such-directory does not exist") && missing.contains("mkdir -p"),
            "{missing}"
        );
        let file = settings(&["--webroot", "Cargo.toml"], false).unwrap_err().to_string();
        assert!(file.contains("Cargo.toml is not a directory") && file.contains("--webroot"), "{file}");
    }

    #[track_caller]
    fn check_listen(typed: &[&str], expected: Result<&[&str], &str>) {
        match (settings(&[&["--webroot", "."], typed].concat(), false), expected) {
            (Ok(settings), Ok(expected)) => {
                let actual: Vec<String> = settings.listen.iter().map(ToString::to_string).collect();
                assert_eq!(actual, expected, "{typed:?}");
            }
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (actual, expected) => panic!("{typed:?}: {actual:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_certificate_makes_every_address_https_that_does_not_say_otherwise() {
        let certificate = ["--tls-cert", "a.pem", "--tls-key", "b.pem"];
        check_listen(&["--listen", "0.0.0.0:80"], Ok(&["http://0.0.0.0:80"]));
        check_listen(
            &[
                &certificate[..],
                &["--listen", "[::]:443", "--listen", "http://[::]:80", "--listen", "unix:/run/a"],
            ]
            .concat(),
            Ok(&["https://[::]:443", "http://[::]:80", "unix:/run/a"]),
        );
        check_listen(
            &["--listen", "127.0.0.1:1,127.0.0.1:2"],
            Ok(&["http://127.0.0.1:1", "http://127.0.0.1:2"]),
        );
        check_listen(&["--listen", "https://[::]:443"], Err("--tls-cert"));
        assert!(Args::try_parse_from(["livedir-server", "--tls-cert", "a.pem"]).is_err(), "no key");
    }

    #[test]
    fn an_address_without_a_port_is_refused_with_an_example() {
        let error =
            Args::try_parse_from(["livedir-server", "--listen", "localhost"]).unwrap_err().to_string();
        assert!(error.contains("0.0.0.0:8080"), "{error}");
    }
}
