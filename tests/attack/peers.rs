//! Hostile peers: the answer to a step comes without an end, or not at all.

use crate::bodies::note;
use crate::field::{Attack, KEY, Stage, answer_within};
use crate::wire::Request;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// A peer on a port of its own that does this with each connection; gives its address.
pub fn peer(talk: impl Fn(TcpStream) -> std::io::Result<()> + Send + Sync + Copy + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // An error means that the engine has ended the connection.
            std::thread::spawn(move || talk(stream));
        }
    });
    address
}

/// Writes it again and again until the other side closes.
pub fn without_end(stream: &mut TcpStream, part: &[u8]) -> std::io::Result<()> {
    let much = part.repeat((64 << 10) / part.len() + 1);
    loop {
        stream.write_all(&much)?;
    }
}

/// Writes it again and again, twice a second.
pub fn slowly(stream: &mut TcpStream, part: &[u8]) -> std::io::Result<()> {
    loop {
        stream.write_all(part)?;
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// The attacks of mail servers and databases.
pub fn attacks() -> Vec<Attack> {
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
    mail.chain(sql).collect()
}

pub type Files = ((String, String), String, String);

/// `times` runs at once of one step that uses the peer.
pub fn attack(
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
            // Its three seconds, and the time to process the answer.
            if started.elapsed() > Duration::from_secs(8) + answer_within() {
                return Err(format!("it took {:.1?}", started.elapsed()));
            }
            Ok(())
        }),
    }
}

/// A mail server: its name, its behaviour, and whether it is always tried.
type Talk = (&'static str, fn(TcpStream) -> std::io::Result<()>, bool);

/// Greets, and reads the first command.
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

/// Accepts a client without a password.
fn let_in(stream: &mut TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    stream.write_all(&[message(b'R', &[0; 4]), message(b'K', &[0; 8]), message(b'Z', b"I")].concat())
}

/// Reads the next query.
fn hear(stream: &mut TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    Ok(())
}

/// The beginning of a message of 2 GB, and its content as fast as it is read.
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
