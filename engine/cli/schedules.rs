//! `flowscript schedules`: when workflows start by themselves.

use crate::api::{TargetArgs, encoded};
use crate::exit::Exit;
use crate::output::{ListingArgs, field, print_line, print_whole_table};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

/// When workflows start by themselves.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SchedulesArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args)]
struct ListArgs {
    /// The number of occurrences to show of each schedule.
    #[arg(long, default_value_t = 3)]
    next: usize,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args)]
struct ScheduleArgs {
    /// The workflow's id.
    workflow: String,
    /// The schedule's id, or its pattern and zone as the list shows them.
    schedule: String,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Lists schedules, as `flowscript schedules` alone does.
    List(ListArgs),
    /// Pauses a schedule.
    Pause(ScheduleArgs),
    /// Resumes a schedule. Occurrences while it was paused do not count as missed.
    Resume(ScheduleArgs),
}

/// Does what was asked.
pub fn run(args: SchedulesArgs) -> Exit {
    let done = match args.action {
        None => list(&args.list),
        Some(Action::List(args)) => list(&args),
        Some(Action::Pause(args)) => change(&args, "pause"),
        Some(Action::Resume(args)) => change(&args, "resume"),
    };
    Exit::of("schedules", done)
}

fn list(args: &ListArgs) -> Result<(), String> {
    let api = args.target.api()?;
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = api.get(&format!("/schedules?next={}&limit=1000{cursor}", args.next))?;
        if let Some(schedules) = page["schedules"].as_array_mut() {
            all.append(schedules);
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", encoded(next)),
            None => break,
        }
    }
    if args.listing.json {
        print_line(json!({ "schedules": all }));
        return Ok(());
    }
    let rows = all.iter().flat_map(rows);
    print_whole_table(&["WORKFLOW", "SCHEDULE", "STATE", "ZONE", "NEXT"], rows);
    Ok(())
}

/// A schedule with its next occurrence, then the later ones below it.
fn rows(schedule: &Json) -> Vec<Vec<String>> {
    let next: Vec<&str> = schedule["next"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let mut first = ["workflow", "schedule", "state", "timeZone"].map(|name| field(schedule, name)).to_vec();
    first.push(next.first().map_or("-", |at| at).to_owned());
    let later =
        next.iter().skip(1).map(|at| vec![String::new(), String::new(), String::new(), String::new(), (*at).into()]);
    std::iter::once(first).chain(later).collect()
}

fn change(args: &ScheduleArgs, what: &str) -> Result<(), String> {
    let path = format!("/schedules/{}/{}/{what}", encoded(&args.workflow), encoded(&args.schedule));
    args.target.api()?.send("POST", &path, Some(&json!({})))?;
    Ok(())
}
