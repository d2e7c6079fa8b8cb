//! `flowscript trigger`: a run by hand.

use crate::api::{Remote, Target, TargetArgs, encoded};
use crate::exit::Exit;
use crate::output::{field, print_line, safe, say, shortened};
use crate::script::read_text;
use crate::serve::{lock, open_store};
use clap::Args;
use flowscript_engine::config::Config;
use flowscript_engine::engine::{Admission, Engine, PayloadOf, RunId, Verdict};
use flowscript_engine::script::{decode_json, encode_json};
use flowscript_lang::value::{Record, Value};
use serde_json::{Value as Json, json};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Starts a workflow by hand.
#[derive(Args)]
pub struct TriggerArgs {
    /// The workflow's id.
    workflow: String,
    /// Its input as JSON, or `@file.json`.
    #[arg(long, value_name = "JSON")]
    input: Option<String>,
    /// Use the payload of an earlier run instead: `last` is the last request of the webhook.
    #[arg(long, value_name = "last|RUN", conflicts_with = "input")]
    payload: Option<PayloadOf>,
    /// Wait for the end of the run, show its log, and print its output.
    #[arg(long)]
    wait: bool,
    /// Run it in this process, without a running engine.
    #[arg(long, conflicts_with = "url")]
    local: bool,
    #[command(flatten)]
    target: TargetArgs,
}

/// The pause before an interrupted stream is followed again.
const PAUSE: Duration = Duration::from_millis(300);
/// Longer than any run: with `--local` the run's own limits end it.
const LONG: Duration = Duration::from_secs(365 * 86_400);

/// Starts the run; with `--wait` or `--local`, a failed run is exit code 1.
pub fn run(args: TriggerArgs) -> Exit {
    crate::serve::start_log();
    let done = given(&args).and_then(|given| {
        if args.local {
            return in_process(&args.workflow, given, args.target.dir(), true);
        }
        match args.target.find()? {
            Target::Running(api) => through_api(&api, &args.workflow, &given, args.wait),
            Target::Folder(folder) => in_process(&args.workflow, given, &folder, false),
        }
    });
    done.unwrap_or_else(|reason| {
        say(&format!("flowscript trigger: {reason}"));
        Exit::NotStarted
    })
}

/// The input of the run.
enum Given {
    /// The text of `--input`.
    Input(String),
    Payload(PayloadOf),
}

fn given(args: &TriggerArgs) -> Result<Given, String> {
    match args.payload {
        Some(of) => Ok(Given::Payload(of)),
        None => input_text(args.input.as_deref()).map(Given::Input),
    }
}

/// The text of `--input`: itself, or the content of a file.
fn input_text(given: Option<&str>) -> Result<String, String> {
    match given {
        None => Ok("{}".to_owned()),
        Some(text) => match text.strip_prefix('@') {
            None => Ok(text.to_owned()),
            Some(file) => read_text(Path::new(file)).map_err(|reason| format!("{file}: {reason}")),
        },
    }
}

fn through_api(api: &Remote, workflow: &str, given: &Given, wait: bool) -> Result<Exit, String> {
    let body = match given {
        Given::Input(text) => {
            let input: Json = serde_json::from_str(text).map_err(|error| format!("--input is not JSON: {error}"))?;
            json!({ "input": input })
        }
        Given::Payload(PayloadOf::Last) => json!({ "payloadOf": "last" }),
        Given::Payload(PayloadOf::Run(run)) => json!({ "payloadOf": run.to_string() }),
    };
    let accepted = api.post(&format!("/workflows/{}/run", encoded(workflow)), &body)?;
    let run = accepted["runId"].as_str().unwrap_or_default().to_owned();
    if wait {
        return watch(api, &run);
    }
    print_line(&run);
    Ok(Exit::Done)
}

/// Shows the log and the progress of a run until it has ended.
fn watch(api: &Remote, run: &str) -> Result<Exit, String> {
    eprintln!("run {run}");
    // Following begins before the first look, so that nothing in between is missed.
    let mut events = api.events(run)?;
    let mut shown_lines = 0;
    let mut progress = Progress::default();
    loop {
        let state = api.get(&format!("/runs/{run}"))?;
        let lines = state["log"].as_array().cloned().unwrap_or_default();
        progress.hide();
        for line in lines.iter().skip(shown_lines) {
            say(&format!("{}: {}", field(line, "level"), safe(&field(line, "message"))));
        }
        shown_lines = lines.len();
        match state["state"].as_str().unwrap_or_default() {
            "queued" | "running" | "waiting" => progress.show(&state),
            "completed" => {
                print_line(&state["output"]);
                return Ok(Exit::Done);
            }
            other => {
                say(&format!("{other}: {}", field(&state["error"], "message")));
                return Ok(Exit::Failed);
            }
        }
        if events.next().is_none() {
            // The engine was restarted, or a proxy has closed the stream.
            std::thread::sleep(PAUSE);
            events = api.events(run)?;
        }
    }
}

