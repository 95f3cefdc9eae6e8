//! The server's side of SMTP (RFC 5321), as much as a relay on this machine needs, with
//! bounds on everything: lines, recipients, size, connections, silence.

use super::{Catcher, LARGEST_MESSAGE};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

const MOST_CONNECTIONS: usize = 100;
const MOST_RECIPIENTS: usize = 1_000;
/// RFC 5321 §4.5.3.1.4 asks for 512 and extensions for more.
const LONGEST_COMMAND: u64 = 4_096;
/// RFC 5321 §4.5.3.1.6 allows senders 1,000; what is longer is still shown.
const LONGEST_TEXT_LINE: u64 = 1024 * 1024;
/// RFC 5321 §4.5.3.2.7: a server waits five minutes for the next command.
const LONGEST_SILENCE: Duration = Duration::from_secs(300);

/// Takes connections until the listener fails for good.
pub async fn serve(catcher: Catcher, listener: TcpListener) -> io::Result<()> {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    // Dropping the set ends the conversations in it.
    let mut conversations = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return Ok(());
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // The peer is gone again, or no descriptor is free: the next may fare better.
            Err(error) => {
                tracing::debug!(%error, "the mail catcher could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        while conversations.try_join_next().is_some() {}
        let catcher = catcher.clone();
        conversations.spawn(async move {
            let _slot = slot;
            if let Err(error) = Conversation::new(stream, catcher).hold().await {
                tracing::debug!(%error, "a conversation with the mail catcher broke off");
            }
        });
    }
}

struct Conversation {
    reader: BufReader<OwnedReadHalf>,
    writer: BufWriter<OwnedWriteHalf>,
    catcher: Catcher,
    greeted: bool,
    sender: Option<String>,
    recipients: Vec<String>,
}

/// What follows a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Command,
    Text,
    End,
}

/// A line as it was read.
enum Line {
    Whole(Vec<u8>),
    TooLong,
    Closed,
}

impl Conversation {
    fn new(stream: TcpStream, catcher: Catcher) -> Self {
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Self {
            reader: BufReader::new(reader),
            writer: BufWriter::new(writer),
            catcher,
            greeted: false,
            sender: None,
            recipients: Vec::new(),
        }
    }

    /// Talks until either side ends it, and sends what is still to be sent.
    async fn hold(mut self) -> io::Result<()> {
        let talk = self.talk().await;
        let end = self.writer.shutdown().await;
        talk.and(end)
    }

    async fn talk(&mut self) -> io::Result<()> {
        self.reply("220 catcher.localhost ESMTP Courant demo; mail stays here")
            .await?;
        loop {
            let line = match self.line(LONGEST_COMMAND).await? {
                Line::Whole(line) => line,
                Line::TooLong => {
                    self.reply("500 5.5.6 That line is too long").await?;
                    continue;
                }
                Line::Closed => return Ok(()),
            };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            let (reply, next) = self.answer(&line);
            self.reply(&reply).await?;
            match next {
                Next::Command => {}
                Next::Text => self.take_text().await?,
                Next::End => return Ok(()),
            }
        }
    }

