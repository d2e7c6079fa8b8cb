//! connections.yaml: named targets with their credentials. Secrets come from the environment or from files.

use super::database::{Database, POOL};
use super::login;
use super::mail::Mail;
use super::own::Own;
use crate::workflow::problem::{Problem, codes};
use crate::yaml::{self, Entry, Node, Place, Scalar};
use reqwest::Url;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The connections of a project.
#[derive(Debug, Default)]
pub struct Connections {
    http: BTreeMap<String, HttpConnection>,
    databases: BTreeMap<String, Arc<Database>>,
    mails: BTreeMap<String, Mail>,
    folders: BTreeMap<String, PathBuf>,
    /// All names of the file, those with problems too.
    names: BTreeSet<String>,
}

/// `name: { http: { url, headers } }`
#[derive(Clone)]
pub struct HttpConnection {
    /// The address that step addresses are put behind.
    pub url: Url,
    /// Headers of every request, credentials among them.
    pub headers: Vec<(String, String)>,
}

impl std::fmt::Debug for HttpConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpConnection").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

impl HttpConnection {
    /// Does this host and port belong to it?
    pub(super) fn covers(&self, host: &str, port: u16) -> bool {
        self.url.host_str() == Some(host) && self.url.port_or_known_default() == Some(port)
    }
}

impl Connections {
    /// The HTTP connection of this name.
    pub fn http_of(&self, name: &str) -> Option<&HttpConnection> {
        self.http.get(name)
    }

    /// The database of this name.
    pub fn database(&self, name: &str) -> Option<Arc<Database>> {
        self.databases.get(name).cloned()
    }

    /// The mail server of this name.
    pub fn mail(&self, name: &str) -> Option<&Mail> {
        self.mails.get(name)
    }

    /// The folder of this name.
    pub fn folder(&self, name: &str) -> Option<&Path> {
        self.folders.get(name).map(PathBuf::as_path)
    }

    /// All names that work, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let http = self.http.keys().chain(self.databases.keys());
        let mut names: Vec<&str> =
            http.chain(self.mails.keys()).chain(self.folders.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.into_iter()
    }

    /// All HTTP connections.
    pub(super) fn http(&self) -> impl Iterator<Item = &HttpConnection> {
        self.http.values()
    }

    /// Does the file name it, whether it works or not?
    pub fn is_named(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// Reads the text of connections.yaml. Connections with a problem are left out, the others work. `${file:path}` is
/// relative to `project`; the engine keeps its runs in the file `store`, which no connection reaches.
pub fn read_connections(text: &str, project: &Path, store: &Path) -> (Connections, Vec<Problem>) {
    let mut reader = Reader { project, own: Own::new(project, store), problems: Vec::new() };
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
                connections.names.insert(entry.key.clone());
                reader.connection(&entry.key, &entry.value, &mut connections);
            }
        }
    }
    (connections, reader.problems)
}

