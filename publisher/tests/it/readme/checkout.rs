//! A copy of the project as it is after `cargo build --release`, and a shell in it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::programs::{PATIENCE, Running, publisher, server};
use crate::support::wait_for;

/// What is said of this machine as it is everywhere, and is another one here: tests run beside each other, and as anybody.
const PRODUCTION: &str = "/srv/livedir";
const PAGE_PORT: &str = "8080";
const HOLDING_PORT: &str = "8081";
const METRICS_PORT: &str = "9101";
const INSTALLED: &str = "/usr/local/bin/";

/// The units of systemd beside the pages.
pub(super) const UNITS: [&str; 5] = [
    "docs/livedir-channels.service",
    "docs/livedir-publisher.service",
    "docs/livedir-publisher@.service",
    "docs/livedir-server.service",
    "docs/livedir-server.socket",
];

pub(super) struct Checkout {
    directory: tempfile::TempDir,
    ports: [String; 3],
}

impl Checkout {
    pub(super) fn new() -> Self {
        // 755: started by root, nginx serves as nobody.
        let directory =
            tempfile::Builder::new().permissions(Permissions::from_mode(0o755)).tempdir().unwrap();
        let checkout = Self { directory, ports: free_ports() };
        let programs = checkout.path().join("target/release");
        fs::create_dir_all(&programs).unwrap();
        for program in [publisher(), server()] {
            let program = Path::new(program.get_program()).to_owned();
            symlink(&program, programs.join(program.file_name().unwrap())).unwrap();
        }
        copy_files(&project().join("webroot"), &checkout.webroot(), |name| {
            ["index.html", "channels.html"].contains(&name)
        });
        // What npm adds to the player is large, and no command's concern.
        copy_files(&project().join("webroot/player"), &checkout.webroot().join("player"), |_| true);
        fs::create_dir(checkout.path().join("docs")).unwrap();
        for name in
            documents().into_iter().chain(UNITS.map(str::to_owned)).chain(["nginx.conf.example".into()])
        {
            let text = fs::read_to_string(project().join(&name)).unwrap();
            fs::write(checkout.path().join(&name), checkout.here(&text)).unwrap();
        }
        fs::write(checkout.path().join("channels.toml"), &toml_blocks("docs/several-cameras.md")[0]).unwrap();
        checkout
    }

    pub(super) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(super) fn webroot(&self) -> PathBuf {
        self.path().join("webroot")
    }

    /// Stands for the directory in production. It does not exist yet.
    pub(super) fn production(&self) -> PathBuf {
        self.path().join("srv/livedir")
    }

    /// Puts a stream that was recorded elsewhere into the webroot, and into that of production.
    pub(super) fn put_stream(&self, recorded: &Path) {
        for webroot in [self.webroot(), self.production().join("webroot")] {
            copy_files(recorded, &webroot, |_| true);
            copy_files(&recorded.join("live"), &webroot.join("live"), |_| true);
        }
        fs::copy(recorded.join("live/seg-00000001.ts"), self.path().join("some.ts")).unwrap();
    }

    /// Whether a command asks a server at the address of the page, or for its metrics.
    pub(super) fn needs_server(&self, command: &str) -> bool {
        let [page, _, metrics] = &self.ports;
        command.contains(&format!("://localhost:{page}/"))
            || command.contains(&format!("://127.0.0.1:{metrics}/"))
    }

    /// A server over the webroot, at the address of the page.
    #[track_caller]
    pub(super) fn serve(&self) -> Running {
        let [page, _, metrics] = &self.ports;
        let line =
            format!("exec livedir-server --listen 127.0.0.1:{page} --metrics-listen 127.0.0.1:{metrics}");
        let mut server = self.shell(&line);
        wait_for("a server", PATIENCE, || {
            assert!(server.still_runs(), "{line} has ended:\n{}", server.output());
            server.output().contains("http://").then_some(())
        });
        server
    }