/// The line on a terminal that shows the progress of a run.
#[derive(Default)]
struct Progress {
    shown: bool,
}

impl Progress {
    fn show(&mut self, run: &Json) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let steps = run["steps"].as_array().map(Vec::as_slice).unwrap_or_default();
        let last = steps.last().map(|step| format!(", {}", field(step, "title"))).unwrap_or_default();
        eprint!("{}: {} steps{}", field(run, "state"), steps.len(), shortened(&last));
        self.shown = true;
    }

    fn hide(&mut self) {
        if std::mem::take(&mut self.shown) {
            // Back to the beginning of the line, and clears the rest of it.
            eprint!("\r\x1b[K");
        }
    }
}

/// Without a running engine: performs the run here, or leaves it queued for the next one.
fn in_process(workflow: &str, given: Given, project: &Path, perform: bool) -> Result<Exit, String> {
    let given = match given {
        Given::Payload(of) => Err(of),
        Given::Input(text) => match decode_json(&text).map_err(|reason| format!("--input is not JSON: {reason}"))? {
            Value::Record(input) => Ok(input),
            _ => return Err("--input must be a JSON object".into()),
        },
    };
    if !project.is_dir() {
        return Err(format!("{} is not a folder", project.display()));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("threads cannot be started: {error}"))?;
    let _lock = lock(project)?;
    let config = Config::load(project)?;
    let store = open_store(&config, project)?;
    runtime.block_on(async {
        let engine = Engine::load(config, project, store).await?;
        if perform {
            engine.work().await.map_err(|error| error.to_string())?;
        }
        let run = match given {
            Ok(input) => start(&engine, workflow, input).await?,
            Err(of) => engine.operators().run_with_payload(workflow, of).await.map_err(|error| error.to_string())?,
        };
        if !perform {
            eprintln!("no engine is running; the run is queued for the next one");
            println!("{run}");
            return Ok(Exit::Done);
        }
        let exit = show_end(&engine, run).await;
        engine.stop().await;
        exit
    })
}

async fn start(engine: &Engine, workflow: &str, input: Record) -> Result<RunId, String> {
    let workflows = engine.workflows();
    let entry = workflows.entry(workflow).filter(|entry| entry.present);
    let entry = entry.ok_or_else(|| format!("there is no workflow `{workflow}`"))?;
    let Some(loaded) = entry.workflow.clone() else {
        let problems: Vec<String> = entry.problems.iter().map(|problem| problem.line(&entry.file)).collect();
        return Err(format!("the workflow does not load:\n{}", problems.join("\n")));
    };
    if let Some(name) = input.shape().names().iter().find(|name| loaded.input(name).is_none()) {
        return Err(format!("the workflow `{workflow}` has no input `{name}`"));
    }
    match engine.start_manually(loaded, input, None).await {
        Admission::Accepted(run) => Ok(run),
        Admission::Refused(message) => Err(message),
        Admission::QueueFull(queued) => Err(format!("{queued} runs of `{workflow}` are already waiting")),
        Admission::Unkept(error) => Err(error.to_string()),
        other @ (Admission::Answered(_)
        | Admission::Late(_)
        | Admission::Interrupted(_)
        | Admission::Stopping
        | Admission::Failed
        | Admission::KeyReused
        | Admission::Full) => Err(format!("the run did not start: {other:?}")),
    }
}

async fn show_end(engine: &Engine, run: RunId) -> Result<Exit, String> {
    let admission = engine.await_end(run, Instant::now() + LONG).await;
    let log = engine.log(run, 0, u32::MAX).await.map_err(|error| error.to_string())?;
    for line in &log.lines {
        say(&format!("{}: {}", line.level, safe(&line.message)));
    }
    let Admission::Answered(answer) = admission else { return Err(format!("the run did not end: {admission:?}")) };
    if let Verdict::Value(value) = answer.verdict {
        print_line(encode_json(&value)?);
        return Ok(Exit::Done);
    }
    let summary = engine.summary(run).await.map_err(|error| error.to_string())?;
    let message = summary.error.map(|failure| failure.message).unwrap_or_default();
    say(&format!("{}: {message}", summary.state));
    Ok(Exit::Failed)
}
