//! Connections to mail servers: how they are made, encrypted, logged in to and kept for the next message.

use super::answers::Answers;
use super::tls;
use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;
use percent_encoding::percent_decode_str;
use reqwest::Url;
use rustls::pki_types::ServerName;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// How long connecting, or a server's first answer, may take.
const CONNECT: Duration = Duration::from_secs(30);
/// The most bytes and lines of one answer.
const MOST_OF_ANSWER: usize = 64 << 10;
const MOST_LINES: usize = 500;
/// How long a connection is kept for the next message, and how many are kept.
const KEPT: Duration = Duration::from_secs(60);
const MOST_KEPT: usize = 10;

/// A mail server.
pub(super) struct Server {
    host: String,
    port: u16,
    security: Security,
    hello: ClientId,
    login: Option<Credentials>,
    /// Connections that wait for the next message, with when they began to.
    kept: Arc<Mutex<Vec<(Instant, AsyncSmtpConnection)>>>,
}

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// Not at all.
    Plain,
    /// If the server offers it.
    Offered,
    /// By `STARTTLS`; without it the connection fails.
    Upgraded,
    /// From the first byte on.
    Whole,
}

impl Server {
    /// The server at `smtp://user:password@host:port/helo-name?tls=required` or `smtps://…`. The error is a message
    /// about what is wrong with it.
    pub(super) fn new(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it has no host")?;
        let wish = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
        let (security, port) = match (url.scheme(), wish.as_deref()) {
            ("smtp", None) => (Security::Plain, 25),
            ("smtp", Some("opportunistic")) => (Security::Offered, 587),
            ("smtp", Some("required")) => (Security::Upgraded, 587),
            ("smtps", _) => (Security::Whole, 465),
            ("smtp", Some(other)) => return Err(format!("`tls={other}` is not known; write `tls=required`")),
            (other, _) => return Err(format!("`{other}` is not a scheme of mail servers")),
        };
        let decoded = |text: &str| {
            let text = percent_decode_str(text).decode_utf8().map_err(|_| "its login is not UTF-8".to_owned());
            text.map(std::borrow::Cow::into_owned)
        };
        let login = match url.password() {
            Some(password) => Some(Credentials::new(decoded(url.username())?, decoded(password)?)),
            None => None,
        };
        let name = url.path().trim_matches('/');
        let hello = if name.is_empty() { ClientId::default() } else { ClientId::Domain(name.to_owned()) };
        Ok(Self {
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: url.port().unwrap_or(port),
            security,
            hello,
            login,
            kept: Arc::default(),
        })
    }

    /// Connects and logs in, and sends nothing. The error is the server's reason.
    pub(super) async fn check(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let answers = connection.test_connected().await;
        connection.abort().await;
        if answers { Ok(()) } else { Err("the server does not answer as a mail server does".to_owned()) }
    }

    /// Sends a message. The error is the server's reason.
    pub(super) async fn send(&self, message: &Message) -> Result<(), String> {
        let mut connection = match self.kept().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        connection.send(message.envelope(), &message.formatted()).await.map_err(|error| reason(&error))?;
        self.keep(connection);
        Ok(())
    }

    /// A connection of an earlier message that still answers.
    async fn kept(&self) -> Option<AsyncSmtpConnection> {
        loop {
            let (since, mut connection) = self.lock().pop()?;
            if since.elapsed() < KEPT && connection.test_connected().await {
                return Some(connection);
            }
        }
    }

