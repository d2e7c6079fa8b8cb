//! connections.yaml: named targets with their credentials. Secrets come from the environment or from files.

use super::database::{Database, POOL};
use super::exchange::Outgoing;
use super::mail::Mail;
use super::named::{ConnectionKind, ConnectionName};
use super::own::Own;
use super::{address, login};
use crate::script::Fault;
use crate::secret::{Secret, masked};
use crate::yaml::problem::{Problem, codes};
use crate::yaml::{self, Entry, Node, Place, Scalar};
use flowscript_lang::error::ErrorKind;
use reqwest::Url;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The connections of a project.
#[derive(Debug, Default)]
pub struct Connections {
    http: BTreeMap<String, HttpConnection>,
    databases: BTreeMap<String, Made<Arc<Database>>>,
    mails: BTreeMap<String, Made<Mail>>,
    folders: BTreeMap<String, PathBuf>,
    /// All names of the file, including those with problems, and the kind of each if it has one.
    names: BTreeMap<String, Option<ConnectionKind>>,
}

/// `name: { http: { url, headers } }`
#[derive(Clone)]
pub struct HttpConnection {
    /// The address that step addresses are appended to.
    pub(super) url: Url,
    /// The same for messages, without its secrets.
    shown: String,
    /// Headers of every request, credentials among them.
    pub(super) headers: Vec<(String, String)>,
}

impl std::fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpConnection").field("url", &self.shown).finish_non_exhaustive()
    }
}

/// A connection of any kind.
pub(super) enum Target {
    Http(HttpConnection),
    Database(Arc<Database>),
    Mail(Mail),
    Folder(PathBuf),
}

/// What is made of an entry, as long as the entry stays the same: pools live in it.
#[derive(Clone, Debug)]
struct Made<T> {
    of: Vec<Option<Secret>>,
    it: T,
}

impl HttpConnection {
    /// A request whose address is a path below that of the connection, with the whole address and the credentials. Its
    /// own headers replace those of the connection.
    pub fn request(&self, mut request: Outgoing) -> Result<Outgoing, Fault> {
        let path = request.url;
        request.url = address::below(&self.url, &path)?;
        request.shown = masked(&address::joined(&self.shown, &path));
        for (name, value) in &self.headers {
            if !request.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name)) {
                request.headers.push((name.clone(), value.clone()));
            }
        }
        Ok(request)
    }

    /// Does this host and port belong to it?
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.url.host_str() == Some(host) && self.url.port_or_known_default() == Some(port)
    }
}

impl Connections {
    /// The HTTP connection of this name.
    pub fn http(&self, name: &ConnectionName) -> Result<&HttpConnection, Fault> {
        self.http.get(name.as_str()).ok_or_else(|| missing(name, ConnectionKind::Http))
    }

    /// The database of this name.
    pub fn database(&self, name: &ConnectionName) -> Result<Arc<Database>, Fault> {
        let made = self.databases.get(name.as_str()).ok_or_else(|| missing(name, ConnectionKind::Sql))?;
        Ok(made.it.clone())
    }

    /// The mail server of this name.
    pub fn mail(&self, name: &ConnectionName) -> Result<Mail, Fault> {
        let made = self.mails.get(name.as_str()).ok_or_else(|| missing(name, ConnectionKind::Smtp))?;
        Ok(made.it.clone())
    }

    /// The folder of this name.
    pub fn folder(&self, name: &ConnectionName) -> Result<&Path, Fault> {
        let folder = self.folders.get(name.as_str()).ok_or_else(|| missing(name, ConnectionKind::Folder))?;
        Ok(folder)
    }

    /// The connection of this name, of any kind.
    pub(super) fn any(&self, name: &str) -> Option<Target> {
        let http = self.http.get(name).cloned().map(Target::Http);
        let database = || self.databases.get(name).map(|made| Target::Database(made.it.clone()));
        let mail = || self.mails.get(name).map(|made| Target::Mail(made.it.clone()));
        let folder = || self.folders.get(name).cloned().map(Target::Folder);
        http.or_else(database).or_else(mail).or_else(folder)
    }

