//! A private PostgreSQL server, made of Debian's packages and gone when the process is.
//!
//! One server for each test process, in a directory of its own, on a free loopback port and a
//! socket there. A shell holds it: its standard input is a pipe of ours, and when that closes
//! (we ended, however) it stops the server and removes the directory. `COURANT_TEST_POSTGRES`
//! (`postgres://user@host:port`) names a running server to use instead.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Whether the server survives a power cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// As an operator would run it.
    Durable,
    /// Nothing is waited for: several times faster, right for tests that lose no power.
    Fast,
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    dir: PathBuf,
    /// The shell that stops the server when its input closes; see the module's text.
    holder: Option<Child>,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut holder) = self.holder.take() {
            drop(holder.stdin.take());
            let _ = holder.wait();
        }
    }
}

impl Cluster {
    /// Starts a server.
    ///
    /// # Panics
    /// When PostgreSQL is not installed, naming the package, or does not start.
    pub fn start(durability: Durability) -> Self {
        let bin = programs();
        let dir = tempfile::Builder::new()
            .prefix("courant-postgres-")
            .tempdir_in("/tmp")
            .expect("a temporary directory")
            .keep();
        let as_postgres = server_user(&dir);
        let data = dir.join("data");
        let initdb = command(as_postgres, &bin.join("initdb"))
            .args([
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-N",
                "-D",
            ])
            .arg(&data)
            .current_dir(&dir)
            .output()
            .expect("initdb runs");
        assert!(
            initdb.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&initdb.stderr)
        );
        let port = free_port();
        let holder = hold(as_postgres, &bin, &dir, port, durability);
        wait_until_ready(&bin, port, &dir);
        Self {
            url: format!("postgres://postgres@127.0.0.1:{port}"),
            dir,
            holder: Some(holder),
        }
    }

    /// The server of this process, started at the first call.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match std::env::var("COURANT_TEST_POSTGRES") {
            Ok(url) if !url.is_empty() => Self {
                url: url.trim_end_matches('/').to_owned(),
                dir: PathBuf::new(),
                holder: None,
            },
            _ => Self::start(Durability::Fast),
        })
    }

    /// Stops the server (`fast` or `immediate`, which is a crash) and starts it again.
    pub fn restart(&self, mode: &str) {
        let restarted = command(is_root(), &programs().join("pg_ctl"))
            .args(["restart", "-w", "-m", mode, "-l"])
            .arg(self.dir.join("log.restarted"))
            .arg("-D")
            .arg(self.dir.join("data"))
            .current_dir(&self.dir)
            .stdout(Stdio::null())
            .status();
        assert!(
            restarted.is_ok_and(|status| status.success()),
            "pg_ctl restart -m {mode}"
        );
    }

    /// The server's address, without a database.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address of a new, empty database.
    pub async fn fresh_database(&self) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        use sqlx::{Connection, Executor};
        let name = format!(
            "t{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let mut admin = sqlx::PgConnection::connect(&format!("{}/postgres", self.url))
            .await
            .expect("the test server is there");
        let create = format!("CREATE DATABASE {name}");
        admin
            .execute(sqlx::AssertSqlSafe(create))
            .await
            .expect("a database can be made");
        admin.close().await.expect("the connection closes");
        format!("{}/{name}", self.url)
    }
}

/// Where Debian keeps the newest installed server's programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .max()
        .map(|(_, bin)| bin)
        .expect(
            "PostgreSQL is not installed: install the package `postgresql`, or name a running \
             server in COURANT_TEST_POSTGRES (postgres://user@host:port)",
        )
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    id.stdout.starts_with(b"0\n")
}

/// PostgreSQL refuses to run as root; then it runs as the user its package made, who owns `dir`.
fn server_user(dir: &Path) -> bool {
    let is_root = is_root();
    if is_root {
        let owner = Command::new("chown").arg("postgres:").arg(dir).status();
        assert!(
            owner.is_ok_and(|status| status.success()),
            "there is no user `postgres`: install the package `postgresql`"
        );
    }
    is_root
}

fn command(as_postgres: bool, program: &Path) -> Command {
    if !as_postgres {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--clear-groups",
            "--",
        ])
        .arg(program);
    command
}

fn free_port() -> u16 {
    let probe = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    probe.local_addr().expect("it is bound").port()
}

/// Starts the server under a shell that outlives us just long enough to stop it.
fn hold(as_postgres: bool, bin: &Path, dir: &Path, port: u16, durability: Durability) -> Child {
    const SCRIPT: &str = r#"dir=$1; shift
        "$@" </dev/null >"$dir/log" 2>&1 &
        cat >/dev/null
        # The one that was started last, should a story have restarted it.
        read -r server <"$dir/data/postmaster.pid"
        kill -QUIT $server
        while kill -0 $server 2>/dev/null; do sleep 0.05; done
        rm -rf "$dir""#;
    let inner = command(as_postgres, &bin.join("postgres"));
    let mut shell = Command::new("sh");
    shell.args(["-c", SCRIPT, "hold-postgres"]).arg(dir);
    shell.arg(inner.get_program()).args(inner.get_args());
    shell.arg("-D").arg(dir.join("data"));
    let mut set = |setting: String| {
        shell.args(["-c", &setting]);
    };
    set(format!("port={port}"));
    set(format!("unix_socket_directories={}", dir.display()));
    set("listen_addresses=127.0.0.1".into());
    set("max_connections=300".into());
    if durability == Durability::Fast {
        for setting in [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ] {
            set(setting.into());
        }
    }
    // Its own group, so that Ctrl-C ends the tests and the tests' end ends the server.
    shell
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("sh runs")
}

fn wait_until_ready(bin: &Path, port: u16, dir: &Path) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let port = port.to_string();
    while Instant::now() < deadline {
        let ready = Command::new(bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &port])
            .status();
        if ready.is_ok_and(|status| status.success()) {
            return;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    let log = std::fs::read_to_string(dir.join("log")).unwrap_or_default();
    let _ = std::io::stderr().write_all(log.as_bytes());
    panic!("PostgreSQL did not start within 30 s; its log is above");
}
