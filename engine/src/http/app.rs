//! What every handler gets.

use super::capacity::Capacity;
use super::style::Style;
use super::token::Guard;
use crate::engine::Engine;
use std::sync::Arc;

/// What every handler gets.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// What opens the admin API.
    pub guard: Arc<Guard>,
    /// What all requests share.
    pub capacity: Arc<Capacity>,
}

impl App {
    /// Where runs can be seen in the admin API: absolute only where the engine knows its address.
    pub fn run_style(&self) -> Style {
        let public = self.engine.config().public_url.as_deref().unwrap_or_default();
        Style { runs: Some(format!("{}/api/v1/runs/", public.trim_end_matches('/'))), ..Style::default() }
    }
}
