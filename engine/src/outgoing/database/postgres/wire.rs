//! Connections to servers: encrypted as the address requires, and checked.
//!
//! The client of the protocol would ask for encryption itself, but then passes on unencrypted data unchecked. So it is
//! set up as if all connections began with TLS, and the decision is made here.

use super::reason::reason;
use super::watch::Watched;
use crate::outgoing::database::tls::Tls;
use deadpool_postgres::Connect;
use rustls::pki_types::ServerName;
use std::future::{Future, poll_fn};
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode, SslNegotiation};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Client, Config, Connection, Error, NoTls};

/// How long connecting may take.
pub(super) const CONNECT: Duration = Duration::from_secs(10);
/// The request for encryption: its length, and a number that no version of the protocol has.
const WISH: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// How connections to a server are made.
#[derive(Clone)]
pub(super) struct Wire {
    tls: Tls,
    mode: SslMode,
    /// Does it begin with TLS, without a request for it?
    is_direct: bool,
}

impl Wire {
    /// Connections of this client, encrypted with `tls` if its settings require it. The settings are changed so that it
    /// leaves that to us. The error is a message about what is wrong with them.
    pub(super) fn over(config: &mut Config, tls: Tls) -> Result<Self, String> {
        let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
        let wire = Self { tls, mode: config.get_ssl_mode(), is_direct };
        if config.get_hosts().is_empty() {
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        let sockets = config.get_hosts().iter().filter(|host| socket_folder(host).is_some()).count();
        if sockets == 0 {
            config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
        } else if config.get_hosts().len() > 1 {
            return Err(
                "`url` names the folder of a socket and other servers; a socket must be the only one".to_owned()
            );
        } else {
            config.ssl_mode(SslMode::Disable);
        }
        Ok(wire)
    }
}

#[cfg(unix)]
fn socket_folder(host: &Host) -> Option<&Path> {
    match host {
        Host::Unix(folder) => Some(folder),
        Host::Tcp(_) => None,
    }
}

#[cfg(not(unix))]
fn socket_folder(_: &Host) -> Option<&Path> {
    None
}

impl Connect for Wire {
    fn connect(
        &self,
        config: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        let (config, wire) = (config.clone(), self.clone());
        Box::pin(async move {
            #[cfg(unix)]
            if let Some(folder) = config.get_hosts().first().and_then(socket_folder) {
                let port = config.get_ports().first().copied().unwrap_or(5432);
                let connecting = tokio::net::UnixStream::connect(folder.join(format!(".s.PGSQL.{port}")));
                let late = || Err(io::Error::from(io::ErrorKind::TimedOut));
                let connected = tokio::time::timeout(CONNECT, connecting).await.unwrap_or_else(|_| late());
                let line = connected.map_or_else(|error| Line::Broken(error.kind()), Line::Plain);
                let (client, connection) = config.connect_raw(Watched::new(line), NoTls).await?;
                return Ok((client, tokio::spawn(drive(connection))));
            }
            let (client, connection) = config.connect(wire).await?;
            Ok((client, tokio::spawn(drive(connection))))
        })
    }
}

/// Works a connection until it ends. What the server says without being asked is not for the engine's log.
async fn drive<S, T>(mut connection: Connection<S, T>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(said) = poll_fn(|context| connection.poll_message(context)).await {
        if let Err(error) = said {
            tracing::warn!("a connection to PostgreSQL ended: {}", reason(&error));
            return;
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Wire {
    type Stream = Watched<Line<S>>;
    type TlsConnect = Begun;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> io::Result<Begun> {
        Ok(Begun { wire: self.clone(), host: host.to_owned() })
    }
}

/// A connection that is about to be encrypted, or is not.
pub(super) struct Begun {
    wire: Wire,
    host: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Begun {
    type Stream = Watched<Line<S>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, mut stream: S) -> Self::Future {
        Box::pin(async move {
            let Self { wire, host } = self;
            let is_encrypted = match wire.mode {
                SslMode::Disable => false,
                _ if wire.is_direct => true,
                mode => {
                    stream.write_all(&WISH).await?;
                    stream.flush().await?;
                    let takes_it = stream.read_u8().await? == b'S';
                    if !takes_it && mode == SslMode::Require {
                        return Err(io::Error::other("server does not support TLS"));
                    }
                    takes_it
                }
            };
            if !is_encrypted {
                return Ok(Watched::new(Line::Plain(stream)));
            }
            let name = ServerName::try_from(host).map_err(io::Error::other)?;
            Ok(Watched::new(Line::Encrypted(Box::new(wire.tls.0.connect(name, stream).await?))))
        })
    }
}

/// A connection, encrypted or not.
pub(super) enum Line<S> {
    Plain(S),
    Encrypted(Box<tokio_rustls::client::TlsStream<S>>),
    /// A connection that failed.
    Broken(io::ErrorKind),
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Watched<Line<S>> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, into),
            Self::Broken(kind) => Poll::Ready(Err((*kind).into())),
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Encrypted(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Broken(kind) => Poll::Ready(Err((*kind).into())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            Self::Broken(kind) => Poll::Ready(Err((*kind).into())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Broken(kind) => Poll::Ready(Err((*kind).into())),
        }
    }
}
