//! Tests the connections of a project.

use crate::output::{Report, Stop, print};
use flowscript_engine::config::Config;
use flowscript_engine::outgoing::{Connections, Sender, check as try_one};
use flowscript_engine::project::Folder;
use std::path::Path;
use std::sync::Arc;

/// Tests each connection; those that refuse the engine are problems.
pub fn check(project: &Path, report: &mut Report) -> Result<(), Stop> {
    let config = Config::load(project).map_err(Stop::new)?;
    let store = config.store_file(project).unwrap_or_default();
    let folder = Folder::read_first(project).map_err(Stop::new)?;
    let (connections, _) = folder.read_connections(&store, &Connections::default());
    let names: Vec<String> = connections.names().map(str::to_owned).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Stop::new(format!("Threads cannot be started: {error}.")))?;
    // Declared before the sender, so that its pools are dropped on their runtime.
    let _on_runtime = runtime.enter();
    let sender = Sender::new(&config.http.allow, config.limits.fetched_body).map_err(Stop::new)?;
    sender.set_connections(Arc::new(connections));
    for name in names {
        match runtime.block_on(try_one(&sender, &name)) {
            Ok(()) => {
                print(&format!("{name}: Login is valid\n"));
            }
            Err(reason) => report.problem(&Stop::new(format!("The connection `{name}` does not work: {reason}."))),
        }
    }
    Ok(())
}
