//! `flowscript token`: admin tokens.

use crate::api::{TargetArgs, encoded};
use crate::exit::Exit;
use crate::expiry::expiry;
use crate::output::{ListingArgs, field, print_line};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

/// Creates an admin token and prints it once; lists and deletes tokens.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TokenArgs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    new: NewArgs,
}

#[derive(Args)]
struct NewArgs {
    /// Its role.
    #[arg(long, default_value = "admin")]
    role: Role,
    /// Its label.
    #[arg(long, default_value = "")]
    label: String,
    /// When it expires: a span such as 90d, or an instant such as 2027-01-31T12:00:00Z.
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    #[command(flatten)]
    target: TargetArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Role {
    /// Everything.
    Admin,
    /// Reading.
    Viewer,
}

#[derive(Subcommand)]
enum Action {
    /// Creates a token, as `flowscript token` alone does.
    Add(NewArgs),
    /// Lists the tokens.
    List {
        #[command(flatten)]
        listing: ListingArgs,
        #[command(flatten)]
        target: TargetArgs,
    },
    /// Deletes a token.
    Delete {
        /// The token's id.
        id: String,
        #[command(flatten)]
        target: TargetArgs,
    },
}

/// Does what was asked; the token itself goes to standard output.
pub fn run(args: TokenArgs) -> Exit {
    let done = match args.action {
        None => add(args.new),
        Some(Action::Add(new)) => add(new),
        Some(Action::List { listing, target }) => list(&listing, &target),
        Some(Action::Delete { id, target }) => delete(&id, &target),
    };
    Exit::of("token", done)
}

fn add(new: NewArgs) -> Result<(), String> {
    let role = match new.role {
        Role::Admin => "admin",
        Role::Viewer => "viewer",
    };
    let expires = new.expires.map(|text| expiry(&text)).transpose()?;
    let body = json!({ "role": role, "label": new.label, "expiresAt": expires });
    let made = new.target.api()?.send("POST", "/tokens", Some(&body))?;
    eprintln!("this token has the role {role}; it is shown only once:");
    print_line(field(&made, "token"));
    Ok(())
}

fn list(listing: &ListingArgs, target: &TargetArgs) -> Result<(), String> {
    let tokens = target.api()?.get("/tokens")?["tokens"].take();
    let names = ["id", "label", "role", "createdAt", "expiresAt"];
    let heads = ["ID", "LABEL", "ROLE", "CREATED", "EXPIRES"];
    listing.print(&tokens, &tokens, &heads, |token| names.map(|name| field(token, name)).to_vec());
    Ok(())
}

fn delete(id: &str, target: &TargetArgs) -> Result<(), String> {
    target.api()?.send("DELETE", &format!("/tokens/{}", encoded(id)), None)?;
    eprintln!("the token {id} is deleted");
    Ok(())
}
