//! What steps do outside the engine, as data: requests and files.

use super::sql::Statement;
use crate::script::{Content, Script};
use std::ops::RangeInclusive;
use std::time::Duration;

/// `file: { read }`
#[derive(Debug)]
pub struct FileRead {
    /// The path inside `files/`.
    pub path: Content,
    /// What the bytes become; by the suffix where it is not given.
    pub format: Option<FileFormat>,
}

/// What the bytes of a file become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileFormat {
    /// Any value.
    Json,
    /// A list of values, one a line.
    Ndjson,
    /// A table of texts, the first row names the columns.
    Csv,
    /// A text.
    Text,
    /// Bytes.
    Binary,
}

/// `http`
#[derive(Debug)]
pub struct Http {
    /// The connection whose address and credentials it uses.
    pub connection: Option<String>,
    /// Where to; behind the connection's address if there is one.
    pub url: Url,
    /// What is asked.
    pub method: HttpMethod,
    /// Further headers.
    pub headers: Vec<(String, Content)>,
    /// Parameters behind the address.
    pub query: Vec<(String, Content)>,
    /// What is sent.
    pub body: HttpBody,
    /// The statuses that are no failure.
    pub expect: Vec<RangeInclusive<u16>>,
    /// The file below `files/` that gets the body.
    pub save_as: Option<Content>,
    /// How long the whole exchange may take.
    pub timeout: Duration,
}

/// An address with `{parts}`, each of which is percent-encoded.
#[derive(Debug)]
pub enum Url {
    /// The whole address is one value.
    Whole(Content),
    /// Text and values in turn.
    Parts(Vec<UrlPart>),
}

/// A part of an address.
#[derive(Debug)]
pub enum UrlPart {
    /// As it stands.
    Text(String),
    /// A value, to be encoded.
    Value(Script),
}

/// The body of an `http` step.
#[derive(Debug)]
pub enum HttpBody {
    /// None.
    Empty,
    /// A value as JSON.
    Json(Content),
    /// A text or bytes.
    Raw(Content),
}

/// Methods that an `http` step may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Reads headers.
    Head,
    /// Acts.
    Post,
    /// Acts.
    Put,
    /// Acts.
    Patch,
    /// Acts.
    Delete,
}

impl HttpMethod {
    /// All methods.
    pub const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The word of HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// May it change something at the other side?
    pub fn acts(self) -> bool {
        !matches!(self, Self::Get | Self::Head)
    }
}

/// `sql`
#[derive(Debug)]
pub struct Sql {
    /// The connection.
    pub connection: String,
    /// What is asked or changed.
    pub work: SqlWork,
    /// The parameters by name.
    pub params: Vec<(String, Content)>,
    /// How long it may take.
    pub timeout: Duration,
}

/// What an `sql` step does.
#[derive(Clone, Debug)]
pub enum SqlWork {
    /// Reads, in a transaction that can do nothing else.
    Query(Statement),
    /// Changes, all statements in one transaction.
    Execute {
        /// In their order.
        statements: Vec<Statement>,
        /// They were written as a list: the result is one.
        is_list: bool,
    },
}

/// `file` beside plain reading from the project's own folder.
#[derive(Debug)]
pub struct FileStep {
    /// The connection whose folder it is; the project's `files/` without one.
    pub connection: Option<String>,
    /// What is done.
    pub what: FileWork,
    /// What the bytes are or become; by the suffix where it is not given.
    pub format: Option<FileFormat>,
    /// For reading and listing: a file must have been left alone for this long.
    pub settled: Option<Duration>,
}

/// What a `file` step does.
#[derive(Debug)]
pub enum FileWork {
    /// Reads the file of this path.
    Read(Content),
    /// Lists a folder; `*` in the last part of the path stands for any characters.
    List(Content),
    /// Writes a whole file.
    Write(Content, Content),
    /// Adds to the end of a file.
    Append(Content, Content),
    /// Gives a file another path.
    Move(Content, Content),
    /// Removes a file.
    Delete(Content),
}

impl FileWork {
    /// Does it change anything?
    pub fn acts(&self) -> bool {
        !matches!(self, Self::Read(_) | Self::List(_))
    }
}

/// `email`
#[derive(Debug)]
pub struct Email {
    /// The connection.
    pub connection: String,
    /// Whom it is from; the connection says so where it is not given.
    pub from: Option<Content>,
    /// Whom it is for: texts with addresses, or lists of them.
    pub to: Content,
    /// Whom it is copied to.
    pub cc: Option<Content>,
    /// Whom it is copied to without anybody seeing it.
    pub bcc: Option<Content>,
    /// Its subject.
    pub subject: Content,
    /// Its text.
    pub body: Content,
    /// Its text as HTML.
    pub html: Option<Content>,
    /// Names and contents of its attachments.
    pub attachments: Vec<(Content, Content)>,
    /// How long sending may take.
    pub timeout: Duration,
}
