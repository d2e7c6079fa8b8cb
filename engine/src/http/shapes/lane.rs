//! Lanes.

use crate::engine::LaneState;
use serde::Serialize;
use utoipa::ToSchema;

/// A lane with runs in it.
#[derive(Serialize, ToSchema)]
pub struct Lane {
    /// Its workflow.
    workflow: String,
    /// The key of its messages; empty where the webhook is ordered as a whole.
    key: String,
    /// How many runs are in it.
    length: u32,
    /// A failed run holds it.
    held: bool,
    /// The run whose turn it is.
    head: Head,
}

/// The run at the head of a lane.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The run.
    run_id: String,
    /// Its state.
    state: &'static str,
}

/// A page of lanes.
#[derive(Serialize, ToSchema)]
pub struct LanePage {
    /// The lanes, by workflow and key.
    pub lanes: Vec<Lane>,
    /// The cursor of the next page; nothing at the end.
    pub next: Option<String>,
}

impl Lane {
    /// A lane.
    pub fn of(lane: &LaneState) -> Self {
        Self {
            workflow: lane.lane.workflow.clone(),
            key: lane.lane.key.clone(),
            length: lane.length,
            held: lane.held,
            head: Head { run_id: lane.head.to_string(), state: lane.head_state.as_str() },
        }
    }
}
