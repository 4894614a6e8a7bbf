//! The units of systemd in docs/: systemd understands them, and what they start does start.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::checkout::{Checkout, UNITS, commands};
use crate::support::programs::PATIENCE;
use crate::support::wait_for;

/// The camera's name in the unit for several of them.
const INSTANCE: &str = "north";

/// The commands of a unit, which have a webroot of this test. A camera is not everywhere.
fn starts(checkout: &Checkout, unit: &str) -> Option<String> {
    let text = checkout.read(unit);
    let line = text.lines().find_map(|line| line.strip_prefix("ExecStart="))?;
    let config = checkout.path().join("north.toml");
    fs::write(&config, "source = \"test\"\nsize = \"160x120\"\n").unwrap();
    let line = line
        .replace("live camera ", "live test ")
        .replace("/etc/livedir/%i.toml", config.to_str().unwrap())
        .replace("/etc/livedir/channels.toml", "channels.toml");
    Some(line.replace("%i", INSTANCE))
}

#[test]
fn each_unit_starts_a_program_that_runs_and_ends_at_sigterm() {
    let checkout = Checkout::new();
    fs::create_dir_all(checkout.production().join("webroot").join(INSTANCE)).unwrap();
    let mut started = 0;
    for line in UNITS.into_iter().filter_map(|unit| starts(&checkout, unit)) {
        let says = if line.contains("livedir-server") { "http://" } else { "segment published" };
        // The socket unit has the port of the server.
        let mut program = checkout.shell_with(&format!("exec {line}"), &[("LIVEDIR_LISTEN", "127.0.0.1:0")]);
        wait_for(&format!("{says} from {line}"), PATIENCE, || {
            assert!(program.still_runs(), "{line} has ended:\n{}", program.output());
            program.output().contains(says).then_some(())
        });
        program.signal(rustix::process::Signal::TERM);
        assert!(program.wait().success(), "{line}");
        started += 1;
    }
    assert_eq!(started, 4, "three units of the publisher and one of the server");
}

/// Where there is no systemd, `systemd-analyze` is missing too: then the units are not read.
#[test]
fn systemd_understands_each_unit() {
    let checkout = Checkout::new();
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        println!("systemd-analyze is not here: the units were not read");
        return;
    }
    let programs = checkout.path().join("target/release");
    for unit in UNITS {
        // It looks whether the program is there.
        let text = checkout.read(unit).replace("ExecStart=", &format!("ExecStart={}/", programs.display()));
        fs::write(checkout.path().join(unit), text).unwrap();
    }
    for unit in UNITS {
        let named = unit.replace('@', &format!("@{INSTANCE}"));
        if named != unit {
            fs::copy(checkout.path().join(unit), checkout.path().join(&named)).unwrap();
        }
        let verified = Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .arg(Path::new(&named))
            .current_dir(checkout.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && said.is_empty(), "{unit}: {said}");
    }
}

/// What of nginx.conf.example is relative to `-p`, which the nginx that starts at boot does not get.
const PATHS_OF_NGINX: [&str; 9] = [
    "pid",
    "error_log",
    "access_log",
    "client_body_temp_path",
    "proxy_temp_path",
    "fastcgi_temp_path",
    "uwsgi_temp_path",
    "scgi_temp_path",
    "root",
];

#[test]
fn the_configuration_of_the_nginx_that_starts_at_boot_has_absolute_paths() {
    let checkout = Checkout::new();
    let page = checkout.read("docs/start-at-boot.md");
    let line = commands(&page).into_iter().find(|line| line.starts_with("sed ")).expect("a line with sed");
    let mut typed = checkout.shell(&line);
    assert!(typed.wait().success(), "{}", typed.output());
    let config = checkout.read("nginx.conf.installed");
    let mut seen = 0;
    for line in config.lines() {
        let mut words = line.split_whitespace();
        if words.next().is_some_and(|name| PATHS_OF_NGINX.contains(&name)) {
            assert!(words.next().is_some_and(|path| path.starts_with('/')), "{line}");
            seen += 1;
        }
    }
    assert_eq!(seen, PATHS_OF_NGINX.len(), "{config}");
    let root = format!("root {};", checkout.production().join("webroot").display());
    assert!(config.contains(&root), "no {root} in {config}");
}
