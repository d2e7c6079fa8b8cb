//! Large values of many runs at once: in the middle of runs, at their ends, and of peers.

use crate::bodies::note;
use crate::field::{Attack, Field, KEY, Stage};
use crate::peers::peer;
use crate::wire::Request;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Runs that take much: its name, the lines of the workflow from its trigger on, and whether it is tried always. `PEER`
/// is replaced by a peer that answers after two seconds, with 8 MB for `/large`.
const VALUES: &[(&str, &str, bool)] = &[
    (
        "a list of 8 MB as JSON",
        "trigger: { webhook: { response: wait } }\noutput: \"{[v: Repeat('x', 8000000)]}\"\n",
        false,
    ),
    (
        "8 MB in answers that come first",
        "durability: relaxed\ntrigger: { webhook: { response: wait } }\noutput: \"{Repeat('x', 8000000)}\"\n",
        false,
    ),
    ("8 MB that nobody waits for", "trigger: { webhook: { } }\noutput: \"{Repeat('x', 8000000)}\"\n", false),
    (
        "8 MB in a variable while a peer is asked",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - set: { w: \"Repeat('w', 8000000)\" }\n  - http: { url: \"http://PEER/\" }\noutput: \"{Len(w)}\"\n",
        false,
    ),
    (
        "8 MB in a variable behind a peer's answer",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - http: { url: \"http://PEER/\" }\n  - set: { w: \"Repeat('w', 8000000)\" }\n  - http: { url: \"http://PEER/\" }\noutput: \"{Len(w)}\"\n",
        false,
    ),
    (
        "8 MB that are kept",
        "trigger: { webhook: { } }\nsteps:\n  - set: { w: \"Repeat('w', 8000000)\" }\n  - checkpoint: here\n  - http: { url: \"http://PEER/\" }\noutput: \"{Len(w)}\"\n",
        false,
    ),
    (
        "8 MB of a peer",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - id: got\n    http: { url: \"http://PEER/large\" }\n  - http: { url: \"http://PEER/\" }\noutput: \"{Len(got.text)}\"\n",
        false,
    ),
    (
        "8 MB of a peer that a script asks",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - id: got\n    script: \"return HTTP.Request('http://PEER/large').text;\"\n  - http: { url: \"http://PEER/\" }\noutput: \"{Len(got)}\"\n",
        false,
    ),
    (
        "8 MB for a peer",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - http: { method: POST, url: \"http://PEER/\", body: \"{Repeat('w', 8000000)}\" }\noutput: done\n",
        false,
    ),
    (
        "8 MB that a run responds with",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - respond: { status: 200, body: \"{Repeat('w', 8000000)}\" }\n  - http: { url: \"http://PEER/\" }\noutput: done\n",
        false,
    ),
    (
        "14 MB of log lines",
        "trigger: { webhook: { response: wait } }\nsteps:\n  - script: |\n      for i in Range(0, 900) { log(Repeat('x', 16000)); }\n  - http: { url: \"http://PEER/\" }\noutput: done\n",
        false,
    ),
    (
        "8 MB of one in three",
        "input: { n: { type: number, default: 0 } }\ntrigger: { webhook: { response: wait } }\noutput: \"{Repeat('x', case when Random() < 0.33 then 8000000 else 8 end)}\"\n",
        false,
    ),
];

/// The number of workflows over which the callers of a row are spread.
const MANY: usize = 20;

/// Reads requests, and answers two seconds later.
fn slow(stream: TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
        while lines.read_line(&mut line)? > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or_default();
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            line.clear();
        }
        if first.is_empty() {
            return Ok(());
        }
        std::io::copy(&mut (&mut lines).take(length), &mut std::io::sink())?;
        std::thread::sleep(Duration::from_secs(2));
        let body = if first.contains("/large") { "y".repeat(8_000_000) } else { "1".to_owned() };
        stream.write_all(
            format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes(),
        )?;
        stream.write_all(body.as_bytes())?;
    }
}

/// The attacks of the table, each by a hundred callers at once.
pub fn attacks() -> Vec<Attack> {
    let many = (
        format!("8 MB of {MANY} workflows"),
        "trigger: { webhook: { response: wait } }\noutput: \"{Repeat('x', 8000000)}\"\n",
        false,
        MANY,
    );
    let rows = VALUES.iter().map(|(name, text, always)| ((*name).to_owned(), *text, *always, 1));
    let attacks = rows.chain([many]).map(|(name, text, always, workflows)| Attack {
        row: "S10",
        name: format!("100 runs with {name}"),
        always,
        stage: Box::new(move || {
            let address = peer(slow);
            let text = text.replace("PEER", &address);
            let mut files = vec![("flowscript.toml".to_owned(), format!("[http]\nallow = [\"{address}\"]\n"))];
            files.push(("workflows/target.yaml".to_owned(), text.clone()));
            let open = text.replace("webhook: { ", "webhook: { auth: none, ");
            files.extend((1..workflows).map(|number| (format!("workflows/target{number}.yaml"), open.clone())));
            Stage { within: Some(Duration::from_secs(120)), ..Stage::of(files) }
        }),
        act: Box::new(move |field| ask_all(field, workflows)),
    });
    attacks.collect()
}

/// A hundred callers at once; every run reported to them ends.
fn ask_all(field: &mut Field, workflows: usize) -> Result<(), String> {
    let told: Vec<_> = std::thread::scope(|scope| {
        let field = &*field;
        let ask = |number: usize| match number % workflows {
            0 => Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"),
            number => Request::new("POST", &format!("/hooks/target{number}")).json("{}"),
        };
        let asked: Vec<_> = (0..100).map(|number| scope.spawn(move || field.ask(&ask(number)))).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    note(field, &told);
    let mut runs = Vec::new();
    for told in told.into_iter().flatten() {
        if ![200, 202, 503, 504].contains(&told.status) {
            return Err(format!("it was answered {}", told.text.chars().take(300).collect::<String>()));
        }
        if told.status == 503 && !told.text.to_ascii_lowercase().contains("\r\nretry-after: ") {
            return Err("it does not say when to ask again".to_owned());
        }
        let id = told.body().split_once("\"runId\":\"").and_then(|(_, rest)| rest.split('"').next());
        runs.extend(id.filter(|_| told.status != 200).map(str::to_owned));
    }
    let count = runs.len();
    field.wait("every run that was named has completed", Duration::from_secs(60), || {
        runs.retain(|run| field.state(run).as_deref() != Some("completed"));
        runs.is_empty()
    })?;
    field.notes.push(format!("{count} named runs completed"));
    Ok(())
}
