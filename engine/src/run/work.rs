//! The inputs of a run.

use crate::files::Files;
use crate::script::Library;
use crate::store::{RunId, Timestamp, Trigger};
use crate::trigger::webhook::Request;
use crate::workflow::model::Workflow;
use ecow::EcoString;
use flowscript_lang::value::{DateTime, Record, Shape, Value};
use std::sync::{Arc, LazyLock};

/// The inputs of a run.
#[derive(Clone, Debug)]
pub struct Work {
    /// Its id, which includes the time of acceptance.
    pub id: RunId,
    /// Its version.
    pub workflow: Arc<Workflow>,
    /// What started it.
    pub trigger: Trigger,
    /// The nominal instant of its schedule's occurrence.
    pub scheduled_for: Option<Timestamp>,
    /// The workflow that starts when it fails for good: the one it was accepted with.
    pub on_failure: Option<String>,
    /// Where its input comes from.
    pub given: Given,
}

/// Where the input of a run comes from.
#[derive(Clone, Debug)]
pub enum Given {
    /// A request to the webhook.
    Request(Arc<Request>),
    /// Values by name that are still to be converted.
    Fields(Record),
}

/// What runs share.
#[derive(Clone, Debug)]
pub struct Room {
    /// Functions and settings.
    pub library: Library,
    /// The folder of file steps.
    pub files: Arc<Files>,
    /// The most bytes that a run may have stored at a time.
    pub most_kept: usize,
}

impl Work {
    /// Does `processing.input` compute its input?
    pub fn processes_input(&self) -> bool {
        let processing = self.workflow.webhook.as_ref().and_then(|webhook| webhook.processing_input.as_ref());
        processing.is_some() && self.is_request()
    }

    /// Does its input come from a request?
    pub fn is_request(&self) -> bool {
        match self.given {
            Given::Request(_) => true,
            Given::Fields(_) => false,
        }
    }

    /// Must acceptance be prepared?
    pub fn needs_preparing(&self) -> bool {
        let ordered = self.workflow.webhook.as_ref().and_then(|webhook| webhook.ordered.as_ref());
        !self.processes_input() || self.workflow.label.is_some() || ordered.is_some_and(|o| o.key.is_some())
    }
}

/// The variable `run`.
pub(super) fn run_value(work: &Work, room: &Room) -> Value {
    static SHAPE: LazyLock<Arc<Shape>> = LazyLock::new(|| {
        Shape::new(["id", "workflow", "version", "trigger", "acceptedAt", "scheduledFor"].map(EcoString::from))
    });
    let zone = room.library.settings().zone;
    let instant = |at: Timestamp| {
        let (seconds, millis) = (at.0.div_euclid(1000), at.0.rem_euclid(1000));
        DateTime::from_unix_in(seconds, millis as u32 * 1_000_000, zone).map_or(Value::Null, Value::DateTime)
    };
    let cells = vec![
        Value::text(work.id.to_string()),
        Value::text(work.workflow.id.as_str()),
        Value::text(work.workflow.version.to_string()),
        Value::text(work.trigger.as_str()),
        instant(work.id.accepted_at()),
        work.scheduled_for.map_or(Value::Null, instant),
    ];
    Value::Record(Record::new(SHAPE.clone(), cells))
}
