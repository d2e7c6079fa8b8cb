//! Bodies that are small compared with their decoded form, through every entry point that decodes something.

use crate::field::{Act, Attack, Field, KEY, Stage, admin};
use crate::payloads as p;
use crate::peer::{Peer, Reply};
use crate::wire::{Request, Told};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Xml,
    Csv,
    Form,
}
use Format::*;

impl Format {
    fn media(self) -> &'static str {
        match self {
            Json => "application/json",
            Xml => "application/xml",
            Csv => "text/csv",
            Form => "application/x-www-form-urlencoded",
        }
    }

    /// The function that scripts read it with.
    fn function(self) -> &'static str {
        match self {
            Json => "JSON.Decode",
            Xml => "XML.Decode",
            Csv => "CSV.Decode",
            Form => "URLDecode",
        }
    }
}

/// The entry points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    /// A webhook, with its key.
    Webhook,
    /// The same, compressed with gzip.
    Packed,
    /// A webhook, with a wrong key: nothing is decoded for it.
    WrongKey,
    /// The same, compressed with gzip.
    WrongKeyPacked,
    /// A webhook without a key.
    Open,
    /// The token contract with a wrong token.
    WrongToken,
    /// The token contract.
    Token,
    /// The address of an event.
    Callback,
    /// A forged address of an event.
    ForgedCallback,
    /// A run that an admin starts.
    Run,
    /// Variables of what an admin evaluates.
    Evaluate,
    /// An admin's body for something else.
    Admin,
    /// The answer of a peer.
    Answer,
    /// A file.
    File,
    /// A text that a script decodes.
    Script,
}
use Door::*;

const OF_JSON: &[Door] = &[
    Webhook,
    Packed,
    WrongKey,
    WrongKeyPacked,
    Open,
    WrongToken,
    Token,
    Callback,
    ForgedCallback,
    Run,
    Evaluate,
    Admin,
    Answer,
    File,
    Script,
];
const OF_OTHERS: &[Door] =
    &[Webhook, Packed, WrongKey, WrongKeyPacked, Open, Callback, ForgedCallback, Answer, File, Script];
const OF_FORMS: &[Door] = &[Webhook, Packed, WrongKey, WrongKeyPacked, Open, Callback, ForgedCallback];

impl Format {
    fn doors(self) -> &'static [Door] {
        match self {
            Json => OF_JSON,
            Xml | Csv => OF_OTHERS,
            Form => OF_FORMS,
        }
    }
}

