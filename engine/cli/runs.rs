//! `flowscript runs`: the history, and what people decide about runs.

use crate::api::{Api, TargetArgs, encoded};
use crate::exit::Exit;
use crate::output::{ListingArgs, field, print_line, print_whole_table, safe, say};
use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

/// Runs, newest first.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Args)]
struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Only runs in these states, separated by commas, such as failed,timedOut.
    #[arg(long)]
    state: Option<String>,
    /// Only runs started by webhook, schedule, manual or failure.
    #[arg(long)]
    trigger: Option<String>,
    /// The most runs to print.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Continue after this cursor.
    #[arg(long)]
    cursor: Option<String>,
    #[command(flatten)]
    listing: ListingArgs,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Args)]
struct FilterArgs {
    /// Only runs that this filter finds, such as "since:24h state:failed -workflow:a,b took:>2s".
    #[arg(long, value_name = "FILTER")]
    filter: Option<String>,
    /// Only runs of this workflow.
    #[arg(long)]
    workflow: Option<String>,
    /// Only runs accepted at this instant or later, such as 2026-01-31T12:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only runs accepted before this instant.
    #[arg(long, value_name = "TIME")]
    before: Option<String>,
    /// Only runs with exactly this label.
    #[arg(long)]
    label: Option<String>,
    /// Only runs whose id, label, lane key or error begins with this.
    #[arg(long)]
    text: Option<String>,
}

#[derive(Args)]
struct OneArgs {
    /// The run: its id, or the beginning of it.
    id: String,
    #[command(flatten)]
    target: TargetArgs,
}

/// The length of a whole id.
const ID_LENGTH: usize = 36;

impl OneArgs {
    /// The whole id. The error says that no run, or more than one, has it.
    fn find(&self, api: &Api) -> Result<String, String> {
        if self.id.len() >= ID_LENGTH {
            return Ok(self.id.clone());
        }
        let page = api.get(&format!("/runs?limit=100&text={}", encoded(&self.id)))?;
        let ids = page["runs"].as_array().into_iter().flatten().filter_map(|run| run["id"].as_str());
        let found: Vec<&str> = ids.filter(|id| id.starts_with(&self.id.to_ascii_lowercase())).collect();
        match found.as_slice() {
            [id] => Ok((*id).to_owned()),
            [] => Err(format!("no run has an id that begins with {}", self.id)),
            [first, second, ..] => {
                Err(format!("several runs have ids that begin with {}, such as {first} and {second}", self.id))
            }
        }
    }
}

