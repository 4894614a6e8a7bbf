//! As much as a server can do: wrk for HTTP/1.1, h2load for HTTP/2 over TLS, for a few seconds.

use std::process::Command;

use super::programs::Program;

const SECONDS: u32 = 4;
const THREADS: u32 = 2;

/// Requests of one connection that are under way at once, as a browser has for a player and its page.
const STREAMS: u32 = 10;

/// One file, asked for again and again.
pub struct Load {
    pub path: &'static str,
    pub connections: u32,
    pub is_h2: bool,
}

pub struct Measured {
    /// Of the server, for each request.
    pub cpu_us: f64,
    pub requests_per_s: f64,
}

impl Load {
    pub fn run(&self, server: &Program) -> Measured {
        let before = server.cpu();
        let (requests, requests_per_s) = if self.is_h2 { self.h2load(server) } else { self.wrk(server) };
        let cpu = server.cpu().saturating_sub(before);
        Measured { cpu_us: cpu.as_secs_f64() * 1e6 / requests, requests_per_s }
    }

    fn wrk(&self, server: &Program) -> (f64, f64) {
        let mut command = Command::new("wrk");
        command
            .arg(format!("-t{THREADS}"))
            .arg(format!("-c{}", self.connections))
            .arg(format!("-d{SECONDS}s"));
        command.args(["--timeout", "10s"]).arg(format!("http://{}{}", server.address, self.path));
        let text = run(command, "wrk");
        // "  123456 requests in 4.00s, 99.99MB read" and "Requests/sec:  30864.00"
        assert!(!text.contains("Non-2xx") && !text.contains("Socket errors"), "{text}");
        let word_before = |end: &str| text.split(end).next().and_then(|text| text.split_whitespace().last());
        let per_s = text.split("Requests/sec:").nth(1).and_then(|text| text.split_whitespace().next());
        (number(word_before(" requests in")), number(per_s))
    }

    fn h2load(&self, server: &Program) -> (f64, f64) {
        let mut command = Command::new("h2load");
        command.arg(format!("-t{THREADS}")).arg(format!("-c{}", self.connections));
        command.arg(format!("-m{STREAMS}")).arg(format!("-D{SECONDS}"));
        command.arg(format!("https://{}{}", server.address, self.path));
        let text = run(command, "h2load");
        // "finished in 4.00s, 30864.00 req/s, ..." and "requests: 123456 total, ... 123456 succeeded, 0 failed, ..."
        assert!(text.contains(" 0 failed, 0 errored"), "{text}");
        let per_s = text.split(" req/s").next().and_then(|text| text.split_whitespace().last());
        let succeeded = text.split(" succeeded").next().and_then(|text| text.split_whitespace().last());
        (number(succeeded), number(per_s))
    }
}

fn run(mut command: Command, name: &str) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; `just bench-server` installs it"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn number(word: Option<&str>) -> f64 {
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number: {word:?}"))
}
