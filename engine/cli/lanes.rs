//! `flowscript lanes`: lanes of ordered webhooks.

use crate::api::{TargetArgs, encoded};
use crate::exit::Exit;
use crate::output::{ListingArgs, field, print_line};
use clap::{Args, Subcommand};
use serde_json::json;

/// Lanes of ordered webhooks that have runs in them.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LanesArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args)]
struct ListArgs {
    /// Only lanes of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only lanes that a failed run holds.
    #[arg(long)]
    held: bool,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args)]
struct LaneArgs {
    /// The workflow's id.
    workflow: String,
    /// The key of the lane; empty for a webhook that is ordered as a whole.
    #[arg(default_value = "")]
    key: String,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Lists lanes, as `flowscript lanes` alone does.
    List(ListArgs),
    /// Skips the run at the head of a lane, so that the next one starts.
    Skip(LaneArgs),
    /// Resumes a held lane by retrying the run at its head.
    Resume(LaneArgs),
}

/// Does what was asked; the run that it concerns goes to standard output.
pub fn run(args: LanesArgs) -> Exit {
    let done = match args.action {
        None => list(&args.list),
        Some(Action::List(args)) => list(&args),
        Some(Action::Skip(lane)) => change(&lane, "skip"),
        Some(Action::Resume(lane)) => change(&lane, "resume"),
    };
    Exit::of("lanes", done)
}

fn list(args: &ListArgs) -> Result<(), String> {
    let api = args.target.api()?;
    let workflow = args.workflow.as_deref().map(|id| format!("&workflow={}", encoded(id))).unwrap_or_default();
    let page = api.get(&format!("/lanes?limit=1000&held={}{workflow}", args.held))?;
    let heads = ["WORKFLOW", "KEY", "RUNS", "HELD", "HEAD", "STATE"];
    args.listing.print(&page, &page["lanes"], &heads, |lane| {
        let held = if lane["held"] == true { "held" } else { "-" };
        vec![
            field(lane, "workflow"),
            field(lane, "key"),
            field(lane, "length"),
            held.to_owned(),
            field(&lane["head"], "runId"),
            field(&lane["head"], "state"),
        ]
    });
    if !args.listing.json && page["next"].is_string() {
        eprintln!("more lanes follow; select with --workflow or --held");
    }
    Ok(())
}

fn change(lane: &LaneArgs, what: &str) -> Result<(), String> {
    let path = format!("/lanes/{}/{what}", encoded(&lane.workflow));
    let done = lane.target.api()?.send("POST", &path, Some(&json!({ "key": lane.key })))?;
    print_line(field(&done, "runId"));
    Ok(())
}
