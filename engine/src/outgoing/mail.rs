//! Mail servers of connections.

use super::named::ConnectionName;
use super::smtp::Server;
use crate::script::{Fault, TIMEOUT};
use crate::secret::Secret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flowscript_lang::error::ErrorKind;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, Message, MultiPart, SinglePart};
use std::sync::Arc;
use std::time::Duration;

/// The longest line of a header.
const LINE: usize = 76;
/// A longer word of a subject is encoded, so that it can be folded.
const LONGEST_WORD: usize = 60;
/// The most bytes of an encoded word: with the name of its header before it, it is still shorter than a line.
const ENCODED: usize = 39;

/// `name: { smtp: { url, from } }`
#[derive(Clone)]
pub struct Mail {
    server: Arc<Server>,
    /// The default sender of messages.
    from: Option<String>,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).finish_non_exhaustive()
    }
}

/// A message that is ready to be sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The name of the connection.
    pub connection: ConnectionName,
    /// The sender.
    pub from: Option<String>,
    /// The recipients.
    pub to: Vec<String>,
    /// Copied to.
    pub cc: Vec<String>,
    /// Blind-copied to.
    pub bcc: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its text.
    pub body: String,
    /// Its text as HTML.
    pub html: Option<String>,
    /// Names and bytes.
    pub attachments: Vec<(String, Vec<u8>)>,
    /// How long sending may take.
    pub timeout: Duration,
}

impl Mail {
    /// The server at an address, `smtp://user:password@host:port?tls=required` or `smtps://…`, and the default sender.
    /// The error says what is wrong.
    pub(super) fn new([url, from]: &[Option<Secret>; 2]) -> Result<Self, String> {
        let url = url.as_ref().ok_or("`url` is missing")?;
        let server = Server::new(url.reveal())
            .map_err(|reason| format!("`url` must be smtp://host:port or smtps://host: {reason}"))?;
        let from = from.as_ref().map(|from| from.reveal().to_owned());
        if let Some(from) = &from {
            mailbox(from)?;
        }
        Ok(Self { server: Arc::new(server), from })
    }

    /// Tries to connect and to log in. The error is the server's reason.
    pub async fn check(&self) -> Result<(), String> {
        self.server.check().await
    }

    /// Sends a message. `key` is the same for each attempt, so that its receivers recognise a second one.
    pub async fn send(&self, letter: Letter, key: &str) -> Result<(), Fault> {
        let name = letter.connection.clone();
        let failed = |kind: &'static str, reason: String| {
            Fault::of_kind(
                kind,
                format!("The connection `{name}` could not send the e-mail: {}.", reason.trim_end_matches('.')),
            )
        };
        let timeout = letter.timeout;
        let message = self.message(letter, key).map_err(|reason| failed(ErrorKind::Value.name(), reason))?;
        match tokio::time::timeout(timeout, self.server.send(&message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(failed(ErrorKind::Io.name(), reason)),
            Err(_) => {
                let span = crate::config::duration::format(timeout);
                Err(failed(TIMEOUT, format!("it did not end within {span}")))
            }
        }
    }

    fn message(&self, letter: Letter, key: &str) -> Result<Message, String> {
        let from = letter.from.or_else(|| self.from.clone());
        let from = from.ok_or("the sender is missing: give `from` in the step or in the connection")?;
        let from = mailbox(&from)?;
        let id = format!("<{key}@{}>", from.email.domain());
        let mut message = Message::builder().message_id(Some(id)).from(from).raw_header(subject(letter.subject));
        if letter.to.is_empty() {
            return Err("it has no receivers: `to` is empty".to_owned());
        }
        for to in &letter.to {
            message = message.to(mailbox(to)?);
        }
        for cc in &letter.cc {
            message = message.cc(mailbox(cc)?);
        }
        for bcc in &letter.bcc {
            message = message.bcc(mailbox(bcc)?);
        }
        let body = with_line_ends(&letter.body);
        let plain = SinglePart::plain(body.clone());
        let text = match letter.html {
            Some(html) => MultiPart::alternative_plain_html(body, with_line_ends(&html)),
            None if letter.attachments.is_empty() => {
                return message.singlepart(plain).map_err(|error| error.to_string());
            }
            None => MultiPart::mixed().singlepart(plain),
        };
        if letter.attachments.is_empty() {
            return message.multipart(text).map_err(|error| error.to_string());
        }
        let mut parts = MultiPart::mixed().multipart(text);
        for (name, bytes) in letter.attachments {
            let kind = ContentType::parse(media_type(&name)).map_err(|error| error.to_string())?;
            parts = parts.singlepart(Attachment::new(name).body(bytes, kind));
        }
        message.multipart(parts).map_err(|error| error.to_string())
    }
}

