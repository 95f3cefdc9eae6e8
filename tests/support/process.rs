//! The real program as its operator has it: commands with what they said, daemons with their
//! log, their signals and their pages.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;
use sqlx::{Connection, Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than anything here takes on a busy machine.
pub const SOON: Duration = Duration::from_secs(60);

/// Looks again and again until there is an answer; panics with `what` after `most`.
pub async fn until<T>(what: &str, most: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + most;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {most:?} in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What a command said and how it ended.
#[derive(Debug, Clone)]
pub struct Told {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Told {
    /// The one JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("standard output is not one JSON document: {e}\n{self:?}"))
    }

    /// It did what was asked.
    #[track_caller]
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.out, self.err);
        self
    }

    /// It refused with this status, and said all of these on standard error.
    #[track_caller]
    pub fn refused(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(
                self.err.contains(word),
                "nothing of `{word}` in:\n{}",
                self.err
            );
        }
        assert!(!self.err.contains("panicked"), "{}", self.err);
    }
}

/// A directory with a configuration, and the program in it.
pub struct House {
    dir: tempfile::TempDir,
}

impl House {
    /// An empty directory.
    pub fn empty() -> Self {
        Self {
            dir: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// A directory with this `courant.toml`.
    pub fn with(configuration: &str) -> Self {
        let house = Self::empty();
        house.write("courant.toml", configuration);
        house
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where its SQLite file is.
    pub fn sqlite(&self) -> String {
        format!("sqlite:{}", self.path("courant.db").display())
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file is in a directory"))
            .and_then(|()| std::fs::write(&path, text))
            .expect("a temporary directory can be written to");
        path
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The program in this directory, with nothing of our own environment in its way.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_courant"));
        command.args(arguments);
        command
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path());
        for name in ["COURANT_CONFIG", "COURANT_LOG", "NOTIFY_SOCKET"] {
            command.env_remove(name);
        }
        command
            .env("COURANT_LOG_FORMAT", "text")
            .stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn courant(&self, arguments: &[&str]) -> Told {
        self.told(self.command(arguments))
    }

    /// Runs a prepared command to its end.
    pub fn told(&self, mut command: Command) -> Told {
        let output = tokio::task::block_in_place(|| command.output()).expect("the program starts");
        let text = |bytes| String::from_utf8(bytes).expect("the program speaks UTF-8");
        Told {
            code: output.status.code().expect("no signal ended it"),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    /// The document of a command that succeeds.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
        self.courant(&all).done().json()
    }

    /// Starts the daemon, and waits until it is up.
    pub async fn start(&self) -> Daemon {
        Daemon::start(self.command(&["run"])).await
    }

    /// The same by another program: `words`, which get ours and its arguments after their own.
    pub fn run_by(&self, words: &[String]) -> Command {
        let program = self.command(&["run"]);
        let mut command = self.program(&words[0]);
        command.args(&words[1..]).arg(program.get_program());
        command.args(program.get_args());
        command
    }

    /// The same under a shell's `words` (`exec` is added), which get the program as `$0`.
    pub async fn start_under(&self, words: &str) -> Daemon {
        let program = self.command(&["run"]);
        let mut command = self.program("sh");
        command.args(["-c", &format!("{words} exec \"$0\" \"$@\"")]);
        command.arg(program.get_program()).args(program.get_args());
        Daemon::start(command).await
    }
}

/// A running daemon; killed when dropped.
pub struct Daemon {
    child: Child,
    log: Arc<Mutex<String>>,
    pub public: String,
    pub admin: String,
}

impl Daemon {
    /// Starts a prepared `run`, and waits until it is up.
    pub async fn start(mut command: Command) -> Self {
        let spawned = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .env_remove("RUST_BACKTRACE")
            .spawn();
        let mut child = spawned.expect("the program starts");
        let log: Arc<Mutex<String>> = Arc::default();
        let (lines, kept) = (
            child.stderr.take().expect("a pipe was asked for"),
            log.clone(),
        );
        std::thread::spawn(move || {
            for line in BufReader::new(lines).lines().map_while(Result::ok) {
                kept.lock()
                    .expect("nobody panics with it")
                    .push_str(&(line + "\n"));
            }
        });
        let mut daemon = Self {
            child,
            log,
            public: String::new(),
            admin: String::new(),
        };
        let (public, admin) = until("the daemon is up", SOON, async || {
            let ended = daemon.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "it did not start:\n{}", daemon.log());
            let log = daemon.log();
            let after = |word| Some(log.split_once(word)?.1.lines().next()?.trim().to_owned());
            Some((after("readers:")?, after("operators:")?))
        })
        .await;
        (daemon.public, daemon.admin) = (public, admin);
        daemon
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        self.log.lock().expect("nobody panics with it").clone()
    }

    /// Waits until its log says so.
    pub async fn says(&self, words: &str) {
        until(words, SOON, async || {
            self.log().contains(words).then_some(())
        })
        .await;
    }

    /// No file of its may grow beyond this many bytes (`None`: any size), as on a full disk.
    pub fn limit_files(&self, most: Option<u64>) {
        let most = most.map_or("unlimited".to_owned(), |bytes| bytes.to_string());
        let set = Command::new("prlimit")
            .args(["--pid", &self.child.id().to_string()])
            .arg(format!("--fsize={most}:unlimited"))
            .status();
        assert!(set.is_ok_and(|status| status.success()), "prlimit {most}");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// `TERM`, `HUP` …
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name}");
    }

    /// SIGKILL, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("it is our child");
        self.child.wait().expect("it is our child");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the daemon ends", SOON, async || {
            self.child.try_wait().expect("it is our child")
        })
        .await
    }

    /// Asks it to stop, and sees it end well.
    pub async fn stop(mut self) {
        self.signal("TERM");
        let status = self.ended().await;
        assert_eq!(status.code(), Some(0), "{}", self.log());
    }

    /// A page of the operators' listener.
    pub async fn admin(&self, path: &str) -> (u16, String) {
        get(&self.admin, path).await
    }

    /// `GET /api/v1/status`.
    pub async fn status(&self) -> Value {
        let (code, body) = self.admin("/api/v1/status").await;
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).expect("the status is JSON")
    }

    /// How many deliveries are in one of these states.
    pub async fn count(&self, states: &[&str]) -> i64 {
        let status = self.status().await;
        let count = |state: &&str| status["deliveries"][*state].as_i64().expect("a number");
        states.iter().map(count).sum()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A page over plain HTTP: status and body.
pub async fn get(address: &str, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    let answer = ask(address, &request).await.expect("the daemon answers");
    parted(&answer).expect("an HTTP answer")
}

/// The answer to a form over plain HTTP; `None` where no whole answer came.
pub async fn post(address: &str, path: &str, form: &str) -> Option<(u16, String)> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    parted(&ask(address, &request).await.ok()?)
}

