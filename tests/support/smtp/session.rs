//! One connection to the sink.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Encryption, Fault, Mail, Shared, Step, lock};

trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The connection is over.
struct End;

impl From<std::io::Error> for End {
    fn from(_: std::io::Error) -> Self {
        Self
    }
}

struct Session<'a> {
    io: Box<dyn Io>,
    input: Vec<u8>,
    /// Answers that have not left yet.
    output: Vec<u8>,
    shared: &'a Shared,
    number: usize,
    encrypted: bool,
    logged_in: bool,
    from: Option<(String, String)>,
    to: Vec<String>,
    messages: usize,
}

pub(super) async fn run(tcp: TcpStream, number: usize, shared: &Shared) {
    let mut session = Session {
        io: Box::new(tcp),
        input: Vec::new(),
        output: Vec::new(),
        shared,
        number,
        encrypted: false,
        logged_in: false,
        from: None,
        to: Vec::new(),
        messages: 0,
    };
    // However it ends, the record is in `shared`.
    let _ = session.converse().await;
}

impl Session<'_> {
    async fn converse(&mut self) -> Result<(), End> {
        if self.shared.setup.encryption == Encryption::Implicit {
            self.encrypt().await?;
        }
        self.answer(Step::Greeting, "220 sink.example.org ESMTP")
            .await?;
        loop {
            let line = self.line().await?;
            lock(&self.shared.commands).push((self.number, line.clone()));
            if !self.input.is_empty() {
                self.shared.pipelined.fetch_add(1, Ordering::SeqCst);
            }
            let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
            self.command(&verb.to_ascii_uppercase(), rest).await?;
        }
    }

    async fn command(&mut self, verb: &str, rest: &str) -> Result<(), End> {
        let hello = if self.shared.setup.lmtp {
            "LHLO"
        } else {
            "EHLO"
        };
        match verb {
            _ if verb == hello => {
                let offers = self.offers();
                self.answer(Step::Hello, &offers).await?;
            }
            "HELO" if !self.shared.setup.lmtp => self.say("250 sink.example.org").await?,
            "STARTTLS" => {
                if self.answer(Step::StartTls, "220 2.0.0 go ahead").await? {
                    self.encrypt().await?;
                }
            }
            "AUTH" => self.auth(rest).await?,
            "MAIL" => self.mail(rest).await?,
            "RCPT" => self.rcpt(rest).await?,
            "DATA" => self.data().await?,
            "RSET" => {
                self.from = None;
                self.to.clear();
                self.answer(Step::Rset, "250 2.0.0 ok").await?;
            }
            "NOOP" => self.say("250 2.0.0 ok").await?,
            "QUIT" => {
                self.answer(Step::Quit, "221 2.0.0 bye").await?;
                return Err(End);
            }
            _ => self.say("502 5.5.2 what?").await?,
        }
        Ok(())
    }

    fn offers(&self) -> String {
        let setup = &self.shared.setup;
        let mut lines = vec!["sink.example.org".to_owned()];
        lines.extend(setup.offers.iter().cloned());
        if setup.encryption == Encryption::StartTls && !self.encrypted {
            lines.push("STARTTLS".to_owned());
        }
        if setup.login.is_some() {
            lines.push(format!("AUTH {}", setup.mechanisms));
        }
        let last = lines.len() - 1;
        let mark = |i: usize| if i == last { ' ' } else { '-' };
        let lines = lines.iter().enumerate();
        let lines: Vec<_> = lines.map(|(i, l)| format!("250{}{l}", mark(i))).collect();
        lines.join("\r\n")
    }

    async fn auth(&mut self, rest: &str) -> Result<(), End> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let decoded = |text: &str| {
            let bytes = BASE64.decode(text.as_bytes()).unwrap_or_default();
            String::from_utf8(bytes).unwrap_or_default()
        };
        let given = if mechanism == "PLAIN" {
            let plain = decoded(initial);
            let mut parts = plain.splitn(3, '\0').skip(1).map(str::to_owned);
            (
                parts.next().unwrap_or_default(),
                parts.next().unwrap_or_default(),
            )
        } else {
            self.say("334 VXNlcm5hbWU6").await?;
            let user = decoded(&self.line().await?);
            self.say("334 UGFzc3dvcmQ6").await?;
            (user, decoded(&self.line().await?))
        };
        self.logged_in = self.shared.setup.login.as_ref() == Some(&given);
        let right = if self.logged_in {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 wrong user or password"
        };
        self.answer(Step::Auth, right).await?;
        Ok(())
    }

    async fn mail(&mut self, rest: &str) -> Result<(), End> {
        if self.shared.setup.login.is_some() && !self.logged_in {
            return self.say("530 5.7.0 log in first").await;
        }
        if self.from.is_some() {
            return self.say("503 5.5.1 one at a time").await;
        }
        if self.answer(Step::Mail, "250 2.1.0 ok").await? {
            self.from = Some(path(rest));
        }
        Ok(())
    }

    async fn rcpt(&mut self, rest: &str) -> Result<(), End> {
        if self.from.is_none() {
            return self.say("503 5.5.1 MAIL first").await;
        }
        self.to.push(path(rest).0);
        if !self.answer(Step::Rcpt, "250 2.1.5 ok").await? {
            self.to.pop();
        }
        Ok(())
    }

    async fn data(&mut self) -> Result<(), End> {
        if self.to.is_empty() {
            return self.data_for_nobody().await;
        }
        if !self.answer(Step::Data, "354 go on").await? {
            return Ok(());
        }
        let mut data = self.message().await?;
        if !self.shared.setup.keeps_data {
            data = Vec::new();
        }
        if !self.input.is_empty() {
            self.shared.ahead.fetch_add(1, Ordering::SeqCst);
        }
        let (from, parameters) = self.from.take().unwrap_or_default();
        let to = std::mem::take(&mut self.to);
        let index = {
            let mut mails = lock(&self.shared.mails);
            mails.push(Mail {
                connection: self.number,
                from,
                parameters,
                to: to.clone(),
                data,
                at: Instant::now(),
                answer: None,
                encrypted: self.encrypted,
            });
            mails.len() - 1
        };
        let right = format!("250 2.0.0 ok {}", index + 1);
        let answers = if self.shared.setup.lmtp { to.len() } else { 1 };
        for _ in 0..answers {
            let fault = self.shared.fault(Step::Dot, self.number, &to);
            let answer = match &fault {
                Some(Fault::Reply(text) | Fault::ReplyAndClose(text)) => Some(text.clone()),
                Some(Fault::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
                Some(Fault::Close | Fault::Hang) => None,
                _ => Some(right.clone()),
            };
            lock(&self.shared.mails)[index].answer = answer;
            self.misbehave(fault, &right).await?;
        }
        self.messages += 1;
        if self.messages >= self.shared.setup.most_messages {
            self.flush().await?;
            return Err(End);
        }
        Ok(())
    }

    /// DATA without a recipient: refused, unless a rule says 354 (RFC 2920 §3.1).
    async fn data_for_nobody(&mut self) -> Result<(), End> {
        let fault = self.shared.fault(Step::Data, self.number, &[]);
        let goes_on = matches!(&fault, Some(Fault::Reply(text)) if text.starts_with("354"));
        self.misbehave(fault, "503 5.5.1 RCPT first").await?;
        if goes_on {
            let data = self.message().await?;
            let line = format!(". after {} bytes", data.len());
            lock(&self.shared.commands).push((self.number, line));
            self.from = None;
            self.answer(Step::Dot, "554 5.5.1 nobody to give it to")
                .await?;
        }
        Ok(())
    }

    /// The message up to the final dot, with doubled dots taken back.
    async fn message(&mut self) -> Result<Vec<u8>, End> {
        while self.input.is_empty() {
            self.fill().await?;
        }
        if let Some(fault) = self.shared.fault(Step::Body, self.number, &self.to) {
            self.misbehave(Some(fault), "").await?;
        }
        let mut message = Vec::new();
        loop {
            let line = self.raw_line().await?;
            if line == b".\r\n" {
                return Ok(message);
            }
            message.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
    }

    /// Answers as the rules say; whether the answer was a yes.
    async fn answer(&mut self, step: Step, right: &str) -> Result<bool, End> {
        let fault = self.shared.fault(step, self.number, &self.to);
        self.misbehave(fault, right).await
    }

    async fn misbehave(&mut self, fault: Option<Fault>, right: &str) -> Result<bool, End> {
        if fault.is_some() {
            // What was said before is not part of the fault.
            self.flush().await?;
        }
        let said = match fault {
            None => right.to_owned(),
            Some(Fault::Reply(text)) => text,
            Some(Fault::ReplyAndClose(text)) => {
                self.say(&text).await?;
                self.flush().await?;
                return Err(End);
            }
            Some(Fault::Close) => return Err(End),
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Delay(pause)) => {
                tokio::time::sleep(pause).await;
                right.to_owned()
            }
            Some(Fault::Drip(pause)) => {
                self.drip(right, pause).await?;
                return Ok(true);
            }
            Some(Fault::Extra(text)) => format!("{right}\r\n{text}"),
            Some(Fault::Later(text)) => {
                self.say(right).await?;
                self.flush().await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
                self.say(&text).await?;
                return Ok(right.starts_with(['2', '3']));
            }
            Some(Fault::Bytes(bytes)) => {
                self.output.extend_from_slice(&bytes);
                self.flush().await?;
                return Ok(bytes.starts_with(b"2") || bytes.starts_with(b"3"));
            }
        };
        self.say(&said).await?;
        Ok(said.starts_with(['2', '3']))
    }

    async fn drip(&mut self, text: &str, pause: Duration) -> Result<(), End> {
        for byte in format!("{text}\r\n").bytes() {
            self.io.write_all(&[byte]).await?;
            self.io.flush().await?;
            tokio::time::sleep(pause).await;
        }
        Ok(())
    }

    async fn say(&mut self, text: &str) -> Result<(), End> {
        self.output.extend_from_slice(text.as_bytes());
        self.output.extend_from_slice(b"\r\n");
        if self.shared.setup.joined && !self.input.is_empty() {
            return Ok(());
        }
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), End> {
        let output = std::mem::take(&mut self.output);
        self.io.write_all(&output).await?;
        Ok(self.io.flush().await?)
    }

    async fn encrypt(&mut self) -> Result<(), End> {
        if let Some(fault) = self.shared.fault(Step::Handshake, self.number, &[]) {
            self.misbehave(Some(fault), "220 not TLS").await?;
            return Err(End);
        }
        let config = self.shared.tls.as_ref().map(Arc::clone).ok_or(End)?;
        let plain = std::mem::replace(&mut self.io, Box::new(tokio::io::empty()));
        self.io = Box::new(TlsAcceptor::from(config).accept(plain).await?);
        self.encrypted = true;
        self.logged_in = false;
        Ok(())
    }

    async fn line(&mut self) -> Result<String, End> {
        let line = self.raw_line().await?;
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// One line, ended by CRLF and by nothing else.
    async fn raw_line(&mut self) -> Result<Vec<u8>, End> {
        loop {
            if let Some(end) = self.input.windows(2).position(|pair| pair == b"\r\n") {
                return Ok(self.input.drain(..end + 2).collect());
            }
            self.fill().await?;
        }
    }

    async fn fill(&mut self) -> Result<(), End> {
        self.flush().await?;
        match self.io.read_buf(&mut self.input).await? {
            0 => Err(End),
            _ => Ok(()),
        }
    }
}

/// `FROM:<a@b> SIZE=1` as address and parameters.
fn path(rest: &str) -> (String, String) {
    let inner = rest.split_once('<').map_or(rest, |(_, inner)| inner);
    let (address, parameters) = inner.rsplit_once('>').unwrap_or((inner, ""));
    (address.to_owned(), parameters.trim().to_owned())
}
