//! Requests of an attacker: byte by byte if needed, from an address of its own, with a time limit for the answer.

use socket2::{Domain, Protocol, Socket, Type};
use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The address of attackers.
pub const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The address of other callers.
pub const NEIGHBOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A request.
#[derive(Clone, Default)]
pub struct Request {
    head: String,
    body: Vec<u8>,
}

impl Request {
    /// A request without a body.
    pub fn new(method: &str, path: &str) -> Self {
        Self { head: format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"), body: Vec::new() }
    }

    /// The same with one more header.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let _ = write!(self.head, "{name}: {value}\r\n");
        self
    }

    /// The same with a body, whose length is announced.
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut request = self.with("Content-Length", &body.len().to_string());
        request.body = body;
        request
    }

    /// The same with a body of JSON.
    pub fn json(self, body: &str) -> Self {
        self.with("Content-Type", "application/json").body(body)
    }

    /// The part before the body.
    pub fn head(&self) -> String {
        format!("{}\r\n", self.head)
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head().as_bytes(), &self.body].concat()
    }

    /// Sends it from `from`, and waits for the answer for at most `within`.
    pub fn send(&self, address: SocketAddr, from: IpAddr, within: Duration) -> io::Result<Told> {
        let until = Instant::now() + within;
        let mut stream = connect(address, from)?;
        stream.set_write_timeout(Some(within))?;
        stream.write_all(self.head().as_bytes())?;
        // An answer may come before all of the body is sent, and the engine may then end the connection.
        let sent = stream.write_all(&self.body);
        match read(&mut stream, until) {
            Err(error) if sent.is_err() && error.kind() != io::ErrorKind::TimedOut => sent.map(|()| Told::default()),
            told => told,
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Its status; 0 where the connection ended without one.
    pub status: u16,
    /// Its headers and its body, as received.
    pub text: String,
}

impl Told {
    /// The part after the headers.
    pub fn body(&self) -> &str {
        self.text.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }
}

/// A connection from `from`.
pub fn connect(address: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect_timeout(&address.into(), Duration::from_secs(10))?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

/// Reads an answer until its end, or the end of the connection.
pub fn read(stream: &mut TcpStream, until: Instant) -> io::Result<Told> {
    let mut bytes = Vec::new();
    let mut room = vec![0; 64 << 10];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"));
        }
        stream.set_read_timeout(Some(left.min(Duration::from_secs(1))))?;
        match stream.read(&mut room) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&room[..read]),
            Err(error) if waits(&error) => {}
            Err(error) if bytes.is_empty() => return Err(error),
            // It was reset after its answer, because not all of the body was read.
            Err(_) => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok(Told { status, text })
}

/// Has nothing arrived yet, or did a signal interrupt?
pub fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