async fn ask(address: &str, request: &str) -> std::io::Result<String> {
    let mut stream = tokio::net::TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8(answer).expect("pages are UTF-8"))
}

/// The status of an answer, and its body.
fn parted(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let code = head.split(' ').nth(1)?.parse().ok()?;
    Some((code, body.to_owned()))
}

/// Runs SQL on a database behind the program's back: for what a test cannot wait for.
pub async fn execute(url: &str, sql: &str) -> u64 {
    let statement = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut db = sqlx::SqliteConnection::connect(url)
            .await
            .expect("a database");
        db.execute(statement)
            .await
            .expect("good SQL")
            .rows_affected()
    } else {
        let mut db = sqlx::PgConnection::connect(url).await.expect("a database");
        db.execute(statement)
            .await
            .expect("good SQL")
            .rows_affected()
    }
}

/// The texts a query answers.
pub async fn texts(url: &str, sql: &str) -> Vec<String> {
    let query = sqlx::AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut db = sqlx::SqliteConnection::connect(url)
            .await
            .expect("a database");
        sqlx::query_scalar(query)
            .fetch_all(&mut db)
            .await
            .expect("good SQL")
    } else {
        let mut db = sqlx::PgConnection::connect(url).await.expect("a database");
        sqlx::query_scalar(query)
            .fetch_all(&mut db)
            .await
            .expect("good SQL")
    }
}
