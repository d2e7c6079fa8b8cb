//! Workflows: files in a folder that webhooks and people start, run step by step, kept in a store.
//!
//! The way of a request is the order of the folders: `http/hooks → trigger/webhook → dispatch (accept: commit) → run →
//! dispatch (ends: commit) → http`. `workflow` is data; `run` and `dispatch` reach the store through its trait; `http`
//! talks to one engine handle and never to the store.

#[macro_use]
pub mod clock;

pub mod access;
pub mod burden;
pub mod config;
pub mod disk;
pub mod dispatch;
pub mod engine;
pub mod files;
pub mod http;
pub mod keys;
pub mod metrics;
#[cfg(test)]
#[path = "../../tests/support/odd.rs"]
mod odd;
pub mod outgoing;
#[cfg(test)]
mod planted;
pub mod pool;
pub mod project;
pub mod reading;
pub mod redact;
pub mod room;
pub mod run;
pub mod script;
pub mod secret;
pub mod sql;
pub mod steps;
pub mod store;
pub mod told;
pub mod trigger;
pub mod workflow;
pub mod yaml;
