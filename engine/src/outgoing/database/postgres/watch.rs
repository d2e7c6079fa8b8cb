//! Checks the data of a server before the client of the protocol reads it: messages of bounded length and number.
//!
//! A message states its length, and the client waits until all of it has arrived. Here the length is checked first, so
//! that no more is buffered than can be used.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest row, in bytes: no value of the language is longer.
const MOST_OF_ROW: u32 = 64 << 20;
/// The longest of all other messages, in bytes.
const MOST_OF_OTHERS: u32 = 1 << 20;
/// The longest message of a login, and of a setting that the server reports.
const MOST_OF_SMALL: u32 = 16 << 10;
/// The most settings that a server reports.
const MOST_SETTINGS: usize = 1_000;
/// The most bytes of notices, notifications and settings in an answer.
const MOST_ASIDE: u64 = 16 << 20;
/// The most rounds of hashing a password: a hundred times the usual number.
const MOST_ROUNDS: u32 = 500_000;

/// The answer of a login that says how to hash the password.
const SASL_CONTINUE: [u8; 4] = 11_u32.to_be_bytes();

/// A connection to a server after it has been encrypted, or will not be.
pub(super) struct Watched<S> {
    stream: S,
    look: Look,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, look: Look::default() }
    }
}

/// The progress of checking messages.
#[derive(Default)]
struct Look {
    /// The kind and the length of the current message, as far as they have arrived.
    head: Vec<u8>,
    /// How many bytes of its content are still to come.
    left: u32,
    /// Its content, if it is checked.
    content: Option<Vec<u8>>,
    /// Hashes of the names of settings.
    settings: HashSet<u64>,
    /// Bytes of messages that answer nothing since the last write.
    aside: u64,
}

impl Look {
    /// Looks at the next bytes.
    fn at(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            if self.left == 0 {
                let (head, rest) = bytes.split_at(bytes.len().min(5 - self.head.len()));
                self.head.extend_from_slice(head);
                bytes = rest;
                if let [kind, length @ ..] = self.head.as_slice()
                    && let Ok(length) = <[u8; 4]>::try_from(length)
                {
                    self.begin(*kind, u32::from_be_bytes(length))?;
                }
            } else {
                let (content, rest) = bytes.split_at(bytes.len().min(self.left as usize));
                if let Some(kept) = &mut self.content {
                    kept.extend_from_slice(content);
                }
                self.left -= content.len() as u32;
                bytes = rest;
            }
            if self.left == 0 && self.head.len() == 5 {
                self.end()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, kind: u8, length: u32) -> Result<(), String> {
        let most = match kind {
            b'D' | b'd' => MOST_OF_ROW,
            b'R' | b'S' => MOST_OF_SMALL,
            _ => MOST_OF_OTHERS,
        };
        // The length counts itself.
        let Some(content) = length.checked_sub(4) else {
            return Err(format!("it announces a message of {length} bytes, which none has"));
        };
        if content > most {
            let what = if kind == b'D' { "a row" } else { "a message" };
            return Err(format!("it announces {what} of {content} bytes; the limit is {most}"));
        }
        if matches!(kind, b'N' | b'A' | b'S') {
            self.aside += u64::from(length);
            if self.aside > MOST_ASIDE {
                return Err(format!("it sends more than {MOST_ASIDE} bytes of notices"));
            }
        }
        self.left = content;
        self.content = matches!(kind, b'R' | b'S').then(|| Vec::with_capacity(content as usize));
        Ok(())
    }

    /// A message has ended.
    fn end(&mut self) -> Result<(), String> {
        self.head.clear();
        let Some(content) = self.content.take() else { return Ok(()) };
        if let Some(login) = content.strip_prefix(&SASL_CONTINUE) {
            let text = String::from_utf8_lossy(login);
            let rounds = text.split(',').find_map(|part| part.strip_prefix("i="));
            if rounds.is_some_and(|rounds| rounds.parse::<u32>().is_ok_and(|rounds| rounds > MOST_ROUNDS)) {
                return Err(format!("it asks for a password that is hashed more than {MOST_ROUNDS} times"));
            }
        } else if let Some(name) = content.split(|byte| *byte == 0).next().filter(|_| content.len() > 4) {
            let mut hash = DefaultHasher::new();
            name.hash(&mut hash);
            self.settings.insert(hash.finish());
            if self.settings.len() > MOST_SETTINGS {
                return Err(format!("it reports more than {MOST_SETTINGS} settings"));
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let looked = self.look.at(into.filled().get(before..).unwrap_or_default());
        if let Err(reason) = looked {
            into.set_filled(before);
            let reason = format!("the server does not answer as PostgreSQL does: {reason}");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, reason)));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.look.aside = 0;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u32 + 4).to_be_bytes();
        [&[kind][..], &length[..], content].concat()
    }

    /// The result for these bytes when they arrive in pieces of every size.
    fn told(bytes: &[u8]) -> Result<(), String> {
        let in_pieces = |size: usize| {
            let mut look = Look::default();
            bytes.chunks(size).try_for_each(|piece| look.at(piece))
        };
        let whole = in_pieces(bytes.len().max(1));
        for size in [1, 2, 3, 5, 7, 4096] {
            assert_eq!(in_pieces(size), whole, "pieces of {size} bytes");
        }
        whole
    }

    #[test]
    fn messages_of_a_server_pass() {
        let login = [&SASL_CONTINUE[..], b"r=abc,s=c2FsdA==,i=4096"].concat();
        let all = [
            message(b'R', &login),
            message(b'S', b"server_version\x0015.1\0"),
            message(b'Z', b"I"),
            message(b'1', b""),
            message(b'D', &vec![7; 100_000]),
            message(b'C', b"SELECT 1\0"),
        ];
        assert_eq!(told(&all.concat()), Ok(()));
    }

    #[test]
    fn what_is_too_much_is_refused_before_it_comes() {
        let refused = |bytes: &[u8], part: &str| {
            let reason = told(bytes).unwrap_err();
            assert!(reason.contains(part), "{reason}");
        };
        let announced = |kind: u8, length: u32| [&[kind][..], &length.to_be_bytes()[..]].concat();
        refused(&announced(b'D', 0x7fff_ffff), "a row of 2147483643 bytes");
        refused(&announced(b'D', u32::MAX), "a row");
        refused(&announced(b'T', 2 << 20), "a message of 2097148 bytes");
        refused(&announced(b'E', 0x7fff_ffff), "a message");
        refused(&announced(b'R', 1 << 20), "the limit is 16384");
        refused(&announced(b'D', 3), "which none has");
        let login = [&SASL_CONTINUE[..], b"r=abc,s=c2FsdA==,i=4294967295"].concat();
        refused(&message(b'R', &login), "hashed more than");
        let settings: Vec<u8> =
            (0..=MOST_SETTINGS).flat_map(|n| message(b'S', format!("s{n}\0x\0").as_bytes())).collect();
        refused(&settings, "more than 1000 settings");
        let same: Vec<u8> = (0..=MOST_SETTINGS).flat_map(|n| message(b'S', format!("s\0{n}\0").as_bytes())).collect();
        assert_eq!(told(&same), Ok(()));
        let notices = message(b'N', &vec![b'x'; 1 << 20]).repeat(17);
        let mut look = Look::default();
        assert!(look.at(&notices).unwrap_err().contains("of notices"));
    }
}
