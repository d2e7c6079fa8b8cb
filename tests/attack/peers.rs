//! Peers that mean it no good: what a step has asked comes packed, without an end, or not at all.

use crate::bodies::note;
use crate::field::{Attack, KEY, Stage, answer_within};
use crate::payloads as p;
use crate::wire::Request;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// A peer on a port of its own that does this with each connection; gives its address.
fn peer(talk: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // An error is the engine ending the connection.
            std::thread::spawn(move || talk(stream));
        }
    });
    address
}

/// Writes it again and again until the other side has enough.
fn without_end(stream: &mut TcpStream, part: &[u8]) -> std::io::Result<()> {
    let much = part.repeat((64 << 10) / part.len() + 1);
    loop {
        stream.write_all(&much)?;
    }
}

/// Writes it again and again, twice a second.
fn slowly(stream: &mut TcpStream, part: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(part)?;
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Answers each request on the connection with `answer`.
fn http(stream: TcpStream, answer: impl Fn(&mut TcpStream) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?);
    let mut stream = stream;
    loop {
        let mut line = String::new();
        while lines.read_line(&mut line)? > 2 {
            line.clear();
        }
        if line.is_empty() {
            return Ok(());
        }
        answer(&mut stream)?;
    }
}

fn head(stream: &mut TcpStream, headers: &str) -> std::io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\n{headers}\r\n").as_bytes())
}

/// A whole answer in this encoding.
fn packed(stream: &mut TcpStream, encoding: &str, media: &str, body: &[u8]) -> std::io::Result<()> {
    let length = body.len();
    head(stream, &format!("Content-Encoding: {encoding}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n"))?;
    stream.write_all(body)
}

const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// An HTTP peer: its name, what it answers, and whether it is tried always.
type Answer = (&'static str, &'static str, fn(&mut TcpStream) -> std::io::Result<()>, bool);