#[derive(Subcommand)]
enum Action {
    /// Lists runs, as `flowscript runs` alone does.
    List(ListArgs),
    /// Shows a run with its steps and its log.
    Show {
        #[command(flatten)]
        one: OneArgs,
        #[command(flatten)]
        listing: ListingArgs,
    },
    /// Resumes failed and timed-out runs: the named ones, or all that match.
    Retry {
        /// The runs.
        ids: Vec<String>,
        #[command(flatten)]
        filter: FilterArgs,
        /// Changes nothing, and prints the runs that would be retried.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Starts a new run with the payload of an earlier one.
    Rerun(OneArgs),
    /// Ends a run.
    Cancel(OneArgs),
    /// Skips a queued run, or releases the lane that a failed run holds.
    Skip(OneArgs),
}

/// Does what was asked.
pub fn run(args: RunsArgs) -> Exit {
    let done = match args.action {
        None => list(&args.list),
        Some(Action::List(args)) => list(&args),
        Some(Action::Show { one, listing }) => show(&one, &listing),
        Some(Action::Retry { ids, filter, dry_run, target }) => retry(&ids, &filter, dry_run, &target),
        Some(Action::Rerun(one)) => change(&one, "rerun"),
        Some(Action::Cancel(one)) => change(&one, "cancel"),
        Some(Action::Skip(one)) => change(&one, "skip"),
    };
    Exit::of("runs", done)
}

impl FilterArgs {
    fn pairs(&self) -> [(&'static str, &Option<String>); 6] {
        [
            ("q", &self.filter),
            ("workflow", &self.workflow),
            ("from", &self.from),
            ("before", &self.before),
            ("label", &self.label),
            ("text", &self.text),
        ]
    }
}

fn list(args: &ListArgs) -> Result<(), String> {
    let own = [("state", &args.state), ("trigger", &args.trigger), ("cursor", &args.cursor)];
    let mut path = format!("/runs?limit={}", args.limit);
    for (name, value) in args.filter.pairs().into_iter().chain(own) {
        if let Some(value) = value {
            path.extend(["&", name, "=", &encoded(value)]);
        }
    }
    let page = args.target.api()?.get(&path)?;
    let heads = ["ID", "WORKFLOW", "STATE", "TRIGGER", "LABEL", "ACCEPTED", "ENDED", "ERROR"];
    args.listing.print(&page, &page["runs"], &heads, |run| {
        let error = run["error"]["message"].as_str().unwrap_or("-").to_owned();
        let names = ["id", "workflow", "state", "trigger", "label", "acceptedAt", "endedAt"];
        let mut row = names.map(|name| field(run, name)).to_vec();
        row.push(error);
        row
    });
    if !args.listing.json
        && let Some(next) = page["next"].as_str()
    {
        match page["searchedTo"].as_str() {
            Some(at) => eprintln!("searched back to {at}; the search continues with --cursor {next}"),
            None => eprintln!("more runs follow: --cursor {next}"),
        }
    }
    Ok(())
}

fn show(one: &OneArgs, listing: &ListingArgs) -> Result<(), String> {
    let api = one.target.api()?;
    let run = api.get(&format!("/runs/{}", encoded(&one.find(&api)?)))?;
    if listing.json {
        print_line(run);
        return Ok(());
    }
    for name in ["id", "workflow", "state", "trigger", "label", "acceptedAt", "startedAt", "endedAt", "retries", "lane"]
    {
        print_line(format_args!("{name:<11} {}", safe(&field(&run, name))));
    }
    if run["error"].is_object() {
        print_line(format_args!("{:<11} {}", "error", safe(&field(&run["error"], "message"))));
        for (number, at) in run["places"].as_array().into_iter().flatten().enumerate() {
            let (file, line, column) = (field(at, "file"), field(at, "line"), field(at, "column"));
            let file = safe(&file);
            print_line(format_args!(
                "{:<11} {} {file}:{line}:{column}",
                "",
                if number == 0 { "at" } else { "called from" }
            ));
        }
    }
    let tries = run["tries"].as_array().map(Vec::as_slice).unwrap_or_default();
    if tries.len() > 1 {
        print_line("");
        let rows = tries.iter().map(|one| {
            let error = one["error"]["message"].as_str().unwrap_or("-").to_owned();
            ["number", "state", "startedAt", "endedAt"]
                .map(|name| field(one, name))
                .into_iter()
                .chain([error])
                .collect()
        });
        print_whole_table(&["TRY", "STATE", "STARTED", "ENDED", "ERROR"], rows);
        print_line("");
    }
    for name in ["input", "output"] {
        print_line(format_args!("{name:<11} {}", safe(&run[name].to_string())));
    }
    print_line("");
    let rows = run["steps"].as_array().into_iter().flatten().map(|step| {
        let names =
            ["position", "kind", "title", "attempt", "state", "startedAt", "endedAt", "waitsFor", "dueAt", "error"];
        names.map(|name| field(step, name)).to_vec()
    });
    let heads = ["STEP", "KIND", "TITLE", "ATTEMPT", "STATE", "STARTED", "ENDED", "WAITS FOR", "DUE", "ERROR"];
    print_whole_table(&heads, rows);
    for step in run["steps"].as_array().into_iter().flatten().filter(|step| step["callbackUrl"].is_string()) {
        print_line(format_args!(
            "{} is answered at {}",
            safe(&field(step, "waitsFor")),
            safe(&field(step, "callbackUrl"))
        ));
    }
    print_line("");
    let lines = run["log"].as_array().into_iter().flatten();
    print_whole_table(
        &["AT", "LEVEL", "MESSAGE"],
        lines.map(|line| ["at", "level", "message"].map(|n| field(line, n)).to_vec()),
    );
    Ok(())
}

fn retry(ids: &[String], filter: &FilterArgs, dry_run: bool, target: &TargetArgs) -> Result<(), String> {
    let mut wanted = json!({ "dryRun": dry_run });
    for (name, value) in filter.pairs() {
        if let Some(value) = value {
            wanted[name] = value.as_str().into();
        }
    }
    if !ids.is_empty() {
        wanted["ids"] = json!(ids);
    }
    let done = target.api()?.send("POST", "/runs/retry", Some(&wanted))?;
    for run in done["runs"].as_array().into_iter().flatten() {
        print_line(run.as_str().unwrap_or_default());
    }
    if done["more"] == true {
        say("more runs match than one decision takes: retry again for the rest");
    }
    let refused: Vec<&Json> = done["refused"].as_array().into_iter().flatten().collect();
    for run in &refused {
        say(&format!("{}: {}", field(run, "runId"), field(run, "detail")));
    }
    if refused.is_empty() { Ok(()) } else { Err(format!("{} runs were not retried", refused.len())) }
}

fn change(one: &OneArgs, what: &str) -> Result<(), String> {
    let api: Api = one.target.api()?;
    let done = api.send("POST", &format!("/runs/{}/{what}", encoded(&one.find(&api)?)), None)?;
    print_line(field(&done, "runId"));
    Ok(())
}