    /// The reply to one command, and what is to happen after it.
    fn answer(&mut self, line: &str) -> (String, Next) {
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let reply = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(&format!(
                "250-catcher.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
                 250-ENHANCEDSTATUSCODES\r\n250 SIZE {LARGEST_MESSAGE}"
            )),
            "HELO" => self.hello("250 catcher.localhost"),
            "MAIL" => self.mail(argument),
            "RCPT" => self.recipient(argument),
            "DATA" if self.recipients.is_empty() => "503 5.5.1 There is no recipient yet".into(),
            "DATA" => return ("354 Go ahead; end with a dot".into(), Next::Text),
            "RSET" => {
                self.forget();
                "250 2.0.0 Forgotten".into()
            }
            "NOOP" => "250 2.0.0 Nothing done".into(),
            "VRFY" => "252 2.1.5 Everybody is welcome here".into(),
            "QUIT" => return ("221 2.0.0 Good bye".into(), Next::End),
            _ => "500 5.5.2 That command is not known here".into(),
        };
        (reply, Next::Command)
    }

    fn hello(&mut self, reply: &str) -> String {
        self.greeted = true;
        self.forget();
        reply.to_owned()
    }

    fn mail(&mut self, argument: &str) -> String {
        if !self.greeted {
            return "503 5.5.1 Say EHLO first".into();
        }
        if self.sender.is_some() {
            return "503 5.5.1 There is a sender already".into();
        }
        let Some((sender, parameters)) = path("FROM:", argument) else {
            return "501 5.5.4 That should be MAIL FROM:<address>".into();
        };
        for parameter in parameters.split_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match (name.to_ascii_uppercase().as_str(), value) {
                ("SIZE", size) => match size.parse::<usize>() {
                    Ok(size) if size > LARGEST_MESSAGE => return too_large(),
                    Ok(_) => {}
                    Err(_) => return "501 5.5.4 SIZE wants a number".into(),
                },
                ("BODY", _) | ("SMTPUTF8", "") => {}
                _ => return format!("555 5.5.4 {name} is not known here"),
            }
        }
        self.sender = Some(sender.to_owned());
        "250 2.1.0 Sender taken".into()
    }

    fn recipient(&mut self, argument: &str) -> String {
        if self.sender.is_none() {
            return "503 5.5.1 There is no sender yet".into();
        }
        if self.recipients.len() >= MOST_RECIPIENTS {
            return "452 4.5.3 That is enough recipients for one message".into();
        }
        match path("TO:", argument) {
            Some((recipient, _)) if recipient.contains('@') => {
                self.recipients.push(recipient.to_owned());
                "250 2.1.5 Recipient taken".into()
            }
            _ => "501 5.1.3 That should be RCPT TO:<name@example.org>".into(),
        }
    }

    /// Reads the message to its dot and keeps it. A message that is too large is read to its
    /// end all the same: a reply in its middle would be lost.
    async fn take_text(&mut self) -> io::Result<()> {
        let mut text = Vec::new();
        let mut fits = true;
        loop {
            match self.line(LONGEST_TEXT_LINE).await? {
                Line::Closed => return Ok(()),
                Line::TooLong => fits = false,
                // Only CRLF.CRLF ends it; a bare line feed must not (CVE-2023-51764).
                Line::Whole(line) if line == b".\r\n" && at_line_start(&text) => break,
                Line::Whole(line) => {
                    let stuffed = line.starts_with(b".") && at_line_start(&text);
                    let line = &line[usize::from(stuffed)..];
                    fits = fits && text.len() + line.len() <= LARGEST_MESSAGE;
                    if fits {
                        text.extend_from_slice(line);
                    }
                }
            }
        }
        let sender = self.sender.take().unwrap_or_default();
        let recipients = std::mem::take(&mut self.recipients);
        if !fits {
            return self.reply(&too_large()).await;
        }
        let number = self.catcher.keep(sender, recipients, text);
        self.reply(&format!("250 2.0.0 Caught as {number}")).await
    }

    fn forget(&mut self) {
        self.sender = None;
        self.recipients.clear();
    }

    /// The next line with its end, or that there is none within the bounds.
    async fn line(&mut self, longest: u64) -> io::Result<Line> {
        let mut line = Vec::new();
        let mut too_long = false;
        loop {
            let mut bounded = (&mut self.reader).take(longest);
            let read = bounded.read_until(b'\n', &mut line);
            let read = tokio::time::timeout(LONGEST_SILENCE, read).await??;
            let ended = line.last() == Some(&b'\n');
            match (read, ended, too_long) {
                (0, ..) => return Ok(Line::Closed),
                (_, true, false) => return Ok(Line::Whole(line)),
                (_, true, true) => return Ok(Line::TooLong),
                // Cut off by the bound, or by the end of the connection, which comes next.
                (_, false, _) => {
                    too_long = true;
                    line.clear();
                }
            }
        }
    }

    /// Writes a reply, and sends it unless the next line is here already (RFC 2920).
    async fn reply(&mut self, reply: &str) -> io::Result<()> {
        self.writer.write_all(reply.as_bytes()).await?;
        self.writer.write_all(b"\r\n").await?;
        if !self.reader.buffer().contains(&b'\n') {
            self.writer.flush().await?;
        }
        Ok(())
    }
}

fn too_large() -> String {
    format!("552 5.3.4 Messages may have {LARGEST_MESSAGE} bytes")
}

fn at_line_start(text: &[u8]) -> bool {
    text.is_empty() || text.ends_with(b"\r\n")
}

/// The address in `FROM:<address> parameters`, and the parameters.
fn path<'a>(keyword: &str, argument: &'a str) -> Option<(&'a str, &'a str)> {
    let argument = argument.trim_start();
    let head = argument.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    argument[keyword.len()..]
        .trim_start()
        .strip_prefix('<')?
        .split_once('>')
}
