//! `flowscript schema`: what is allowed in a workflow file, for editors.

use crate::exit::Exit;
use crate::output::print;

/// Prints the JSON Schema of workflow files.
#[derive(clap::Args)]
pub struct Args {}

/// Runs the command.
pub fn run() -> Exit {
    let schema = flowscript_engine::workflow::schema::workflow();
    print(&format!("{schema:#}\n"))
}
