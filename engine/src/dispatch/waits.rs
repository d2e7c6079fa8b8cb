//! Waits of the dispatcher: before a retry, and until an instant.

use crate::clock::{Clock, Timestamp};
use std::time::Duration;

/// How long to wait before a failed commit is tried again.
pub(super) const RETRY: Duration = Duration::from_millis(500);

/// Ready when the wall clock shows an instant; never without one.
pub(super) async fn until(clock: &dyn Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.until(at).await,
        None => std::future::pending().await,
    }
}
