//! Postfix's own test programs, of Debian's package `postfix`.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where a program of the package is.
pub fn program(name: &str) -> String {
    ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        .into_iter()
        .map(|dir| format!("{dir}/{name}"))
        .find(|path| Path::new(path).exists())
        .unwrap_or_else(|| panic!("{name} is missing; install the package `postfix`"))
}

/// A running `smtp-sink`, killed when dropped.
pub struct SmtpSink {
    child: Child,
    pub port: u16,
}

impl SmtpSink {
    /// One that works in `dir`, with these options.
    pub fn start(dir: &Path, options: &[&str]) -> Self {
        let port = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap().port()
        };
        // As root it insists on being told whom to run as.
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        let as_root: &[&str] = if user == b"root\n" {
            &["-u", "root"]
        } else {
            &[]
        };
        let child = Command::new(program("smtp-sink"))
            .args(as_root)
            .args(options)
            .arg(format!("127.0.0.1:{port}"))
            .arg("1000")
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sink = Self { child, port };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return sink;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("smtp-sink does not listen");
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
