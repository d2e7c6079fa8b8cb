//! A PostgreSQL server of the tests' own: a cluster in a temporary folder, ended with the test.

use crate::server::wait_for;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running server.
pub struct Postgres {
    child: Child,
    folder: TempDir,
    port: u16,
}

impl Postgres {
    /// Starts one with an empty database.
    pub fn start() -> Self {
        Self::start_with(|_| Vec::new())
    }

    /// The same, with settings that may name files of its folder.
    pub fn start_with(settings: impl Fn(&Path) -> Vec<String>) -> Self {
        let folder = tempfile::Builder::new().prefix("flowscript-pg").tempdir_in("/tmp").unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let settings = settings(folder.path());
        if is_root() {
            // The server refuses to run as root.
            let owned = Command::new("chown").arg("-R").arg("nobody").arg(folder.path()).status().unwrap();
            assert!(owned.success());
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let initialised = program("initdb")
            .arg("-D")
            .arg(&data)
            .args(["-U", "flow", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
            .output()
            .unwrap();
        assert!(initialised.status.success(), "{}", String::from_utf8_lossy(&initialised.stderr));
        let child = program("postgres")
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-k"])
            .arg(folder.path())
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let postgres = Self { child, folder, port };
        wait_for("PostgreSQL answers", || postgres.try_run("select 1").ok());
        postgres
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its address, as connections.yaml wants it.
    pub fn url(&self) -> String {
        format!("postgres://flow@127.0.0.1:{}/postgres", self.port)
    }

    /// Runs SQL; gives the rows as `a|b` lines.
    pub fn run(&self, sql: &str) -> String {
        self.try_run(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    /// Runs a file of SQL.
    #[allow(dead_code, reason = "only the attacks have one")]
    pub fn run_file(&self, path: &Path) {
        let done =
            Command::new(binary("psql")).args([&self.url(), "-qAt", "-v", "ON_ERROR_STOP=1", "-f"]).arg(path).output();
        let done = done.unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    fn try_run(&self, sql: &str) -> Result<String, String> {
        let done =
            Command::new(binary("psql")).args([&self.url(), "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql]).output();
        let done = done.map_err(|error| error.to_string())?;
        if !done.status.success() {
            return Err(String::from_utf8_lossy(&done.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim_end().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ =
            program("pg_ctl").arg("-D").arg(self.folder.path().join("data")).args(["-m", "immediate", "stop"]).output();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

/// A program of the server, run as a user other than root.
fn program(name: &str) -> Command {
    if !is_root() {
        return Command::new(binary(name));
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--clear-groups", "--"]).arg(binary(name)).current_dir("/");
    command
}

/// The path of a program of the server: on the path, or where distributions install it.
fn binary(name: &str) -> PathBuf {
    let on_path = std::env::var_os("PATH").map(|paths| std::env::split_paths(&paths).collect::<Vec<_>>());
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = installed.map(|version| version.path().join("bin"));
    let folders = on_path.unwrap_or_default().into_iter().chain(installed).chain(["/usr/libexec/postgresql".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{name} is not installed; tests/run.sh installs PostgreSQL"))
}
