//! The connections that a workflow names. Whether they exist, and are of the right kind, is checked with the whole
//! project.

use crate::yaml::Place;
use std::fmt::{Display, Formatter, Result};

/// A kind of connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionKind {
    /// An address for requests.
    Http,
    /// A database.
    Sql,
    /// A mail server.
    Smtp,
    /// A folder.
    Folder,
}

impl ConnectionKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Http, Self::Sql, Self::Smtp, Self::Folder];

    /// The key in connections.yaml.
    pub fn key(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Sql => "sql",
            Self::Smtp => "smtp",
            Self::Folder => "folder",
        }
    }

    /// The word for it in messages.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Http => "connection",
            Self::Sql => "database",
            Self::Smtp => "mail server",
            Self::Folder => "folder",
        }
    }
}

/// The name of a connection in a workflow. Only [`NamedConnections::name`] makes one, so none is left unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionName(String);

impl ConnectionName {
    /// A name that no workflow has.
    #[cfg(test)]
    pub(super) fn of_test(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for ConnectionName {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.0)
    }
}

/// The connections that a workflow names.
#[derive(Debug, Default)]
pub struct NamedConnections(Vec<(ConnectionName, ConnectionKind, Place)>);

impl NamedConnections {
    /// The workflow names this connection at this place, and needs this kind.
    pub fn name(&mut self, name: &str, kind: ConnectionKind, place: Place) -> ConnectionName {
        let name = ConnectionName(name.to_owned());
        self.0.push((name.clone(), kind, place));
        name
    }

    /// All of them, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &(ConnectionName, ConnectionKind, Place)> {
        self.0.iter()
    }
}
