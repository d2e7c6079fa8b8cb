//! What the admin API shows of things: the types whose descriptions stand in its OpenAPI document.

mod access;
mod lane;
mod run;
mod schedule;
mod workflow;

pub use access::{Key, Keys, Token, Tokens};
pub use lane::{Lane, LanePage};
pub use run::{
    Accepted, Line, LogPage, Payload, Refusal, Retried, Run, RunDetails, RunPage, Step, StepChanges, Steps, Touched,
    Variables,
};
pub use schedule::{Paused, Schedule, Schedules, Tried, Upcoming, UpcomingList};
pub use workflow::{Workflow, Workflows};
