//! What was meant: the typed words in, checked values with units out. Looks at the webroot directory, changes nothing.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::available_parallelism;

use axum::http::HeaderValue;
use ipnet::IpNet;

use crate::cli::args::Args;
use crate::http::security::PAGE_POLICY;
use crate::listen::{Listen, ListenAt, Place, Scheme};

/// RFC 9111 has no upper limit, but HTTP/1.1 caches by convention cap a lifetime at one year.
const LONGEST_MAX_AGE_S: u32 = 365 * 24 * 60 * 60;

/// Beyond what any machine has, and far from where sums of sizes overflow.
const LARGEST_SIZE_BYTES: u64 = 1 << 40;

/// Everything the server needs to know, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// An existing directory; every answer is a file in it.
    pub webroot: PathBuf,
    /// What was asked for; empty leaves it to systemd, and without that to [`Settings::usual_listen`].
    pub listen: Vec<Listen>,
    /// What HTTPS is served with.
    pub tls: Option<TlsFiles>,
    /// 0: caches ask again each time, which a 304 answers.
    pub segment_max_age_s: u32,
    /// Memory for the playlists and segments that everyone asks for; 0: every answer comes from the disk.
    pub cache_size_bytes: u64,
    /// Do not wait to be told of changes, only look.
    pub poll: bool,
    /// Where the access log goes.
    pub access_log: AccessLog,
    /// What a line of it looks like.
    pub access_log_format: LogFormat,
    /// Proxies that are believed when they name the viewer.
    pub forwarded_from: Vec<IpNet>,
    /// Where `/metrics` and `/healthz` are.
    pub metrics_listen: Option<SocketAddr>,
    /// In all.
    pub connections: usize,
    /// From one IPv4 address or IPv6 /64.
    pub connections_per_address: usize,
    /// How long a connection may stay open without a request.
    pub idle_timeout_s: u32,
    /// How long a client may take for a request, and for a piece of an answer.
    pub client_timeout_s: u32,
    /// At least one.
    pub threads: usize,
    /// The Content-Security-Policy of HTML pages; `None` for none.
    pub page_policy: Option<HeaderValue>,
}

/// Where certificate and key are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// What a line of the access log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// As Apache and nginx write it.
    Combined,
    /// One object a line, with the time that the answer took.
    Json,
}

/// What `--page-policy` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PagePolicy {
    /// The page says itself what it may load, or nobody does.
    Off,
    /// This.
    Policy(HeaderValue),
}

/// Where the access log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output, between the start-up lines and the end.
    Stdout,
    /// Appended to this file, which is created when missing.
    File(PathBuf),
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

    /// Where to listen when nobody says where.
    #[must_use]
    pub fn usual_listen(&self) -> Listen {
        Listen { scheme: self.usual_scheme(), place: Place::Address((Ipv4Addr::UNSPECIFIED, 8080).into()) }
    }

    /// What a port speaks for which nothing else is said.
    #[must_use]
    pub fn usual_scheme(&self) -> Scheme {
        if self.tls.is_some() { Scheme::Https } else { Scheme::Http }
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

/// `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`
pub(crate) fn parse_network(typed: &str) -> Result<IpNet, String> {
    let network = typed.parse().or_else(|_| typed.parse::<IpAddr>().map(IpNet::from));
    network.map_err(|_| {
        "not an address or a network; write it like 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32".to_owned()
    })
}

/// `30s`, `10m`: in seconds, at least one.
pub(crate) fn parse_timeout_s(typed: &str) -> Result<u32, String> {
    match parse_max_age_s(typed)? {
        0 => Err("nothing is done in no time; write at least 1s".to_owned()),
        timeout_s => Ok(timeout_s),
    }
}

/// A policy, or `off`.
impl std::str::FromStr for PagePolicy {
    type Err = String;

    fn from_str(typed: &str) -> Result<PagePolicy, String> {
        match typed {
            "off" => Ok(PagePolicy::Off),
            _ => HeaderValue::from_str(typed)
                .map(PagePolicy::Policy)
                .map_err(|_| "not a header value; write it in one line of ASCII".to_owned()),
        }
    }
}

/// `0`, `30s`, `10m`, `6h`, `1d`: in seconds.
pub(crate) fn parse_max_age_s(typed: &str) -> Result<u32, String> {
    if typed == "0" {
        return Ok(0);
    }
    let unit_s = match typed.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        _ => return Err("not a duration; write it like 30s, 10m, 6h or 1d".to_owned()),
    };
    let count: u32 = typed[..typed.len() - 1]
        .parse()
        .map_err(|_| "not a whole number before the unit; write it like 30s, 10m, 6h or 1d".to_owned())?;
    match count.checked_mul(unit_s) {
        Some(max_age_s) if max_age_s <= LONGEST_MAX_AGE_S => Ok(max_age_s),
        _ => Err("longer than a year; write at most 365d".to_owned()),
    }
}