/// A text with the line ends of messages: a CR alone does not end a line, and servers refuse it.
fn with_line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// The header of a subject, folded: lines have at most 78 characters if possible.
fn subject(text: String) -> HeaderValue {
    let is_plain = |word: &str| word.len() <= LONGEST_WORD && word.bytes().all(|byte| byte.is_ascii_graphic());
    // Blanks at the ends and repeated blanks would be lost, and `=?` begins encoded text.
    let encoded = if text.is_empty()
        || (text.split(' ').all(|word| !word.is_empty() && is_plain(word)) && !text.contains("=?"))
    {
        folded(text.split(' '))
    } else {
        encoded_words(&text)
    };
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str("Subject"), text, encoded)
}

/// Words in lines.
fn folded<'t>(words: impl Iterator<Item = &'t str>) -> String {
    let (mut out, mut column) = (String::new(), "Subject: ".len());
    for (number, word) in words.enumerate() {
        if number > 0 {
            let is_full = column + 1 + word.len() > LINE;
            out.push_str(if is_full { "\r\n " } else { " " });
            column = if is_full { 1 } else { column + 1 };
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

/// The text in the encoded words of RFC 2047, a line each; no character is split.
fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut end =
        |part: &mut String| words.push(format!("=?utf-8?b?{}?=", BASE64_STANDARD.encode(std::mem::take(part))));
    for c in text.chars() {
        if part.len() + c.len_utf8() > ENCODED {
            end(&mut part);
        }
        part.push(c);
    }
    end(&mut part);
    words.join("\r\n ")
}

fn mailbox(text: &str) -> Result<Mailbox, String> {
    text.trim()
        .parse()
        .map_err(|_| format!("`{text}` is not an address; write name@example.com or Name <name@example.com>"))
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "csv" => "text/csv; charset=utf-8",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "xml" => "application/xml",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(subject: &str, body: &str) -> String {
        let url = Secret::fill("smtp://127.0.0.1:1", std::path::Path::new(".")).unwrap();
        let mail = Mail::new(&[Some(url), None]).unwrap();
        let letter = Letter {
            connection: ConnectionName::of_test("m"),
            from: Some("a@example.com".into()),
            to: vec!["b@example.com".into()],
            cc: Vec::new(),
            bcc: Vec::new(),
            subject: subject.into(),
            body: body.into(),
            html: None,
            attachments: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        String::from_utf8(mail.message(letter, "k").unwrap().formatted()).unwrap()
    }

    /// The subject that a reader of the message sees.
    fn read(message: &str) -> String {
        let start = message.find("Subject: ").unwrap() + "Subject: ".len();
        let unfolded = message[start..].replace("\r\n ", "\u{0}");
        let line = unfolded.split("\r\n").next().unwrap();
        let decode = |word: &str| {
            let encoded = word.strip_prefix("=?utf-8?b?")?.strip_suffix("?=")?;
            String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()
        };
        match line.split('\u{0}').map(decode).collect::<Option<String>>() {
            Some(decoded) => decoded,
            None => line.replace('\u{0}', " "),
        }
    }

    #[test]
    fn subjects_are_folded_and_stay_the_same() {
        let long = "word ".repeat(200);
        for subject in [
            "",
            "Order 17",
            long.trim(),
            &long,
            &"x".repeat(1000),
            &"日本語".repeat(300),
            "Smörgås och 👍🏽",
            "two  blanks",
            "=?utf-8?q?no?=",
            "a\r\nBcc: everybody@example.com",
            "\u{202e}\u{1b}[2J",
        ] {
            let message = sent(subject, "x");
            let headers = message.split("\r\n\r\n").next().unwrap();
            assert!(headers.split("\r\n").all(|line| line.len() <= 78), "{headers}");
            assert!(headers.is_ascii() && !headers.contains("\r\nBcc"), "{headers}");
            assert_eq!(read(&message), subject);
        }
    }

    #[test]
    fn no_line_of_a_body_ends_with_a_bare_cr() {
        for body in ["a\rb\r\nc\nd\r", "\r\r\n\r", "ä\rb", &"x\r".repeat(2000)] {
            let message = sent("s", body);
            let rest = message.replace("\r\n", "");
            assert!(!rest.contains(['\r', '\n']), "{message:?}");
        }
        assert!(sent("s", "a\rb").contains("\r\n\r\na\r\nb"), "{:?}", sent("s", "a\rb"));
    }
}
