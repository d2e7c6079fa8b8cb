//! A connection that is closed when its other side does not read.

use super::gate::Pulse;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// How long an answer may wait until its reader takes more of it; from then on the minimum rate applies.
const PATIENCE: Duration = Duration::from_secs(30);
/// The minimum rate at which answers must be read, in bytes a second.
const PACE: u64 = 8 * 1024;

/// A stream whose writes fail with `TimedOut` once nothing could be written for a while, or too little for longer.
/// Otherwise a caller that reads slowly, or not at all, could hold the memory of an answer indefinitely.
pub struct Paced<S> {
    stream: S,
    /// Notified when everything is sent.
    pulse: Arc<Pulse>,
    patience: Duration,
    pace: u64,
    /// Since a write had to wait, until everything is sent.
    behind: Option<Behind>,
}

/// A reader that does not keep up.
struct Behind {
    since: Instant,
    /// Bytes that it has read since then.
    taken: u64,
    /// When it last read something.
    last: Instant,
    timer: Pin<Box<Sleep>>,
}

impl<S> Paced<S> {
    /// A stream at the usual pace.
    pub fn new(stream: S, pulse: Arc<Pulse>) -> Self {
        Self { stream, pulse, patience: PATIENCE, pace: PACE, behind: None }
    }

    /// The result of a write, or an error if its reader is too slow.
    fn judge(&mut self, written: Poll<io::Result<usize>>, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        match (written, &mut self.behind) {
            (Poll::Ready(written), None) => return Poll::Ready(written),
            (Poll::Ready(written), Some(behind)) => {
                behind.taken += *written.as_ref().unwrap_or(&0) as u64;
                behind.last = Instant::now();
                return Poll::Ready(written);
            }
            (Poll::Pending, _) => {}
        }
        let now = Instant::now();
        let (patience, pace) = (self.patience, self.pace);
        let behind = self.behind.get_or_insert_with(|| Behind {
            since: now,
            taken: 0,
            last: now,
            timer: Box::pin(tokio::time::sleep_until(now + patience)),
        });
        let allowed = patience + Duration::from_millis(behind.taken.saturating_mul(1000) / pace);
        let due = (behind.since + allowed).min(behind.last + patience);
        if due > now {
            behind.timer.as_mut().reset(due);
            ready!(behind.timer.as_mut().poll(context));
        }
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read, or too slowly")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.judge(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.judge(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.behind = None;
            self.pulse.sent();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// How long a write may wait here.
    const PATIENCE: Duration = Duration::from_millis(200);

    /// A stream that must be read at `pace` bytes a second.
    fn paced<S>(stream: S, pace: u64) -> Paced<S> {
        Paced { patience: PATIENCE, pace, ..Paced::new(stream, Arc::default()) }
    }

    #[tokio::test]
    async fn a_caller_that_does_not_read_is_given_up() {
        let (ours, _theirs) = tokio::io::duplex(64);
        let failed = paced(ours, 1).write_all(&[0; 65]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_caller_that_reads_in_time_gets_everything() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let reader = tokio::spawn(async move {
            let (mut all, mut some) = (0, [0; 64]);
            while let Ok(read @ 1..) = theirs.read(&mut some).await {
                all += read;
                tokio::time::sleep(PATIENCE / 4).await;
            }
            all
        });
        let mut paced = paced(ours, 1);
        // Longer in total than one write may wait.
        paced.write_all(&[0; 64 * 12]).await.unwrap();
        drop(paced);
        assert_eq!(reader.await.unwrap(), 64 * 12);
    }

    #[tokio::test]
    async fn a_caller_that_reads_too_slowly_is_given_up() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let reader = tokio::spawn(async move {
            let mut one = [0];
            while let Ok(1..) = theirs.read(&mut one).await {
                tokio::time::sleep(PATIENCE / 4).await;
            }
        });
        // It always reads, but only 20 bytes a second where the minimum is 1,000.
        let failed = paced(ours, 1000).write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
        reader.abort();
    }
}
