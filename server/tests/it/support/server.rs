//! The real binary as a child process, stopped at the end of the test.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};

use super::wait_until;

pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub address: SocketAddr,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    pub fn start(webroot: &Path, arguments: &[&str]) -> Server {
        Server::spawn(Server::command(webroot, arguments))
    }

    /// Runs what `command` says until it tells where it listens.
    pub fn spawn(mut command: Command) -> Server {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, stdout, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        server.address = server.next_address();
        server
    }

    /// The address in the next line that the server prints.
    pub fn next_address(&mut self) -> SocketAddr {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        let rest = line.split_once("://localhost:").map(|(_, rest)| rest);
        let port = rest.and_then(|rest| rest.split_once('/')).map(|(port, _)| port);
        let port = port.unwrap_or_else(|| panic!("not an address: {line:?}")).parse().unwrap();
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// Runs a server that is expected not to start.
    pub fn refuse(webroot: &Path, arguments: &[&str]) -> Output {
        Server::command(webroot, arguments).output().unwrap()
    }

    pub fn command(webroot: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_livedir-server"));
        command.arg("--webroot").arg(webroot).args(arguments);
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        if !arguments.contains(&"--access-log") {
            command.args(["--access-log", "off"]);
        }
        command.env("RUST_LOG", "warn").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that the server has needed so far, in KiB; `None` where the system does not tell.
    pub fn peak_kib(&self) -> Option<u64> {
        self.memory_kib("VmHWM:")
    }

    /// The memory that the server has now, without its program, in KiB; `None` where the system does not tell.
    pub fn resident_kib(&self) -> Option<u64> {
        self.memory_kib("RssAnon:")
    }

    fn memory_kib(&self, field: &str) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    /// The files of a file system that it has open now, without its libraries; `None` where the system does not tell.
    pub fn open_files(&self) -> Option<usize> {
        let open = fs::read_dir(format!("/proc/{}/fd", self.pid())).ok()?;
        let names = open.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        // Sockets, pipes and the like are no paths.
        Some(names.filter(|name| name.is_absolute() && !name.starts_with("/dev")).count())
    }

    /// Processor time so far, in ticks of the clock: 10 ms.
    pub fn cpu_ticks(&self) -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid())).ok()?;
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(11);
        Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
    }

    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for the end: exit status, the rest of stdout, stderr.
    #[track_caller]
    pub fn wait(mut self) -> (ExitStatus, String, String) {
        wait_until("the server ends", || self.child.try_wait().unwrap().is_some());
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap(), stdout, stderr)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal by name: `TERM`, `INT`.
pub fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap().success());
}
