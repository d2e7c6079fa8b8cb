//! Workflows: files in a folder, started by webhooks, schedules and people. They run step by step, and a store keeps
//! their runs.
//!
//! ```
//! use flowscript_engine::config::Config;
//! use flowscript_engine::engine::Engine;
//! use flowscript_engine::http::Local;
//! use flowscript_engine::store::SqliteStore;
//! use std::sync::Arc;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let project = tempfile::tempdir()?;
//! std::fs::create_dir(project.path().join("workflows"))?;
//! let workflow = "
//! input: { name: text }
//! trigger: { webhook: { auth: none, response: wait } }
//! output: 'Hello {name}'
//! ";
//! std::fs::write(project.path().join("workflows/hello.yaml"), workflow)?;
//!
//! let store = Arc::new(SqliteStore::open(&project.path().join("flowscript.db"))?);
//! let engine = Engine::load(Config::default(), project.path(), store).await?;
//! engine.work().await?;
//!
//! // `Server` serves the same routes on a socket.
//! let local = Local::new(engine.clone());
//! let (status, body) = local.send("GET", "/hooks/hello?name=Ada", String::new()).await?;
//! assert_eq!((status, &body[..]), (200, b"Hello Ada".as_slice()));
//! engine.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! A request passes through the folders in this order: `http/hooks → trigger/webhook → dispatch (accept: commit) → run →
//! dispatch (ends: commit) → http`. `workflow` is data; `run` and `dispatch` reach the store through its trait; `http`
//! uses one engine handle and never the store.

#[macro_use]
pub mod clock;

pub mod access;
pub mod burden;
pub mod config;
pub mod disk;
pub mod dispatch;
pub mod engine;
pub mod files;
pub mod filter;
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
