//! Tests connections: does the other side accept our login?

use super::connections::Target;
use super::exchange::Outgoing;
use super::{Sender, masked};
use std::time::Duration;

/// The longest time of a test.
const TIME: Duration = Duration::from_secs(15);

/// Tests the connection of this name. The error is the reason.
pub async fn check(sender: &Sender, name: &str) -> Result<(), String> {
    let late = |_| format!("it did not answer within {} seconds", TIME.as_secs());
    let tried = tokio::time::timeout(TIME, tried(sender, name)).await.map_err(late)?;
    tried.map_err(|reason| masked(&reason))
}

async fn tried(sender: &Sender, name: &str) -> Result<(), String> {
    let connections = sender.connections();
    let connection = match connections.any(name) {
        Some(Target::Database(database)) => return database.check().await,
        Some(Target::Mail(mail)) => return mail.check().await,
        Some(Target::Folder(folder)) => {
            let read = std::fs::read_dir(&folder).map(|_| ());
            return read.map_err(|error| format!("{}: {error}", folder.display()));
        }
        Some(Target::Http(connection)) => connection,
        None => return Err("it does not work as it is written".to_owned()),
    };
    let (url, shown) = Default::default();
    let request = Outgoing { method: "GET".into(), url, shown, headers: Vec::new(), body: None, timeout: TIME };
    let request = connection.request(request).map_err(|fault| fault.message)?;
    let answer = sender.send(request).await.map_err(|unsent| unsent.message)?;
    match answer.status {
        401 | 403 => Err(format!("the login was refused: {} {}", answer.status, answer.reason)),
        _ => Ok(()),
    }
}
