//! Tests connections: does the other side accept our login?

use super::{Outgoing, Sender, masked};
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
    if let Some(database) = connections.database(name) {
        return database.check().await;
    }
    if let Some(mail) = connections.mail(name) {
        return mail.check().await;
    }
    if let Some(folder) = connections.folder(name) {
        let read = std::fs::read_dir(folder).map(|_| ());
        return read.map_err(|error| format!("{}: {error}", folder.display()));
    }
    let Some(connection) = connections.http_of(name) else {
        return Err("it does not work as it is written".to_owned());
    };
    let url = connection.url.to_string();
    let (shown, headers) = (connection.shown.clone(), connection.headers.clone());
    let request = Outgoing { method: "GET".into(), url, shown, headers, body: None, timeout: TIME };
    let answer = sender.send(request).await.map_err(|unsent| unsent.message)?;
    match answer.status {
        401 | 403 => Err(format!("the login was refused: {} {}", answer.status, answer.reason)),
        _ => Ok(()),
    }
}
