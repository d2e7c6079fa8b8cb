//! The state shared by all handlers.

use super::capacity::Capacity;
use super::style::Style;
use super::token::Guard;
use crate::engine::Engine;
use std::sync::Arc;

/// The state shared by all handlers.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// The authentication of the admin API.
    pub guard: Arc<Guard>,
    /// The capacity shared by all requests.
    pub capacity: Arc<Capacity>,
}

impl App {
    /// Where runs are found in the admin API: absolute only if the engine's public address is known.
    pub fn run_style(&self) -> Style {
        let public = self.engine.config().public_url.as_deref().unwrap_or_default();
        Style { runs: Some(format!("{}/api/v1/runs/", public.trim_end_matches('/'))), ..Style::default() }
    }
}