const ANSWERS: &[Answer] = &[
    ("S1", "64 MB of zeros in gzip", |to| packed(to, "gzip", BYTES, &p::gzip_zeros(64)), false),
    ("S1", "64 MB of zeros in deflate", |to| packed(to, "deflate", BYTES, &p::deflate_zeros(64)), false),
    ("S1", "64 MB of zeros in br", |to| packed(to, "br", BYTES, &p::brotli_zeros()), true),
    ("S1", "8 GB of zeros in zstd", |to| packed(to, "zstd", BYTES, &p::zstd(0, 65_536)), true),
    (
        "S1",
        "gzip in gzip in gzip",
        |to| packed(to, "gzip, gzip, gzip", BYTES, &p::gzip(&p::gzip(&p::gzip_zeros(256)))),
        true,
    ),
    ("S1", "16 MB of digits in zstd", |to| packed(to, "zstd", JSON, &p::zstd(b'1', 127)), false),
    ("S1", "lists in lists in zstd", |to| packed(to, "zstd", JSON, &p::zstd(b'[', 127)), true),
    (
        "S1",
        "8 MB of empty lists in gzip",
        |to| {
            static BODY: OnceLock<Vec<u8>> = OnceLock::new();
            packed(to, "gzip", JSON, BODY.get_or_init(|| p::gzip(p::many("[]", 2_700_000).as_bytes())))
        },
        true,
    ),
    (
        "S1",
        "rows of different names in gzip",
        |to| {
            static BODY: OnceLock<Vec<u8>> = OnceLock::new();
            packed(to, "gzip", JSON, BODY.get_or_init(|| p::gzip(p::ragged(500_000).as_bytes())))
        },
        true,
    ),
    (
        "S1",
        "16 MB of one record in gzip",
        |to| {
            static BODY: OnceLock<Vec<u8>> = OnceLock::new();
            packed(to, "gzip", JSON, BODY.get_or_init(|| p::gzip(p::wide(900_000).as_bytes())))
        },
        false,
    ),
    (
        "S1",
        "16 MB of text",
        |to| {
            head(to, "Content-Type: text/plain\r\nContent-Length: 16000000\r\n")?;
            to.write_all(&vec![b'x'; 16_000_000])
        },
        false,
    ),
    (
        "S18",
        "a body without an end",
        |to| {
            head(to, "")?;
            without_end(to, b"x")
        },
        true,
    ),
    (
        "S18",
        "chunks without an end",
        |to| {
            head(to, "Transfer-Encoding: chunked\r\n")?;
            without_end(to, b"1\r\nx\r\n")
        },
        true,
    ),
    (
        "S18",
        "a body that comes slowly",
        |to| {
            head(to, "Content-Length: 10000\r\n")?;
            slowly(to, b"x")
        },
        false,
    ),
    (
        "S18",
        "a body of nearly all numbers",
        |to| {
            head(to, "Content-Length: 18446744073709551615\r\n")?;
            slowly(to, b"x")
        },
        true,
    ),
    (
        "S18",
        "a chunk of nearly all numbers",
        |to| {
            head(to, "Transfer-Encoding: chunked\r\n")?;
            to.write_all(b"fffffffffffffff0\r\n")?;
            without_end(to, b"x")
        },
        false,
    ),
    (
        "S18",
        "a header without an end",
        |to| {
            to.write_all(b"HTTP/1.1 200 OK\r\nX-A: ")?;
            without_end(to, b"a")
        },
        true,
    ),
    (
        "S18",
        "headers without an end",
        |to| {
            to.write_all(b"HTTP/1.1 200 OK\r\n")?;
            without_end(to, b"X-A: a\r\n")
        },
        true,
    ),
    (
        "S18",
        "headers that come slowly",
        |to| {
            to.write_all(b"HTTP/1.1 200 OK\r\n")?;
            slowly(to, b"X-A: a\r\n")
        },
        false,
    ),
    (
        "S18",
        "a status without an end",
        |to| {
            to.write_all(b"HTTP/1.1 200 ")?;
            without_end(to, b"a")
        },
        false,
    ),
    ("S18", "no status at all, without an end", |to| without_end(to, b"a"), false),
    ("S18", "hints without an end", |to| without_end(to, b"HTTP/1.1 103 Early\r\nLink: a\r\n\r\n"), true),
    (
        "S18",
        "trailers without an end",
        |to| {
            head(to, "Transfer-Encoding: chunked\r\n")?;
            to.write_all(b"0\r\n")?;
            without_end(to, b"X-A: a\r\n")
        },
        true,
    ),
    (
        "S18",
        "an extension without an end",
        |to| {
            head(to, "Transfer-Encoding: chunked\r\n")?;
            to.write_all(b"1;")?;
            without_end(to, b"a")
        },
        false,
    ),
    (
        "S18",
        "redirects without an end",
        |to| to.write_all(b"HTTP/1.1 302 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n"),
        true,
    ),
    (
        "S18",
        "a redirect to a long address",
        |to| {
            to.write_all(
                format!("HTTP/1.1 302 X\r\nLocation: /{}\r\nContent-Length: 0\r\n\r\n", "a".repeat(60_000)).as_bytes(),
            )
        },
        false,
    ),
    (
        "S18",
        "a redirect with a body without an end",
        |to| {
            to.write_all(b"HTTP/1.1 307 X\r\nLocation: /again\r\n\r\n")?;
            without_end(to, b"x")
        },
        false,
    ),
    (
        "S18",
        "a failure with a body without an end",
        |to| {
            to.write_all(b"HTTP/1.1 500 X\r\n\r\n")?;
            without_end(to, b"x")
        },
        false,
    ),
    (
        "S18",
        "nothing",
        |to| {
            std::thread::sleep(Duration::from_secs(60));
            to.flush()
        },
        false,
    ),
];

/// How an answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A step of eight runs at once.
    Step,
    /// The same, into a file.
    File,
    /// A script.
    Script,
}

