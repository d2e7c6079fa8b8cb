//! A stream whose peer may send a bounded amount before it must be written to again.
//!
//! In protocols of question and answer this bounds the memory for an answer, also from a hostile peer: a line without
//! an end, lines without an end, records of TLS.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Fails once more bytes or lines have arrived than an answer may have since the last write.
#[derive(Debug)]
pub(super) struct Answers<S> {
    stream: S,
    most_bytes: usize,
    most_lines: usize,
    bytes: usize,
    lines: usize,
}

impl<S> Answers<S> {
    /// A stream over this one whose answers have at most this many bytes and lines.
    pub(super) fn new(stream: S, most_bytes: usize, most_lines: usize) -> Self {
        Self { stream, most_bytes, most_lines, bytes: 0, lines: 0 }
    }

    /// The stream below.
    pub(super) fn stream(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Answers<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
        let came = into.filled().get(before..).unwrap_or_default();
        self.bytes = self.bytes.saturating_add(came.len());
        self.lines = self.lines.saturating_add(came.split(|byte| *byte == b'\n').count().saturating_sub(1));
        if self.bytes <= self.most_bytes && self.lines <= self.most_lines {
            return read;
        }
        into.set_filled(before);
        let (bytes, lines) = (self.most_bytes, self.most_lines);
        let reason = format!("its answer is longer than {bytes} bytes or {lines} lines, the most that is read of one");
        Poll::Ready(Err(io::Error::other(reason)))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Answers<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if matches!(written, Poll::Ready(Ok(1..))) {
            (self.bytes, self.lines) = (0, 0);
        }
        written
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
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn an_answer_is_bounded_and_the_next_one_is_counted_anew() {
        let (here, mut peer) = tokio::io::duplex(1 << 10);
        let mut stream = Answers::new(here, 100, 3);
        let mut read = [0; 100];
        for _ in 0..3 {
            peer.write_all(&[b'x'; 100]).await.unwrap();
            stream.read_exact(&mut read).await.unwrap();
            stream.write_all(b"go on").await.unwrap();
        }
        peer.write_all(&[b'x'; 101]).await.unwrap();
        let mut whole = Vec::new();
        let error = stream.read_to_end(&mut whole).await.unwrap_err();
        assert!(error.to_string().contains("longer than 100 bytes"), "{error}");
        assert!(whole.len() <= 100);
        stream.write_all(b"go on").await.unwrap();
        peer.write_all(b"\n\n\n\n").await.unwrap();
        assert!(stream.read_to_end(&mut whole).await.unwrap_err().to_string().contains("or 3 lines"));
    }
}