/// `0`, `500K`, `256M`, `2G`: in bytes.
pub(crate) fn parse_size_bytes(typed: &str) -> Result<u64, String> {
    if typed == "0" {
        return Ok(0);
    }
    let shift = match typed.bytes().last() {
        Some(b'K') => 10,
        Some(b'M') => 20,
        Some(b'G') => 30,
        _ => return Err("not a size; write it like 256M, 2G or 0".to_owned()),
    };
    let count: u64 = typed[..typed.len() - 1]
        .parse()
        .map_err(|_| "not a whole number before the unit; write it like 256M, 2G or 0".to_owned())?;
    match count.checked_mul(1 << shift) {
        Some(size_bytes) if size_bytes <= LARGEST_SIZE_BYTES => Ok(size_bytes),
        _ => Err("larger than any memory; write at most 1024G".to_owned()),
    }
}

/// A file name, `-` or `off`.
impl From<OsString> for AccessLog {
    fn from(typed: OsString) -> AccessLog {
        match typed.to_str() {
            Some("off") => AccessLog::Off,
            Some("-") => AccessLog::Stdout,
            _ => AccessLog::File(typed.into()),
        }
    }
}

impl fmt::Display for AccessLog {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccessLog::Off => out.write_str("off"),
            AccessLog::Stdout => out.write_str("-"),
            AccessLog::File(path) => path.display().fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[track_caller]
    fn check_max_age(typed: &str, expected: Result<u32, &str>) {
        match (parse_max_age_s(typed), expected) {
            (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
            (Err(actual), Err(part)) => assert!(actual.contains(part), "{typed}: {actual}"),
            (actual, expected) => panic!("{typed}: {actual:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_max_age_is_a_count_and_a_unit() {
        check_max_age("0", Ok(0));
        check_max_age("30s", Ok(30));
        check_max_age("10m", Ok(600));
        check_max_age("6h", Ok(21_600));
        check_max_age("365d", Ok(31_536_000));
        check_max_age("366d", Err("at most 365d"));
        check_max_age("4294967295d", Err("at most 365d"));
        check_max_age("30", Err("like 30s"));
        check_max_age("", Err("like 30s"));
        check_max_age("s", Err("whole number"));
        check_max_age("1.5s", Err("whole number"));
        check_max_age("-1s", Err("whole number"));
        check_max_age("10µ", Err("like 30s"));
    }

    #[test]
    fn a_size_is_a_count_and_a_unit() {
        for (typed, expected) in [
            ("0", Ok(0)),
            ("500K", Ok(512_000)),
            ("256M", Ok(268_435_456)),
            ("2G", Ok(2_147_483_648)),
            ("1024G", Ok(LARGEST_SIZE_BYTES)),
            ("1025G", Err("at most 1024G")),
            ("18446744073709551615G", Err("at most 1024G")),
            ("256", Err("like 256M")),
            ("256m", Err("like 256M")),
            ("", Err("like 256M")),
            ("M", Err("whole number")),
            ("-1M", Err("whole number")),
            ("1µ", Err("like 256M")),
        ] {
            match (parse_size_bytes(typed), expected) {
                (Ok(actual), Ok(expected)) => assert_eq!(actual, expected, "{typed}"),
                (Err(actual), Err(part)) => assert!(actual.contains(part), "{typed}: {actual}"),
                (actual, expected) => panic!("{typed}: {actual:?} instead of {expected:?}"),
            }
        }
    }

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

    #[test]
    fn a_proxy_is_an_address_or_a_network() {
        assert_eq!(parse_network("10.0.0.7").unwrap().to_string(), "10.0.0.7/32");
        assert_eq!(parse_network("2001:db8::/32").unwrap().to_string(), "2001:db8::/32");
        assert!(parse_network("proxy.test").unwrap_err().contains("10.0.0.0/8"));
        assert!(parse_timeout_s("0").unwrap_err().contains("1s"));
    }
}
