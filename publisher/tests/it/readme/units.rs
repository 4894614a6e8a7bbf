//! The units of systemd in docs/: systemd understands them, and what they start does start.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::checkout::{Checkout, UNITS};
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
    let line =
        line.replace("live camera ", "live test ").replace("/etc/livedir/%i.toml", config.to_str().unwrap());
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
    assert_eq!(started, 3, "two units of the publisher and one of the server");
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