    /// All valid names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let http = self.http.keys().chain(self.databases.keys());
        let mut names: Vec<&str> =
            http.chain(self.mails.keys()).chain(self.folders.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// All HTTP connections.
    pub(super) fn all_http(&self) -> impl Iterator<Item = &HttpConnection> {
        self.http.values()
    }

    /// Keeps a connection as it was.
    fn keep(&mut self, name: &str, before: &Self) {
        let own = || name.to_owned();
        self.http.extend(before.http.get(name).map(|http| (own(), http.clone())));
        self.databases.extend(before.databases.get(name).map(|made| (own(), made.clone())));
        self.mails.extend(before.mails.get(name).map(|made| (own(), made.clone())));
        self.folders.extend(before.folders.get(name).map(|folder| (own(), folder.clone())));
    }

    /// The kind of a connection in the file, valid or not; `None` if the file has no such connection. One whose kind
    /// cannot be read has none.
    pub fn kind_of(&self, name: &ConnectionName) -> Option<Option<ConnectionKind>> {
        self.names.get(name.as_str()).copied()
    }
}

/// The failure of a step whose connection does not work.
fn missing(name: &ConnectionName, kind: ConnectionKind) -> Fault {
    Fault::new(ErrorKind::Io, format!("connections.yaml has no {} `{name}` that works.", kind.word()))
}

/// Reads the text of connections.yaml. Connections with a problem are left out, the others work; one whose secret
/// cannot be read now stays as it was in `before`. `${file:path}` is relative to `project`; the engine stores its runs
/// in the file `store`, which no connection can reach. Entries that are the same as in `before` keep their pools.
pub fn read_connections(text: &str, project: &Path, store: &Path, before: &Connections) -> (Connections, Vec<Problem>) {
    let mut reader = Reader { project, own: Own::new(project, store), before, may_pass: false, problems: Vec::new() };
    let mut connections = Connections::default();
    match yaml::parse(text) {
        Err(problem) => reader.problems.push(problem),
        Ok(root) if root.is_null() => {}
        Ok(root) => {
            let Some(entries) = root.entries() else {
                reader.wrong(root.place, "connections.yaml must be a map from names to connections");
                return (connections, reader.problems);
            };
            for entry in entries {
                connections.names.insert(entry.key.clone(), kind_in(&entry.value));
                reader.may_pass = false;
                if reader.connection(&entry.key, &entry.value, &mut connections).is_none() && reader.may_pass {
                    connections.keep(&entry.key, before);
                }
            }
        }
    }
    (connections, reader.problems)
}

/// The kind of a connection, from the one key of its entry.
fn kind_in(node: &Node) -> Option<ConnectionKind> {
    let [entry] = node.entries()? else { return None };
    ConnectionKind::ALL.into_iter().find(|kind| kind.key() == entry.key)
}

struct Reader<'a> {
    project: &'a Path,
    own: Own,
    before: &'a Connections,
    /// The connection being read has a secret whose file cannot be read now.
    may_pass: bool,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn connection(&mut self, name: &str, node: &Node, connections: &mut Connections) -> Option<()> {
        let [entry] = node.entries().unwrap_or_default() else {
            self.wrong(node.place, "A connection has one kind, such as `http: { url: https://… }`");
            return None;
        };
        match kind_in(node) {
            Some(ConnectionKind::Http) => {
                connections.http.insert(name.to_owned(), self.http(entry)?);
            }
            Some(ConnectionKind::Sql) => {
                let made = self.sql(name, entry)?;
                connections.databases.insert(name.to_owned(), made);
            }
            Some(ConnectionKind::Smtp) => {
                let of = self.texts(entry, ["url", "from"], 1)?;
                let before = self.before.mails.get(name).filter(|made| made.of == of).map(|made| made.it.clone());
                let it = match before {
                    Some(mail) => mail,
                    None => self.made(entry, Mail::new(&of))?,
                };
                connections.mails.insert(name.to_owned(), Made { of: of.into(), it });
            }
            Some(ConnectionKind::Folder) => {
                let [path] = self.texts(entry, ["path"], 1)?;
                let path = path.as_ref().map(Secret::reveal).unwrap_or_default();
                let folder = self.made(entry, folder(path, self.project, &self.own))?;
                connections.folders.insert(name.to_owned(), folder);
            }
            None => {
                let message = format!("There are no connections of the kind `{}`", entry.key);
                let problem = Problem::new(codes::UNKNOWN_KEY, entry.place, message);
                self.problems.push(problem.with_hint("The kinds are `http`, `sql`, `smtp` and `folder`."));
            }
        }
        Some(())
    }

