//! A mail server in a process of its own: this test program again, asked to serve instead of to test.

use crate::server::wait_for;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// The variable that names the folder of a server's messages.
const FOLDER: &str = "FLOWSCRIPT_TEST_SMTP";

/// A running mail server; it knows the user `flow` with the password `secret`.
pub struct Smtp {
    child: Child,
    folder: TempDir,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl Smtp {
    /// Starts one.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "smtp::serves_where_it_is_asked_to", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let address =
            wait_for("the mail server listens", || std::fs::read_to_string(folder.path().join("address")).ok());
        Self { child, folder, address }
    }

    /// The received messages, headers and all, with their receivers in front.
    pub fn messages(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap().map(Result::unwrap);
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|suffix| suffix == "eml"));
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serves_where_it_is_asked_to() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = PathBuf::from(folder);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let temporary = folder.join("address.new");
    std::fs::write(&temporary, listener.local_addr().unwrap().to_string()).unwrap();
    std::fs::rename(temporary, folder.join("address")).unwrap();
    for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
        let folder = folder.clone();
        std::thread::spawn(move || talk(stream, &folder, number));
    }
}

fn talk(mut stream: TcpStream, folder: &Path, number: usize) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().ok()?).lines().map_while(Result::ok);
    let mut say = move |text: &str| stream.write_all(format!("{text}\r\n").as_bytes()).ok();
    let mut receivers = String::new();
    let mut messages = 0;
    say("220 test ESMTP")?;
    while let Some(line) = lines.next() {
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match word.as_str() {
            "EHLO" => say("250-test\r\n250 AUTH PLAIN")?,
            "AUTH" if line.ends_with(" AGZsb3cAc2VjcmV0") => say("235 welcome")?,
            "AUTH" => say("535 5.7.8 wrong password")?,
            "RCPT" if line.contains("nobody@") => say("550 5.1.1 no such receiver")?,
            "RCPT" => {
                receivers.push_str(&line);
                receivers.push('\n');
                say("250 ok")?;
            }
            "DATA" => {
                say("354 go on")?;
                let body: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                let text = format!("{receivers}{}\n", body.join("\n"));
                let temporary = folder.join(format!("{number}-{messages}.new"));
                std::fs::write(&temporary, text).ok()?;
                std::fs::rename(temporary, folder.join(format!("{number:04}-{messages:04}.eml"))).ok()?;
                messages += 1;
                receivers.clear();
                say("250 kept")?;
            }
            "QUIT" => return say("221 bye"),
            _ => say("250 ok")?,
        }
    }
    Some(())
}
