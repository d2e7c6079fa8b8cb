//! `flowscript keys`: API keys of webhooks.

use crate::api::{TargetArgs, encoded};
use crate::exit::Exit;
use crate::expiry::expiry;
use crate::output::{ListingArgs, field, print_line, say};
use clap::{Args, Subcommand};
use flowscript_engine::keys::KeyText;
use serde_json::{Value as Json, json};

/// API keys of webhooks.
#[derive(Args)]
pub struct KeysArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Creates a key for a workflow and prints it once.
    Add {
        /// The workflow's id.
        workflow: String,
        /// Its label.
        #[arg(long, default_value = "")]
        label: String,
        /// An existing key of at least 16 characters; without it a key is generated.
        #[arg(long)]
        key: Option<String>,
        /// When it expires: a span such as 90d, or an instant such as 2027-01-31T12:00:00Z.
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Lists the keys.
    List {
        #[command(flatten)]
        listing: ListingArgs,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Changes the label of a key.
    Rename {
        /// The key's id.
        id: String,
        /// Its label.
        label: String,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Revokes a key permanently; it stays in the list.
    Revoke {
        /// The key's id.
        id: String,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Deletes a key.
    Delete {
        /// The key's id.
        id: String,
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// Does what was asked; the key itself goes to standard output.
pub fn run(args: KeysArgs) -> Exit {
    Exit::of("keys", act(args.action))
}

fn act(action: Action) -> Result<(), String> {
    match action {
        Action::Add { workflow, label, key, expires, target } => add(&workflow, &label, key, expires, &target),
        Action::List { listing, target } => list(&listing, &target),
        Action::Rename { id, label, target } => {
            target.api()?.send("PATCH", &format!("/keys/{}", encoded(&id)), Some(&json!({ "label": label })))?;
            say(&format!("the label of the key {id} is now {label}"));
            Ok(())
        }
        Action::Revoke { id, target } => {
            target.api()?.send("POST", &format!("/keys/{}/revoke", encoded(&id)), None)?;
            eprintln!("the key {id} is revoked");
            Ok(())
        }
        Action::Delete { id, target } => {
            target.api()?.send("DELETE", &format!("/keys/{}", encoded(&id)), None)?;
            eprintln!("the key {id} is deleted");
            Ok(())
        }
    }
}

fn add(
    workflow: &str,
    label: &str,
    key: Option<String>,
    expires: Option<String>,
    target: &TargetArgs,
) -> Result<(), String> {
    let pasted = key.is_some();
    let key = match key {
        None => KeyText::generate(),
        Some(text) => KeyText::pasted(&text)?,
    };
    let expires = expires.map(|text| expiry(&text)).transpose()?;
    let new = json!({ "workflow": workflow, "label": label, "key": key.reveal(), "expiresAt": expires });
    target.api()?.send("POST", "/keys", Some(&new))?;
    if pasted {
        eprintln!("the key ending in {} opens {workflow}", key.hint());
    } else {
        eprintln!("this key opens {workflow}; it is shown only once:");
        print_line(key.reveal());
    }
    Ok(())
}

fn list(listing: &ListingArgs, target: &TargetArgs) -> Result<(), String> {
    let keys = target.api()?.get("/keys")?["keys"].take();
    let heads = ["ID", "KEY", "LABEL", "WORKFLOWS", "CREATED", "LAST USED", "EXPIRES", "STATE"];
    listing.print(&keys, &keys, &heads, |key| {
        let workflows: Vec<&str> = key["workflows"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let state = if key["revokedAt"].is_string() { "revoked" } else { "-" };
        vec![
            field(key, "id"),
            format!("{}…{}", field(key, "prefix"), field(key, "hint")),
            field(key, "label"),
            workflows.join(", "),
            field(key, "createdAt"),
            field(key, "lastUsedAt"),
            field(key, "expiresAt"),
            state.to_owned(),
        ]
    });
    Ok(())
}