    fn keep(&self, connection: AsyncSmtpConnection) {
        if connection.has_broken() {
            return;
        }
        {
            let mut kept = self.lock();
            if kept.len() >= MOST_KEPT {
                return;
            }
            kept.push((Instant::now(), connection));
        }
        let kept = Arc::downgrade(&self.kept);
        tokio::spawn(async move {
            tokio::time::sleep(KEPT).await;
            if let Some(kept) = kept.upgrade() {
                kept.lock().unwrap_or_else(PoisonError::into_inner).retain(|(since, _)| since.elapsed() < KEPT);
            }
        });
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, String> {
        let connected = tokio::time::timeout(CONNECT, self.open()).await;
        let late = |_| format!("the server did not answer within {} seconds", CONNECT.as_secs());
        let mut connection = connected.map_err(late)??;
        if let Some(login) = &self.login {
            connection.auth(DEFAULT_MECHANISMS, login).await.map_err(|error| reason(&error))?;
        }
        Ok(connection)
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, String> {
        let failed = |error: io::Error| format!("no connection to {}:{}: {error}", self.host, self.port);
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(failed)?;
        let line = match self.security {
            Security::Plain => Line::new(Channel::Plain(stream), b""),
            Security::Whole => Line::new(self.encrypted(stream).await.map_err(failed)?, b""),
            Security::Offered | Security::Upgraded => {
                let upgrades = self.asks_for_tls(&mut stream).await.map_err(failed)?;
                let channel = match upgrades {
                    true => self.encrypted(stream).await.map_err(failed)?,
                    false if self.security == Security::Offered => Channel::Plain(stream),
                    false => return Err("the server does not offer STARTTLS".to_owned()),
                };
                // The greeting has been read; the client wants one.
                Line::new(channel, b"220 encrypted\r\n")
            }
        };
        let line = Box::new(Answers::new(line, MOST_OF_ANSWER, MOST_LINES));
        AsyncSmtpConnection::connect_with_transport(line, &self.hello).await.map_err(|error| reason(&error))
    }

    async fn encrypted(&self, stream: TcpStream) -> io::Result<Channel> {
        let config = tls::trusting_system().map_err(io::Error::other)?;
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        Ok(Channel::Encrypted(Box::new(TlsConnector::from(config).connect(name, stream).await?)))
    }

    /// Asks for TLS; `true` if the server accepts it. Data of the server before its handshake is not trusted.
    async fn asks_for_tls(&self, stream: &mut TcpStream) -> io::Result<bool> {
        let mut talk = Answers::new(stream, MOST_OF_ANSWER, MOST_LINES);
        answer(&mut talk).await?;
        talk.write_all(format!("EHLO {}\r\n", self.hello).as_bytes()).await?;
        let offers = answer(&mut talk).await?;
        if !offers.lines().any(|line| line.get(4..).is_some_and(|word| word.trim().eq_ignore_ascii_case("STARTTLS"))) {
            return Ok(false);
        }
        talk.write_all(b"STARTTLS\r\n").await?;
        Ok(answer(&mut talk).await?.starts_with("220"))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Instant, AsyncSmtpConnection)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lines of one answer; the last one has a blank after its number. Nothing after it is read.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<String> {
    let mut answer = Vec::new();
    loop {
        let begin = answer.len();
        while answer.last() != Some(&b'\n') || answer.len() == begin {
            answer.push(stream.read_u8().await?);
        }
        if answer.get(begin + 3) != Some(&b'-') {
            return Ok(String::from_utf8_lossy(&answer).into_owned());
        }
    }
}

/// A connection, encrypted or not.
#[derive(Debug)]
enum Channel {
    Plain(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
}

/// A connection that begins with a greeting of our own.
#[derive(Debug)]
struct Line {
    greeting: &'static [u8],
    channel: Channel,
}

impl Line {
    fn new(channel: Channel, greeting: &'static [u8]) -> Self {
        Self { greeting, channel }
    }
}

impl AsyncTokioStream for Answers<Line> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream().channel {
            Channel::Plain(stream) => stream.peer_addr(),
            Channel::Encrypted(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.greeting.is_empty() {
            let (first, rest) = self.greeting.split_at(self.greeting.len().min(into.remaining()));
            into.put_slice(first);
            self.greeting = rest;
            return Poll::Ready(Ok(()));
        }
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Channel::Encrypted(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Channel::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_flush(context),
            Channel::Encrypted(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.channel {
            Channel::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Channel::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// The server's message for an error, with its causes.
fn reason(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    text
}
