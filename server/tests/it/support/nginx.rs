//! The real nginx with the committed `nginx.conf.example`, as a child process in a prefix of its own.

use std::env;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{server::signal, wait_until};

/// Between the choice of a free port and nginx's bind another program may take it.
const ATTEMPTS: usize = 5;

pub struct Nginx {
    child: Child,
    prefix: TempDir,
    pub address: SocketAddr,
}

impl Nginx {
    /// Serves `webroot`; `also` are further replacements in the configuration, each of which must find its text.
    pub fn start(webroot: &Path, also: &[(&str, &str)]) -> Nginx {
        for _ in 0..ATTEMPTS {
            let mut nginx = Nginx::spawn(webroot, also);
            let mut ended = None;
            wait_until("nginx listens", || {
                ended = nginx.child.try_wait().unwrap();
                ended.is_some() || TcpStream::connect(nginx.address).is_ok()
            });
            let log = fs::read_to_string(nginx.prefix.path().join(".nginx-error.log")).unwrap_or_default();
            match ended {
                None => return nginx,
                Some(_) if log.contains("Address already in use") => {}
                Some(status) => panic!("nginx does not run with nginx.conf.example: {status}\n{log}"),
            }
        }
        panic!("no free port in {ATTEMPTS} attempts");
    }

    fn spawn(webroot: &Path, also: &[(&str, &str)]) -> Nginx {
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).unwrap();
        // 755: started by root, nginx serves as nobody.
        let prefix = tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let mut text = fs::read_to_string(example()).unwrap();
        let listen = format!("listen {address};");
        let root = format!("root {};", webroot.display());
        let here = [("listen 8080;", listen.as_str()), ("root   webroot;", root.as_str())];
        for (old, new) in here.iter().chain(also) {
            assert_eq!(text.matches(old).count(), 1, "nginx.conf.example has no single {old:?}");
            text = text.replace(old, new);
        }
        let config = prefix.path().join("nginx.conf");
        fs::write(&config, text).unwrap();
        let mut command = Command::new(program());
        command.arg("-p").arg(prefix.path()).arg("-c").arg(&config).args(["-g", "daemon off;"]);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Nginx { child, prefix, address }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // TERM, not KILL: the master has to end its workers.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            signal(self.child.id(), "TERM");
            let _ = self.child.wait();
        }
    }
}

/// The system's nginx; Debian keeps it where the PATH of a user who is not root does not lead.
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let directories = env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    directories
        .map(|directory| directory.join("nginx"))
        .find(|program| program.is_file())
        .expect("nginx is not installed; `just setup-tests` installs it")
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nginx.conf.example")
}
