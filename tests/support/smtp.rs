//! An SMTP server that misbehaves to order, in this process.
//!
//! It keeps every message with its envelope, bytes and time, and every command. [`Rule`]s say
//! what goes wrong, where, and for whom: by recipient, by connection, for a share of the
//! recipients, or so many times.

mod rules;
mod session;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use rules::{Fault, Rule, Step};

/// How the server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encryption {
    None,
    StartTls,
    Implicit,
}

/// What the server is like before anything goes wrong.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The lines of EHLO after the first, without STARTTLS and AUTH.
    pub offers: Vec<String>,
    /// User and password; without them nobody may send.
    pub login: Option<(String, String)>,
    /// The mechanisms offered where there is a login.
    pub mechanisms: String,
    pub encryption: Encryption,
    /// Whom the certificate is for.
    pub certificate_names: Vec<String>,
    pub lmtp: bool,
    /// Whether answers wait until there is nothing more to read, and leave in one packet.
    pub joined: bool,
    /// Messages after which a connection is closed without a word.
    pub most_messages: usize,
    /// Whether messages are kept whole, or only from whom, to whom and when.
    pub keeps_data: bool,
    pub rules: Vec<Rule>,
}

impl Setup {
    /// With these rules, and PIPELINING or not.
    pub fn pipelined(pipelining: bool, rules: Vec<Rule>) -> Self {
        let mut setup = Self {
            rules,
            ..Self::default()
        };
        setup.offers.retain(|o| pipelining || o != "PIPELINING");
        setup
    }
}

impl Default for Setup {
    fn default() -> Self {
        let own = |words: &[&str]| words.iter().map(|&w| w.to_owned()).collect();
        Self {
            offers: own(&["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10000000"]),
            login: None,
            mechanisms: "PLAIN LOGIN".to_owned(),
            encryption: Encryption::None,
            certificate_names: own(&["localhost", "127.0.0.1"]),
            lmtp: false,
            joined: true,
            most_messages: usize::MAX,
            keeps_data: true,
            rules: Vec::new(),
        }
    }
}

/// A message that came whole.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The connection it came over, counted from 1.
    pub connection: usize,
    /// The return path.
    pub from: String,
    /// What followed the return path: `SIZE=…`.
    pub parameters: String,
    pub to: Vec<String>,
    /// The message, dots taken back.
    pub data: Vec<u8>,
    pub at: Instant,
    /// The final answer as it was sent; `None` where none was.
    pub answer: Option<String>,
    /// Whether the connection was encrypted.
    pub encrypted: bool,
}

impl Mail {
    /// Whether the server told the client that it has the message.
    pub fn is_accepted(&self) -> bool {
        self.answer.as_deref().is_some_and(|a| a.starts_with("250"))
    }
}

/// What connections share.
struct Shared {
    setup: Setup,
    tls: Option<Arc<ServerConfig>>,
    rules: Mutex<Vec<Rule>>,
    mails: Mutex<Vec<Mail>>,
    commands: Mutex<Vec<(usize, String)>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    pipelined: AtomicUsize,
    ahead: AtomicUsize,
}

impl Shared {
    /// The fault for this place, used up by one.
    fn fault(&self, step: Step, connection: usize, to: &[String]) -> Option<Fault> {
        rules::choose(&mut lock(&self.rules), step, connection, to)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The server. It stops when dropped.
pub struct Sink {
    address: SocketAddr,
    certificate: Option<CertificateDer<'static>>,
    shared: Arc<Shared>,
    accepting: Mutex<JoinHandle<()>>,
}

impl Sink {
    /// Listens on a free port of 127.0.0.1.
    pub async fn start(setup: Setup) -> Self {
        let (tls, certificate) = match setup.encryption {
            Encryption::None => (None, None),
            _ => {
                let (config, certificate) = certified(&setup.certificate_names);
                (Some(config), Some(certificate))
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let shared = Arc::new(Shared {
            rules: Mutex::new(setup.rules.clone()),
            setup,
            tls,
            mails: Mutex::default(),
            commands: Mutex::default(),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            pipelined: AtomicUsize::new(0),
            ahead: AtomicUsize::new(0),
        });
        let accepting = Mutex::new(tokio::spawn(accept(listener, Arc::clone(&shared))));
        Self {
            address,
            certificate,
            shared,
            accepting,
        }
    }

    /// A server that does everything right.
    pub async fn plain() -> Self {
        Self::start(Setup::default()).await
    }

    /// A server with these rules and nothing else unusual.
    pub async fn with(rules: Vec<Rule>) -> Self {
        Self::start(Setup {
            rules,
            ..Setup::default()
        })
        .await
    }

    /// Goes down with all its connections, until it is [`up`](Self::up) again.
    pub fn down(&self) {
        lock(&self.accepting).abort();
    }

    /// Listens again where it did, remembering everything.
    pub async fn up(&self) {
        let listener = TcpListener::bind(self.address).await;
        let listener = listener.expect("nobody took the port");
        *lock(&self.accepting) = tokio::spawn(accept(listener, Arc::clone(&self.shared)));
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The certificate to trust.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.certificate.clone().expect("an encrypted sink")
    }

    /// The rules from now on.
    pub fn set_rules(&self, rules: Vec<Rule>) {
        *lock(&self.shared.rules) = rules;
    }

    /// Every message that came whole, in order.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.mails).clone()
    }

    /// How many messages came whole.
    pub fn received(&self) -> usize {
        lock(&self.shared.mails).len()
    }

    /// The messages the server said it has.
    pub fn accepted(&self) -> Vec<Mail> {
        let mut mails = self.mails();
        mails.retain(Mail::is_accepted);
        mails
    }

    /// Every command line with its connection.
    pub fn commands(&self) -> Vec<(usize, String)> {
        lock(&self.shared.commands).clone()
    }

    /// How often a verb was said.
    pub fn count(&self, verb: &str) -> usize {
        let is_verb = |line: &str| line.split([' ', ':']).next() == Some(verb);
        self.commands()
            .iter()
            .filter(|(_, line)| is_verb(line))
            .count()
    }

    /// Connections made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most connections open at one time.
    pub fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }

    /// How many messages brought the commands of the next one with them.
    pub fn ahead(&self) -> usize {
        self.shared.ahead.load(Ordering::SeqCst)
    }

    /// How often a client spoke again before it was answered.
    pub fn pipelined(&self) -> usize {
        self.shared.pipelined.load(Ordering::SeqCst)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.down();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = tokio::task::JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let _ = tcp.set_nodelay(true);
        let number = shared.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_open.fetch_max(open, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        sessions.spawn(async move {
            session::run(tcp, number, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// A self-signed certificate for `names`, and a server that shows it.
pub fn certified(names: &[String]) -> (Arc<ServerConfig>, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("aws-lc-rs has suites")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("the key is the certificate's");
    (Arc::new(config), certificate)
}
