//! The real nginx with the committed `nginx.conf.example`.

use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::programs::{PATIENCE, Running};
use super::wait_for;

/// Between the choice of a free port and nginx's bind another program may take it.
const ATTEMPTS: usize = 5;

/// A port on which nobody listens.
const NOBODY: u16 = 1;

/// nginx over a webroot.
pub struct Nginx {
    program: Running,
    prefix: tempfile::TempDir,
    /// Such as `http://127.0.0.1:8080`.
    pub address: String,
}

impl Nginx {
    /// Starts it without a server that holds requests; returns when it listens.
    #[track_caller]
    pub fn start(webroot: &Path) -> Self {
        Self::start_before(webroot, SocketAddr::from(([127, 0, 0, 1], NOBODY)))
    }

    /// Starts it before a server that holds requests; returns when it listens. It serves as nobody, so that the way to
    /// the webroot is opened for all.
    #[track_caller]
    pub fn start_before(webroot: &Path, holding: SocketAddr) -> Self {
        fs::set_permissions(webroot, Permissions::from_mode(0o755)).unwrap();
        for _ in 0..ATTEMPTS {
            let mut nginx = Self::spawn(webroot, holding);
            let listens = wait_for("nginx to listen", PATIENCE, || {
                let is_there = TcpStream::connect(nginx.address.trim_start_matches("http://")).is_ok();
                (is_there || !nginx.program.still_runs()).then_some(is_there)
            });
            if listens {
                return nginx;
            }
            let log = fs::read_to_string(nginx.prefix.path().join(".nginx-error.log")).unwrap_or_default();
            assert!(
                log.contains("Address already in use"),
                "nginx does not run: {log}{}",
                nginx.program.output()
            );
        }
        panic!("no free port in {ATTEMPTS} attempts");
    }

    fn spawn(webroot: &Path, holding: SocketAddr) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
        let prefix = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nginx.conf.example");
        let mut text = fs::read_to_string(example).unwrap();
        let here = [
            ("listen 8080;", format!("listen {address};")),
            ("root   webroot;", format!("root {};", webroot.display())),
            ("server 127.0.0.1:8081 ", format!("server {holding} ")),
            // One process, which ends with the test.
            ("worker_processes auto;", "daemon off; master_process off;".to_owned()),
        ];
        for (old, new) in here {
            assert_eq!(text.matches(old).count(), 1, "nginx.conf.example has no single {old:?}");
            text = text.replace(old, &new);
        }
        let config = prefix.path().join("nginx.conf");
        fs::write(&config, text).unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("nginx");
        // Debian keeps it where the PATH of a user who is not root does not lead.
        command.env("PATH", format!("{path}:/usr/sbin:/usr/local/sbin"));
        let program = Running::start(command.arg("-p").arg(prefix.path()).arg("-c").arg(&config));
        Self { program, prefix, address: format!("http://{address}") }
    }
}