struct Reader<'a> {
    project: &'a Path,
    own: Own,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn connection(&mut self, name: &str, node: &Node, connections: &mut Connections) -> Option<()> {
        let [entry] = node.entries().unwrap_or_default() else {
            self.wrong(node.place, "A connection has one kind, such as `http: { url: https://… }`");
            return None;
        };
        match entry.key.as_str() {
            "http" => {
                connections.http.insert(name.to_owned(), self.http(entry)?);
            }
            "sql" => {
                let [url, pool] = self.texts(entry, ["url", "pool"], 1)?;
                let pool = match pool.map(|text| text.parse()) {
                    None => POOL,
                    Some(Ok(pool @ 1..=1000)) => pool,
                    Some(_) => {
                        self.wrong(entry.value.place, "`pool` must be a number of connections from 1 to 1000");
                        return None;
                    }
                };
                let database =
                    self.made(entry, Database::new(&url.unwrap_or_default(), pool, self.project, &self.own))?;
                connections.databases.insert(name.to_owned(), Arc::new(database));
            }
            "smtp" => {
                let [url, from] = self.texts(entry, ["url", "from"], 1)?;
                let mail = self.made(entry, Mail::new(&url.unwrap_or_default(), from))?;
                connections.mails.insert(name.to_owned(), mail);
            }
            "folder" => {
                let [path, _] = self.texts(entry, ["path", ""], 1)?;
                let folder = self.made(entry, folder(&path.unwrap_or_default(), self.project, &self.own))?;
                connections.folders.insert(name.to_owned(), folder);
            }
            other => {
                let message = format!("There are no connections of the kind `{other}`");
                let problem = Problem::new(codes::UNKNOWN_KEY, entry.place, message);
                self.problems.push(problem.with_hint("The kinds are `http`, `sql`, `smtp` and `folder`."));
            }
        }
        Some(())
    }

    /// What was made of a connection, or the problem that it could not be.
    fn made<T>(&mut self, entry: &Entry, made: Result<T, String>) -> Option<T> {
        match made {
            Ok(made) => Some(made),
            Err(message) => {
                self.wrong(entry.value.place, &message);
                None
            }
        }
    }

    /// The texts of these keys, of which the first ones are needed.
    fn texts<const N: usize>(&mut self, entry: &Entry, keys: [&str; N], needed: usize) -> Option<[Option<String>; N]> {
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
                        headers.push((header.key.clone(), self.secret(&header.value)?));
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
        match Url::parse(&url) {
            Ok(parsed) if parsed.query().or(parsed.fragment()).is_some() => {
                let wanted =
                    "`url` of an HTTP connection must end before `?` and `#`: what steps ask for comes behind it";
                self.wrong(entry.value.place, wanted);
                None
            }
            Ok(mut parsed) if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() => {
                let named = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                if let Some(login) = login::take(&mut parsed).filter(|_| !named) {
                    headers.push(("Authorization".to_owned(), login));
                }
                Some(HttpConnection { url: parsed, headers })
            }
            _ => {
                self.wrong(entry.value.place, "`url` must be an address that begins with http:// or https://");
                None
            }
        }
    }

    /// A text with its `${env:NAME}` and `${file:path}` filled in.
    fn secret(&mut self, node: &Node) -> Option<String> {
        let Some(scalar) = node.scalar().filter(|_| !node.is_null()) else {
            self.wrong(node.place, "A text is wanted here");
            return None;
        };
        match fill(&scalar.text, self.project) {
            Ok(text) => Some(text),
            Err((offset, message)) => {
                self.wrong(place_of(scalar, offset), &message);
                None
            }
        }
    }

    fn wrong(&mut self, place: Place, message: &str) {
        self.problems.push(Problem::new(codes::WRONG_VALUE, place, message));
    }
}

/// A folder of a connection: anywhere, but not where the engine keeps its own files.
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

/// The text with its secrets; the error has the offset of the one that is not there.
pub(crate) fn fill(text: &str, project: &Path) -> Result<String, (usize, String)> {
    let mut filled = String::new();
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("${")).map(|found| at + found) {
        filled.push_str(text.get(at..start).unwrap_or_default());
        let Some(end) = text.get(start..).and_then(|rest| rest.find('}')).map(|found| start + found) else {
            return Err((start, "`${` is not closed by `}`".into()));
        };
        let inside = text.get(start + 2..end).unwrap_or_default();
        let value = match inside.split_once(':') {
            Some(("env", name)) => std::env::var(name).map_err(|_| format!("The environment has no `{name}`")),
            Some(("file", path)) => std::fs::read_to_string(project.join(path))
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| format!("`{path}` cannot be read: {error}")),
            _ => Err(format!("`${{{inside}}}` is neither ${{env:NAME}} nor ${{file:path}}")),
        };
        filled.push_str(&value.map_err(|message| (start, message))?);
        at = end + 1;
    }
    filled.push_str(text.get(at..).unwrap_or_default());
    Ok(filled)
}