    fn sql(&mut self, name: &str, entry: &Entry) -> Option<Made<Arc<Database>>> {
        let of = self.texts(entry, ["url", "pool"], 1)?;
        if let Some(before) = self.before.databases.get(name).filter(|made| made.of == of) {
            return Some(Made { of: of.into(), it: before.it.clone() });
        }
        let [url, pool] = &of;
        let pool = match pool.as_ref().map(|text| text.reveal().parse()) {
            None => POOL,
            Some(Ok(pool @ 1..=1000)) => pool,
            Some(_) => {
                self.wrong(entry.value.place, "`pool` must be a number of connections from 1 to 1000");
                return None;
            }
        };
        let url = url.as_ref().map(Secret::reveal).unwrap_or_default();
        let database = self.made(entry, Database::new(url, pool, self.project, &self.own))?;
        Some(Made { of: of.into(), it: Arc::new(database) })
    }

    /// Adds the connection that was built, or the problem that it has.
    fn made<T>(&mut self, entry: &Entry, made: Result<T, String>) -> Option<T> {
        match made {
            Ok(made) => Some(made),
            Err(message) => {
                self.wrong(entry.value.place, &message);
                None
            }
        }
    }

    /// The texts of these keys; the first ones are required.
    fn texts<const N: usize>(&mut self, entry: &Entry, keys: [&str; N], needed: usize) -> Option<[Option<Secret>; N]> {
        let kind = &entry.key;
        let mut found = [const { None }; N];
        for field in entry.value.entries().unwrap_or_default() {
            match keys.iter().position(|key| *key == field.key).and_then(|at| found.get_mut(at)) {
                Some(place) => *place = Some(self.secret(&field.value)?),
                None => {
                    let message = format!("A connection of the kind `{kind}` has no key `{}`", field.key);
                    self.problems.push(Problem::new(codes::UNKNOWN_KEY, field.place, message));
                    return None;
                }
            }
        }
        let missing = keys.iter().zip(&found).take(needed).find(|(_, text)| text.is_none());
        if let Some((key, _)) = missing {
            self.wrong(entry.value.place, &format!("A connection of the kind `{kind}` needs `{key}`"));
            return None;
        }
        Some(found)
    }

    fn http(&mut self, entry: &Entry) -> Option<HttpConnection> {
        let Some(fields) = entry.value.entries() else {
            self.wrong(entry.value.place, "`http` must be a map with `url` and perhaps `headers`");
            return None;
        };
        let mut url = None;
        let mut headers = Vec::new();
        for field in fields {
            match field.key.as_str() {
                "url" => url = Some(self.secret(&field.value)?),
                "headers" => {
                    for header in field.value.entries().unwrap_or_default() {
                        headers.push((header.key.clone(), self.secret(&header.value)?.reveal().to_owned()));
                    }
                }
                other => {
                    let message = format!("An HTTP connection has no key `{other}`; its keys are `url` and `headers`");
                    self.problems.push(Problem::new(codes::UNKNOWN_KEY, field.place, message));
                    return None;
                }
            }
        }
        let Some(url) = url else {
            self.wrong(entry.value.place, "An HTTP connection needs a `url`");
            return None;
        };
        match Url::parse(url.reveal()) {
            Ok(parsed) if parsed.query().or(parsed.fragment()).is_some() => {
                let wanted = "`url` of an HTTP connection must end before `?` and `#`: the addresses of steps are appended to it";
                self.wrong(entry.value.place, wanted);
                None
            }
            Ok(mut parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                if let Some(login) = login::take(&mut parsed).filter(|_| !named) {
                    headers.push(("Authorization".to_owned(), login));
                }
                Some(HttpConnection { url: parsed, shown: login::shown(url.shown()), headers })
            }
            _ => {
                self.wrong(entry.value.place, "`url` must be an address that begins with http:// or https://");
                None
            }
        }
    }

    /// A text with its `${env:NAME}` and `${file:path}` filled in.
    fn secret(&mut self, node: &Node) -> Option<Secret> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong(node.place, "A text is expected here");
            return None;
        };
        match Secret::fill(&scalar.text, self.project) {
            Ok(text) => Some(text),
            Err(unfilled) => {
                self.wrong(place_of(scalar, unfilled.offset), &unfilled.message);
                self.may_pass |= unfilled.may_pass;
                None
            }
        }
    }

    fn wrong(&mut self, place: Place, message: &str) {
        self.problems.push(Problem::new(codes::WRONG_VALUE, place, masked(message)));
    }
}

/// A folder of a connection: anywhere except where the engine keeps its own files.
fn folder(path: &str, project: &Path, own: &Own) -> Result<PathBuf, String> {
    let folder = project.join(path);
    if own.holds(&folder) || own.is_below(&folder) {
        return Err(format!("`{path}` holds the engine's own data/, which no step reaches"));
    }
    Ok(folder)
}

fn place_of(scalar: &Scalar, offset: usize) -> Place {
    scalar.places.at(&scalar.text, offset)
}
