//! Authentication: locks of webhooks with their secrets, signatures of deliveries, admin tokens, sessions.
//!
//! Comparisons of secrets take the same time wherever they differ. Nothing here does I/O but [`Lock::of`], which reads
//! secrets from the environment and from files.

mod lock;
mod sessions;
mod signature;
mod tokens;

pub use lock::{Lock, Login, basic_login};
pub use sessions::{Session, Sessions};
pub use signature::{Claim, Delivery, Verifier, WINDOW};
pub use tokens::{PREFIX as TOKEN_PREFIX, TokenRing};
