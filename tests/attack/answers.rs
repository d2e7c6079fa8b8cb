//! Answers of HTTP peers: compressed, without an end, too slow, or redirecting without end.

use crate::field::Attack;
use crate::payloads as p;
use crate::peers::{attack, peer, slowly, without_end};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::Duration;

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
        // A debug build takes half a minute.
        false,
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
    ("S18", "leave to go on without an end", |to| without_end(to, b"HTTP/1.1 100 Continue\r\n\r\n"), false),
    ("S18", "empty hints without an end", |to| without_end(to, b"HTTP/1.1 102 X\r\n\r\n"), false),
    ("S18", "settings of HTTP/2 without an end", |to| without_end(to, b"\0\0\0\x04\0\0\0\0\0"), false),
    (
        "S18",
        "chunks with extensions without an end",
        |to| {
            head(to, "Transfer-Encoding: chunked\r\n")?;
            without_end(to, b"1;a=b\r\nx\r\n")
        },
        false,
    ),
    (
        "S18",
        "empty members of gzip without an end",
        |to| {
            head(to, "Content-Encoding: gzip\r\n")?;
            without_end(to, &p::gzip(b""))
        },
        false,
    ),
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

/// How an answer is requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// A step of eight runs at once.
    Step,
    /// The same, into a file.
    File,
    /// A script.
    Script,
}

/// The attacks of the table.
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
                // If a part of its end is taken, it still does not fill the disk.
                Asked::File => format!("  - id: got\n    http: {{ url: \"{url}\", saveAs: \"{{run.id}}\" }}\n    timeout: 3s\n  - file: {{ delete: \"{{run.id}}\" }}\n"),
                Asked::Script => format!("  - id: got\n    script: \"return HTTP.Request('{url}', {{timeout: 3}}).statusCode;\"\n"),
            };
            (allow, String::new(), step)
        })
    });
    answers.collect()
}