/// The attacks of all kinds of peers.
pub fn attacks() -> Vec<Attack> {
    let answers =
        ANSWERS.iter().flat_map(|answer| [Asked::Step, Asked::File, Asked::Script].map(|asked| (answer, asked)));
    let answers = answers.map(|((row, name, answer, always), asked)| {
        let talk = move |stream| http(stream, answer);
        attack(row, format!("a peer answers with {name}: {asked:?}"), *always && asked == Asked::Step, 8, move || {
            let address = peer(talk);
            let allow = ("flowscript.toml".to_owned(), format!("[http]\nallow = [\"{address}\"]\n"));
            let url = format!("http://{address}/");
            let step = match asked {
                Asked::Step => format!("  - id: got\n    http: {{ url: \"{url}\" }}\n    timeout: 3s\n"),
                // Whatever is taken of its end, it does not fill the disk.
                Asked::File => format!("  - id: got\n    http: {{ url: \"{url}\", saveAs: \"{{run.id}}\" }}\n    timeout: 3s\n  - file: {{ delete: \"{{run.id}}\" }}\n"),
                Asked::Script => format!("  - id: got\n    script: \"return HTTP.Request('{url}', {{timeout: 3}}).statusCode;\"\n"),
            };
            (allow, String::new(), step)
        })
    });
    let mail = MAIL.iter().map(|(name, talk, always)| {
        attack("S18", format!("a mail server sends {name}"), *always, 4, move || {
            let address = peer(*talk);
            let connection = format!("mail: {{ smtp: {{ url: \"smtp://{address}\", from: \"a@example.com\" }} }}\n");
            let step = "  - email: { connection: mail, to: [b@example.com], subject: s, body: b }\n    timeout: 3s\n"
                .to_owned();
            (("flowscript.toml".into(), String::new()), connection, step)
        })
    });
    let sql = SQL.iter().map(|(name, talk, always)| {
        attack("S18", format!("a database sends {name}"), *always, 4, move || {
            let address = peer(*talk);
            let connection = format!("db: {{ sql: {{ url: \"postgres://flow@{address}/flow?sslmode=disable\" }} }}\n");
            let step =
                "  - id: rows\n    sql: { connection: db, query: \"select 1 as a\" }\n    timeout: 3s\n".to_owned();
            (("flowscript.toml".into(), String::new()), connection, step)
        })
    });
    answers.chain(mail).chain(sql).collect()
}

type Files = ((String, String), String, String);

/// `times` runs at once of one step that meets the peer.
fn attack(
    row: &'static str,
    name: String,
    always: bool,
    times: usize,
    made: impl Fn() -> Files + Send + 'static,
) -> Attack {
    Attack {
        row,
        name,
        always,
        stage: Box::new(move || {
            let (settings, connections, step) = made();
            let head = "trigger: { webhook: { response: wait, timeout: 1m } }\nsteps:\n";
            let files = vec![
                ("workflows/target.yaml".to_owned(), format!("{head}{step}output: done\n")),
                ("connections.yaml".to_owned(), connections),
                settings,
            ];
            Stage::of(files.into_iter().filter(|(_, text)| !text.is_empty()))
        }),
        act: Box::new(move |field| {
            let started = Instant::now();
            let told = field.ask_often(&Request::new("POST", "/hooks/target").with("X-API-Key", KEY).json("{}"), times);
            note(field, &told);
            for told in told {
                let told = told?;
                if told.status != 200 && told.status != 500 {
                    return Err(format!("it was answered {}", told.text.chars().take(300).collect::<String>()));
                }
            }
            // Its three seconds, and what is made of the answer.
            if started.elapsed() > Duration::from_secs(8) + answer_within() {
                return Err(format!("it took {:.1?}", started.elapsed()));
            }
            Ok(())
        }),
    }
}

/// A mail server: its name, what it does, and whether it is tried always.
type Talk = (&'static str, fn(TcpStream) -> std::io::Result<()>, bool);

/// Greets, and hears the first command.
fn greet(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"220 mail\r\n")?;
    let _ = stream.read(&mut [0; 1024])?;
    Ok(())
}

