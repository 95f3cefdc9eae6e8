//! Sockets handed over by systemd reach the right listeners.

use std::process::Command;

use courant::config::Listen;
use courant::web::{Bound, Side};

/// Runs itself under `systemd-socket-activate`, which ships with systemd.
#[tokio::test]
async fn both_listeners_take_the_sockets_named_for_them() {
    let here = "both_listeners_take_the_sockets_named_for_them";
    if std::env::var("LISTEN_FDS").is_ok() {
        let public = Bound::bind(&Listen::Systemd, Side::Public).await;
        let admin = Bound::bind(&Listen::Systemd, Side::Admin).await;
        let public = public.expect("the public socket").place();
        println!(
            "public {public} admin {}",
            admin.expect("the admin socket").place()
        );
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let paths = ["a.sock", "p.sock"].map(|name| dir.path().join(name));
    let program = std::env::current_exe().expect("this test");
    let mut systemd = Command::new("systemd-socket-activate");
    for path in &paths {
        systemd.arg("-l").arg(path);
    }
    let mut systemd = systemd
        .args(["--fdname=admin:public"])
        .arg(program)
        .args(["--exact", here, "--nocapture"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("systemd-socket-activate is installed (package systemd)");
    // The first connection starts the program.
    while std::os::unix::net::UnixStream::connect(&paths[0]).is_err() {
        let ended = systemd.try_wait().expect("its state");
        assert!(
            ended.is_none(),
            "systemd-socket-activate ended early: {ended:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let output = systemd.wait_with_output().expect("its output");
    let text = String::from_utf8_lossy(&output.stdout);
    let [admin, public] = paths.map(|path| path.display().to_string());
    let line = format!("public unix:{public} admin unix:{admin}");
    assert!(text.contains(&line), "{line} is not in\n{text}");
}
