//! The two servers as child processes, and what they use of the machine.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Of the kernel's figures in /proc, on every system that livedir runs on.
const TICKS_PER_S: u64 = 100;

const DEADLINE: Duration = Duration::from_secs(10);

/// A running server; it ends when this is dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    /// The process and those that it has started.
    fn pids(&self) -> Vec<u32> {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        std::iter::once(pid).chain(children).collect()
    }

    /// User and system time of all threads until now.
    pub fn cpu(&self) -> Duration {
        let ticks = |pid: u32| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("a running process");
            // The name of the program, in parentheses, may have spaces.
            let (_, after_name) = stat.rsplit_once(')').expect("a name");
            let field = |number: usize| after_name.split_whitespace().nth(number - 3)?.parse::<u64>().ok();
            field(14).zip(field(15)).map(|(user, system)| user + system).expect("times of the process")
        };
        let ticks: u64 = self.pids().into_iter().map(ticks).sum();
        Duration::from_millis(ticks * 1000 / TICKS_PER_S)
    }

    /// One request, answered.
    pub fn ask_for(&self, path: &str) {
        let mut connection = TcpStream::connect(self.address).expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).expect("a request sent");
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).expect("an answer");
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
    }

    /// Proportional set size: pages that processes share count once.
    pub fn memory_mb(&self) -> f64 {
        let kilobytes = |pid: u32| -> f64 {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("a running process");
            let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).expect("a set size");
            pss.trim().trim_end_matches(" kB").parse().expect("a number")
        };
        self.pids().into_iter().map(kilobytes).sum::<f64>() / 1024.0
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // TERM, not KILL: nginx's master has to end its workers.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// 755: started by root, nginx serves as nobody. In memory where there is such a place: no disk is measured here.
pub fn directory() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("livedir-bench-").permissions(Permissions::from_mode(0o755));
    builder.tempdir_in("/dev/shm").or_else(|_| builder.tempdir()).expect("a temporary directory")
}

pub fn about() -> String {
    let output = Command::new(nginx_program()).arg("-v").output().expect("nginx");
    let nginx = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("livedir-server {}, {nginx}; {cores} cores, load before {load}", env!("CARGO_PKG_VERSION"))
}

pub fn livedir(directory: &Path, is_tls: bool) -> Program {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-server"));
    command.arg("--webroot").arg(directory.join("webroot"));
    command.args(["--listen", "127.0.0.1:0", "--access-log", "off"]);
    // All clients of the benchmark come from one address.
    command.args(["--connections", "20000", "--connections-per-address", "20000"]);
    if is_tls {
        let (certificate, key) = certificate(directory);
        command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
    }
    command.env("RUST_LOG", "error").stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("livedir-server");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("stdout")).read_line(&mut line).expect("an address");
    let port = line.trim_end().trim_end_matches('/').rsplit(':').next().and_then(|port| port.parse().ok());
    let port: u16 = port.unwrap_or_else(|| panic!("not an address: {line:?}"));
    Program { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
}

/// nginx.conf.example, with what makes nginx fast: a worker for each of two cores with a queue of its own, open files
/// kept for a second, and no access log.
pub fn nginx(directory: &Path, is_tls: bool) -> Program {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../nginx.conf.example");
    let mut text = fs::read_to_string(example).expect("nginx.conf.example");
    let address = free_address();
    let replacements = [
        ("listen 8080;", listen(directory, address, is_tls)),
        ("root   webroot;", format!("root {};", directory.join("webroot").display())),
        ("worker_processes auto;", "worker_processes 2; worker_rlimit_nofile 40000;".to_owned()),
        ("worker_connections 4096;", "worker_connections 20000;".to_owned()),
        ("access_log .nginx-access.log combined;", "access_log off;".to_owned()),
        (
            "sendfile      on;",
            "sendfile on; open_file_cache max=1000; open_file_cache_valid 1s; keepalive_requests 1000000000;"
                .to_owned(),
        ),
    ];
    for (old, new) in &replacements {
        assert_eq!(text.matches(old).count(), 1, "nginx.conf.example has no single {old:?}");
        text = text.replace(old, new);
    }
    start_nginx(&directory.join("nginx"), &text, address)
}

/// The same directory with what makes nginx fast and nothing that makes a stream safe: no headers of ours, no conditions.
pub fn plain_nginx(directory: &Path, is_tls: bool) -> Program {
    let address = free_address();
    let listen = listen(directory, address, is_tls);
    let webroot = directory.join("webroot");
    let webroot = webroot.display();
    let text = format!(
        "worker_processes 2; worker_rlimit_nofile 40000; pid .nginx.pid; error_log .nginx-error.log warn;
        events {{ worker_connections 20000; }}
        http {{
            client_body_temp_path .nginx-temp; proxy_temp_path .nginx-temp; fastcgi_temp_path .nginx-temp;
            uwsgi_temp_path .nginx-temp; scgi_temp_path .nginx-temp;
            types {{ application/vnd.apple.mpegurl m3u8; video/mp2t ts; }}
            access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
            open_file_cache max=1000; open_file_cache_valid 1s;
            server {{ {listen} ssl_protocols TLSv1.3; root {webroot}; }}
        }}"
    );
    start_nginx(&directory.join("plain-nginx"), &text, address)
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port")
}

/// The directives that have nginx listen there.
fn listen(directory: &Path, address: SocketAddr, is_tls: bool) -> String {
    if !is_tls {
        return format!("listen {address} reuseport;");
    }
    let (certificate, key) = certificate(directory);
    let (certificate, key) = (certificate.display(), key.display());
    format!("listen {address} reuseport ssl http2; ssl_certificate {certificate}; ssl_certificate_key {key};")
}

/// Returns when it listens.
fn start_nginx(prefix: &Path, configuration: &str, address: SocketAddr) -> Program {
    fs::create_dir_all(prefix).expect("a directory for nginx");
    let config = prefix.join("nginx.conf");
    fs::write(&config, configuration).expect("the configuration");
    let mut command = Command::new(nginx_program());
    command.arg("-p").arg(prefix).arg("-c").arg(&config).args(["-g", "daemon off;"]);
    let child = command.stdin(Stdio::null()).spawn().expect("nginx");
    let program = Program { child, address };
    let start = Instant::now();
    while TcpStream::connect(address).is_err() {
        assert!(start.elapsed() < DEADLINE, "nginx does not listen; see {}", prefix.display());
        thread::sleep(Duration::from_millis(20));
    }
    program
}

/// Debian keeps nginx where the PATH of a user who is not root does not lead.
fn nginx_program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let mut programs = directories.map(|directory| directory.join("nginx"));
    programs
        .find(|program| program.is_file())
        .expect("nginx is not installed; `just bench-server` installs it")
}

fn certificate(directory: &Path) -> (PathBuf, PathBuf) {
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| directory.join(name));
    if !key.exists() {
        let mut command = Command::new("openssl");
        command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        command
            .args(["-subj", "/CN=localhost", "-days", "2", "-keyout"])
            .arg(&key)
            .arg("-out")
            .arg(&certificate);
        assert!(command.stderr(Stdio::null()).status().expect("openssl").success(), "no certificate made");
    }
    (certificate, key)
}