/// A row: its finding, its name, its format, the body, and the entry points that are always tried.
type Row = (&'static str, &'static str, Format, fn() -> String, &'static [Door]);

/// Each through all entry points of its format, four at a time.
const ROWS: &[Row] = &[
    ("S1", "rows of different names, 47 KB", Json, || p::ragged(4_000), &[Webhook, WrongToken, Callback, Answer]),
    (
        "S1",
        "rows of different names, 1 MB",
        Json,
        || p::ragged(68_000),
        &[WrongKeyPacked, Token, Evaluate, File, Script],
    ),
    ("S1", "rows with one name in common", Json, || p::half_ragged(40_000), &[Open]),
    ("S1", "rows that slide over names", Json, || p::sliding(4_000, 20), &[Run]),
    ("S1", "tables of different names in rows", Json, || p::nested_ragged(30, 2_000), &[Packed]),
    ("S1", "one record of many names", Json, || p::wide(80_000), &[Webhook]),
    ("S1", "one name many times", Json, || p::same_key(150_000), &[Webhook]),
    ("S1", "many empty lists", Json, || p::many("[]", 340_000), &[Webhook]),
    ("S1", "many empty records", Json, || p::many("{}", 340_000), &[Answer]),
    ("S1", "many digits", Json, || p::many("1", 500_000), &[]),
    ("S1", "many records of one name", Json, || p::many("{\"a\":1}", 125_000), &[]),
    ("S1", "lists in lists", Json, || p::deep(500_000), &[Webhook, WrongToken]),
    ("S1", "records in records", Json, || p::deep_records(160_000), &[Script]),
    ("S1", "rows of different names", Xml, || p::xml_ragged(55_000), &[Webhook, Answer]),
    ("S1", "rows of different attributes", Xml, || p::xml_ragged_attributes(60_000), &[Script]),
    ("S1", "many elements of different names", Xml, || p::xml_wide(100_000), &[]),
    ("S1", "many attributes", Xml, || p::xml_attributes(90_000), &[Webhook]),
    ("S1", "elements in elements", Xml, || p::xml_deep(140_000), &[Callback]),
    ("S1", "elements and texts in turns", Xml, || p::xml_mixed(190_000), &[]),
    ("S1", "entities", Xml, p::xml_entities, &[Webhook]),
    ("S3", "repeated names of columns", Csv, || p::csv_repeated(250_000), &[Webhook, File]),
    ("S3", "many columns", Csv, || p::csv_wide(50_000, 10), &[Webhook]),
    ("S3", "many columns in a few rows", Csv, || p::csv_wide(500, 1_500), &[]),
    ("S3", "many empty rows", Csv, || p::csv_tall(480_000), &[Script]),
    ("S3", "many names, 356 KB", Form, || p::form_names(48_000), &[Webhook, Callback]),
    ("S3", "many names, 1 MB", Form, || p::form_names(130_000), &[]),
    ("S3", "one name many times", Form, || p::form_repeated(340_000), &[Webhook]),
    ("S3", "many names twice", Form, || p::form_twice(60_000), &[]),
    ("S3", "one name in two spellings", Form, || p::form_spelt(200_000), &[]),
];

/// The attacks of the table.
pub fn attacks() -> Vec<Attack> {
    let each = ROWS.iter().flat_map(|row| row.2.doors().iter().map(move |door| (row, *door)));
    each.map(|((row, name, format, text, always), door)| Attack {
        row,
        name: format!("{format:?}, {name}: {door:?}"),
        always: always.contains(&door),
        stage: Box::new(move || door.stage(*format, *text)),
        act: door.act(*format, *text),
    })
    .collect()
}

const EVENT: &str = "steps:\n  - id: answer\n    wait: { event: answer }\noutput: done\n";

impl Door {
    fn stage(self, format: Format, text: fn() -> String) -> Stage {
        let hook = |settings: &str, steps: &str| {
            let given = "processing: { input: \"[value: body]\" }";
            let trigger = format!("trigger: {{ webhook: {{ response: wait, {settings}{given} }} }}");
            // Scripts that decode use the threads for scripts at most this long.
            let head = "limits: { run: 1s }\ninput: { value: any }\n";
            Stage::of([("workflows/target.yaml", format!("{head}{trigger}\n{steps}output: done\n"))])
        };
        let decoded = |text: &str| format!("  - id: made\n    script: return {}({text});\n", format.function());
        match self {
            Open => hook("auth: none, ", ""),
            Token | Run => Stage::of([(
                "workflows/target.yaml",
                "input: { value: any }\ntrigger: { webhook: { } }\noutput: done\n",
            )]),
            Callback | ForgedCallback => Stage::of([
                ("flowscript.toml", "publicUrl = \"http://flow.example.com\"\n"),
                ("workflows/target.yaml", EVENT),
            ]),
            Answer => {
                let body = text();
                let media = format.media().to_owned();
                let peer = Peer::new(move |_, _| Reply {
                    status: 200,
                    headers: vec![("Content-Type", media.clone())],
                    body: body.clone(),
                });
                let step = format!("  - id: got\n    http: {{ url: \"http://{}/\" }}\n", peer.address);
                let also = if format == Json { String::new() } else { decoded("got.text") };
                let mut stage = hook("", &format!("steps:\n{step}{also}"));
                stage.files.push(("flowscript.toml".into(), peer.allow()));
                stage
            }
            File => {
                let suffix = format!("{format:?}").to_lowercase();
                let step = format!("  - id: got\n    file: {{ read: \"bomb.{suffix}\" }}\n");
                let also = if format == Xml { decoded("got") } else { String::new() };
                let read = if format == Xml { step.replace("\" }", "\", as: text }") } else { step };
                let mut stage = hook("", &format!("steps:\n{read}{also}"));
                stage.files.push((format!("files/bomb.{suffix}"), text()));
                stage
            }
            Script => hook("", &format!("steps:\n{}", decoded("value"))),
            _ => hook("", ""),
        }
    }

    fn act(self, format: Format, text: fn() -> String) -> Act {
        Box::new(move |field| {
            let text = text();
            let target = Request::new("POST", "/hooks/target").with("Content-Type", format.media());
            let keyed = target.clone().with("X-API-Key", KEY);
            let wrong = target.clone().with("X-API-Key", "key-of-nobody-at-all");
            let packed = |request: Request| request.with("Content-Encoding", "gzip").body(p::gzip(text.as_bytes()));
            let contract = |token: &str| {
                let body = format!("{{\"token\":\"{token}\",\"properties\":{{\"value\":{text}}}}}");
                Request::new("POST", "/webhook/payload").json(&body)
            };
            let request =
                match self {
                    Webhook => keyed.body(text),
                    Packed => packed(keyed),
                    WrongKey => wrong.body(text),
                    WrongKeyPacked => packed(wrong),
                    Open => target.body(text),
                    WrongToken => contract("key-of-nobody-at-all"),
                    Token => contract(KEY),
                    Callback => event(field)?.with("Content-Type", format.media()).body(text),
                    ForgedCallback => {
                        let path = format!("/callbacks/{}/answer/{}", uuid(field)?, "0".repeat(64));
                        Request::new("POST", &path).with("Content-Type", format.media()).body(text)
                    }
                    Run => admin("POST", "/api/v1/workflows/target/run")
                        .json(&format!("{{\"input\":{{\"value\":{text}}}}}")),
                    Evaluate => admin("POST", "/api/v1/evaluate")
                        .json(&format!("{{\"source\":\"1\",\"input\":{{\"v\":{text}}}}}")),
                    Admin => admin("POST", "/api/v1/keys").json(&text),
                    Answer | File => Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"),
                    Script => Request::new("POST", "/hooks/target")
                        .with("X-API-Key", KEY)
                        .with("Content-Type", "text/plain")
                        .body(text),
                };
            let told = field.ask_often(&request, 4);
            let strangers = matches!(self, WrongKey | WrongKeyPacked | WrongToken | ForgedCallback);
            let fits = |told: &Told| {
                if strangers { matches!(told.status, 401 | 403 | 404) } else { told.status != 0 }
            };
            note(field, &told);
            match told.into_iter().find(|told| !told.as_ref().is_ok_and(fits)) {
                None => Ok(()),
                Some(Ok(told)) => Err(format!("it was answered {} {}", told.status, told.body())),
                Some(Err(error)) => Err(error),
            }
        })
    }
}

/// The received answers, for the report.
pub fn note(field: &mut Field, told: &[Result<Told, String>]) {
    let mut counts = BTreeMap::new();
    for told in told {
        *counts.entry(told.as_ref().map_or(0, |told| told.status)).or_insert(0) += 1;
    }
    field.notes.push(format!("answers {counts:?}"));
}

/// A run of the target that waits for its event.
fn waiting(field: &Field) -> Result<Json, String> {
    let started = field.ask(&admin("POST", "/api/v1/workflows/target/run").json("{}"))?;
    let body: Json = serde_json::from_str(started.body()).unwrap_or_default();
    let run = body["runId"].as_str().ok_or(started.text.clone())?;
    let mut shown = json!(null);
    field.wait("the target waits", Duration::from_secs(20), || {
        shown = field.api(&format!("/runs/{run}"));
        shown["state"] == "waiting"
    })?;
    Ok(shown)
}

fn uuid(field: &Field) -> Result<String, String> {
    Ok(waiting(field)?["id"].as_str().unwrap_or_default().to_owned())
}

/// The address of its event.
fn event(field: &Field) -> Result<Request, String> {
    let shown = waiting(field)?;
    let address = shown["steps"][0]["callbackUrl"].as_str().unwrap_or_default().to_owned();
    let path = address.strip_prefix("http://flow.example.com").ok_or(format!("no address: {shown}"))?;
    Ok(Request::new("POST", path))
}
