//! The unit files: systemd finds nothing wrong with them, and the service gives up every
//! right it does not need.

use std::path::Path;
use std::process::{Command, Output};

fn systemd_analyze(arguments: &[&str]) -> Output {
    let run = Command::new("systemd-analyze").args(arguments).output();
    run.unwrap_or_else(|error| {
        panic!(
            "systemd-analyze did not run ({error}); `./test` or `apt-get install systemd` brings it"
        )
    })
}

fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn unit(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("systemd")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn the_service_is_exposed_to_no_more_than_1_5() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/courant.service");
    let output = systemd_analyze(&[
        "security",
        "--offline=true",
        "--threshold=15",
        "--no-pager",
        &path.to_string_lossy(),
    ]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("Overall exposure level for courant.service"));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let folder = tempfile::tempdir().unwrap();
    // Where the tests run, the program is not in /usr/bin yet.
    let service =
        unit("courant.service").replace("/usr/bin/courant", env!("CARGO_BIN_EXE_courant"));
    assert!(service.contains(concat!("ExecStart=", env!("CARGO_BIN_EXE_courant"), " run")));
    std::fs::write(folder.path().join("courant.service"), service).unwrap();
    std::fs::write(folder.path().join("courant.socket"), unit("courant.socket")).unwrap();
    for name in ["courant.service", "courant.socket"] {
        let path = folder.path().join(name);
        let output = systemd_analyze(&["verify", "--man=no", &path.to_string_lossy()]);
        assert!(output.status.success(), "{name}: {}", said(&output));
        // Unknown keys are warnings to systemd; to us they are mistakes.
        assert_eq!(said(&output).trim(), "", "{name}");
    }
}

#[test]
fn the_service_tells_systemd_when_it_is_ready_and_alive() {
    let service = unit("courant.service");
    for line in [
        "Type=notify",
        "WatchdogSec=30s",
        "ExecStartPre=/usr/bin/courant check",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
    ] {
        assert!(service.lines().any(|l| l == line), "{line} is missing");
    }
}

#[test]
fn the_service_sees_when_the_machine_was_started() {
    // Without the boot id nothing in a journal is trusted: src/store/journal.rs reads it.
    let service = unit("courant.service");
    let hides = |line: &str| {
        let (key, value) = line.split_once('=').unwrap_or_default();
        (key == "ProcSubset" && value != "all")
            || (key == "InaccessiblePaths" && value.contains("/proc"))
    };
    assert_eq!(service.lines().find(|line| hides(line)), None);
}
