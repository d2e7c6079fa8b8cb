//! `flowscript keys`: API keys of webhooks.

use crate::api::{Target, TargetArgs};
use crate::exit::Exit;
use crate::serve::{lock, open_store};
use clap::{Args, Subcommand};
use comfy_table::{Table, presets};
use flowscript_engine::config::Config;
use flowscript_engine::engine::Engine;
use flowscript_engine::http::key_json;
use flowscript_engine::keys::KeyText;
use serde_json::{Value as Json, json};
use std::path::Path;

/// API keys of webhooks.
#[derive(Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Makes a key for a workflow and prints it once.
    Add {
        /// The workflow's id.
        workflow: String,
        /// What people call it.
        #[arg(long, default_value = "")]
        label: String,
        /// A key that is there already, of 16 characters at least; without it one is made.
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Lists the keys.
    List {
        /// As JSON on one line.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// Does what was asked; the key itself goes to standard output.
pub fn run(args: KeysArgs) -> Exit {
    let done = match args.action {
        Action::Add { workflow, label, key, target } => add(&workflow, &label, key, &target),
        Action::List { json, target } => list(json, &target),
    };
    match done {
        Ok(()) => Exit::Done,
        Err(reason) => {
            eprintln!("flowscript keys: {reason}");
            Exit::NotStarted
        }
    }
}

fn add(workflow: &str, label: &str, key: Option<String>, target: &TargetArgs) -> Result<(), String> {
    let pasted = key.is_some();
    let key = match key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(&text)?,
    };
    match target.find()? {
        Target::Api(api) => {
            let new = json!({ "workflow": workflow, "label": label, "key": key.reveal() });
            api.post("/keys", &new)?;
        }
        Target::Folder(folder) => {
            let (workflow, label, key) = (workflow.to_owned(), label.to_owned(), key.clone());
            on_store(&folder, async move |engine| {
                engine.add_key(&workflow, &label, &key, None).await.map(|_| ()).map_err(|error| error.to_string())
            })?;
        }
    }
    if pasted {
        eprintln!("the key ending in {} opens {workflow}", key.hint());
    } else {
        eprintln!("this key opens {workflow}; it is shown only now:");
        println!("{}", key.reveal());
    }
    Ok(())
}

fn list(as_json: bool, target: &TargetArgs) -> Result<(), String> {
    let keys = match target.find()? {
        Target::Api(api) => api.get("/keys")?["keys"].take(),
        Target::Folder(folder) => on_store(&folder, async |engine| {
            let keys = engine.keys().await.map_err(|error| error.to_string())?;
            Ok(keys.iter().map(key_json).collect())
        })?,
    };
    if as_json {
        println!("{keys}");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["KEY", "LABEL", "WORKFLOWS", "CREATED", "LAST USED", "EXPIRES"]);
    for key in keys.as_array().into_iter().flatten() {
        let text = |field: &str| key[field].as_str().unwrap_or("-").to_owned();
        let workflows: Vec<&str> = key["workflows"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let shown = format!("{}…{}", text("prefix"), text("hint"));
        table.add_row([
            shown,
            text("label"),
            workflows.join(", "),
            text("createdAt"),
            text("lastUsedAt"),
            text("expiresAt"),
        ]);
    }
    println!("{table}");
    Ok(())
}

/// Opens the store of a folder that no engine holds.
fn on_store<T>(project: &Path, action: impl AsyncFnOnce(&Engine) -> Result<T, String>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("threads cannot be started: {error}"))?;
    let _lock = lock(project)?;
    let config = Config::load(project)?;
    let store = open_store(&config, project)?;
    runtime.block_on(async {
        let engine = Engine::load(config, project, store).await?;
        action(&engine).await
    })
}