    /// What the comments at the head of nginx.conf.example tell to type.
    pub(super) fn commands_of_the_configuration(&self) -> Vec<String> {
        let config = self.read("nginx.conf.example");
        let lines = config.lines().take_while(|line| line.starts_with('#'));
        let lines = lines.filter_map(|line| line.strip_prefix("#     "));
        // Behind it stands what it does.
        lines.map(|line| line.split("  ").next().unwrap().to_owned()).collect()
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    /// Where nginx listens.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[0])
    }

    /// The same text with a directory and ports of this test.
    fn here(&self, text: &str) -> String {
        let production = self.production();
        let [page, holding, metrics] = self.ports.each_ref().map(String::as_str);
        let replacements = [
            (PRODUCTION, production.to_str().unwrap()),
            (INSTALLED, ""),
            (PAGE_PORT, page),
            (HOLDING_PORT, holding),
            (METRICS_PORT, metrics),
        ];
        replaced(text, &replacements)
    }

    /// Types a line into a shell.
    pub(super) fn shell(&self, line: &str) -> Running {
        self.shell_with(line, &[])
    }

    /// The same with variables of the environment.
    pub(super) fn shell_with(&self, line: &str, variables: &[(&str, &str)]) -> Running {
        let path = std::env::var("PATH").unwrap_or_default();
        let programs = self.path().join("target/release");
        // Debian keeps nginx where the PATH of a user who is not root does not lead.
        let path = format!("{}:{path}:/usr/sbin:/usr/local/sbin", programs.display());
        Running::start(
            Command::new("bash")
                .args(["-c", line])
                .current_dir(self.path())
                .env("PATH", path)
                .envs(variables.iter().copied()),
        )
    }
}

/// In one pass: what is put in is not looked at again, and may hold what is looked for (port 38080 does).
fn replaced(mut text: &str, replacements: &[(&str, &str)]) -> String {
    let mut made = String::new();
    while let Some((at, old, new)) =
        replacements.iter().filter_map(|(old, new)| Some((text.find(old)?, old, new))).min()
    {
        made.push_str(&text[..at]);
        made.push_str(new);
        text = &text[at + old.len()..];
    }
    made + text
}

#[test]
fn a_port_that_holds_the_text_of_another_is_put_in_whole() {
    let replacements = [("8080", "38081"), ("8081", "8080")];
    assert_eq!(replaced("8080, 8081 and 8080;", &replacements), "38081, 8080 and 38081;");
}

/// README and the pages of docs/, by their paths in the project.
pub(super) fn documents() -> Vec<String> {
    let names = fs::read_dir(project().join("docs")).unwrap().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let pages = names
        .filter(|name| Path::new(name).extension().is_some_and(|it| it == "md"))
        .map(|name| format!("docs/{name}"));
    let mut documents: Vec<_> = std::iter::once("README.md".to_owned()).chain(pages).collect();
    documents.sort();
    documents
}

/// What stands behind the prompts of the console blocks.
pub(super) fn commands(markdown: &str) -> Vec<String> {
    let blocks = markdown.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ ")).map(str::to_owned).collect()
}

/// The blocks of TOML of a page.
pub(crate) fn toml_blocks(document: &str) -> Vec<String> {
    let text = fs::read_to_string(project().join(document)).unwrap();
    let blocks = text.split("```toml\n").skip(1);
    blocks.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

/// From its heading to the next one of the same rank.
pub(super) fn section_of<'a>(markdown: &'a str, heading: &str) -> &'a str {
    let start = markdown.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = &markdown[start + 1..];
    section.find("\n## ").map_or(section, |end| &section[..end])
}

pub(super) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn copy_files(from: &Path, to: &Path, is_wanted: impl Fn(&str) -> bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_file() && is_wanted(&name) {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// That nobody uses now.
pub(super) fn free_ports() -> [String; 3] {
    let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    free.map(|listener| listener.local_addr().unwrap().port().to_string())
}