const MAIL: &[Talk] = &[
    (
        "a greeting without an end",
        |mut to| {
            to.write_all(b"220 ")?;
            without_end(&mut to, b"a")
        },
        true,
    ),
    ("a greeting of lines without an end", |mut to| without_end(&mut to, b"220-a\r\n"), true),
    (
        "a greeting that is slow",
        |mut to| {
            to.write_all(b"220 ")?;
            slowly(&mut to, b"a")
        },
        false,
    ),
    ("zeros", |mut to| without_end(&mut to, b"\0"), false),
    (
        "abilities without an end",
        |mut to| {
            greet(&mut to)?;
            without_end(&mut to, b"250-a\r\n")
        },
        true,
    ),
    (
        "an ability without an end",
        |mut to| {
            greet(&mut to)?;
            to.write_all(b"250-")?;
            without_end(&mut to, b"a")
        },
        false,
    ),
    (
        "a refusal without an end",
        |mut to| {
            greet(&mut to)?;
            to.write_all(b"550 ")?;
            without_end(&mut to, b"a")
        },
        false,
    ),
];

/// A message of the protocol of PostgreSQL.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind], (body.len() as u32 + 4).to_be_bytes().as_slice(), body].concat()
}

/// Lets somebody in without a password.
fn let_in(stream: &mut TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(&[message(b'R', &[0; 4]), message(b'K', &[0; 8]), message(b'Z', b"I")].concat())
}

/// Hears the next question.
fn hear(stream: &mut TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    Ok(())
}

/// The beginning of a message of 2 GB, and what comes of it as fast as it is taken.
fn two_gigabytes(stream: &mut TcpStream, kind: u8) -> std::io::Result<()> {
    stream.write_all(&[&[kind], 0x7fff_fff0_u32.to_be_bytes().as_slice()].concat())?;
    without_end(stream, b"a")
}

const SQL: &[Talk] = &[
    (
        "a message of 2 GB before the login",
        |mut to| {
            hear(&mut to)?;
            two_gigabytes(&mut to, b'R')
        },
        true,
    ),
    (
        "an error of 2 GB before the login",
        |mut to| {
            hear(&mut to)?;
            two_gigabytes(&mut to, b'E')
        },
        false,
    ),
    (
        "a setting of 2 GB",
        |mut to| {
            hear(&mut to)?;
            to.write_all(&message(b'R', &[0; 4]))?;
            two_gigabytes(&mut to, b'S')
        },
        false,
    ),
    (
        "settings without an end",
        |mut to| {
            hear(&mut to)?;
            to.write_all(&message(b'R', &[0; 4]))?;
            without_end(&mut to, &message(b'S', b"application_name\0a\0"))
        },
        true,
    ),
    (
        "a message of 2 GB behind the login",
        |mut to| {
            let_in(&mut to)?;
            hear(&mut to)?;
            two_gigabytes(&mut to, b'T')
        },
        true,
    ),
    (
        "a row of 2 GB",
        |mut to| {
            let_in(&mut to)?;
            hear(&mut to)?;
            two_gigabytes(&mut to, b'D')
        },
        true,
    ),
    (
        "notices without an end",
        |mut to| {
            let_in(&mut to)?;
            hear(&mut to)?;
            without_end(&mut to, &message(b'N', b"SNOTICE\0C00000\0Mmany\0\0"))
        },
        true,
    ),
    (
        "notifications without an end",
        |mut to| {
            let_in(&mut to)?;
            hear(&mut to)?;
            without_end(&mut to, &message(b'A', b"\0\0\0\x01channel\0payload\0"))
        },
        false,
    ),
    (
        "2 GB of which nothing comes",
        |mut to| {
            hear(&mut to)?;
            to.write_all(&[&b"R"[..], &0x7fff_fff0_u32.to_be_bytes()].concat())?;
            slowly(&mut to, b"")
        },
        true,
    ),
    (
        "a message of less than nothing",
        |mut to| {
            hear(&mut to)?;
            to.write_all(b"R\xff\xff\xff\xff")?;
            without_end(&mut to, b"a")
        },
        false,
    ),
];
