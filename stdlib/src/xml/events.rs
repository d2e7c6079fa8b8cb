//! The parts of an XML text, one after the other: elements, attributes and text with all references resolved.

use super::attributes::{LONE, attributes, reference};
use super::chars::{forbidden, is_blank, is_name};
use super::sink::{Refusal, Sink, XmlError};
use crate::letters::pieces;
use crate::pages::place;
use crate::show::{quoted, short};
use memchr::memmem;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

/// How deep elements may be nested.
pub(super) const MAX_NESTING: usize = 200;

/// Hands the parts of a text to a sink.
pub(super) fn read(text: &str, sink: &mut dyn Sink) -> Result<(), XmlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Err(refusal) = read_parts(text, sink) else { return Ok(()) };
    let before = text.get(..refusal.at.unwrap_or(0)).unwrap_or(text);
    Err(match place(before, |bytes| sink.pay(bytes / 8)) {
        Ok((line, column)) => XmlError { line, column, problem: refusal.problem, stopped: refusal.stopped },
        Err(ended) => XmlError { line: 1, column: 1, problem: ended.problem, stopped: ended.stopped },
    })
}

fn read_parts(text: &str, sink: &mut dyn Sink) -> Result<(), Refusal> {
    if let Some(at) = forbidden_in(text, sink)? {
        let c = text[at..].chars().next().unwrap_or_default();
        return Err(Refusal::at(at, format!("XML cannot hold the character {}", c.escape_unicode())));
    }
    let mut reader = Reader::from_str(text);
    let mut state = State { at: 0, depth: 0, roots: 0, has_doctype: false };
    loop {
        state.at = reader.buffer_position() as usize;
        match reader.read_event() {
            Ok(Event::Eof) => return state.end(text.len()),
            Ok(event) => {
                let begin = state.at;
                sink.pay(reader.buffer_position() as usize - begin)?;
                state.take(&event, sink).map_err(|refusal| Refusal { at: refusal.at.or(Some(begin)), ..refusal })?;
            }
            Err(error) => return Err(Refusal::at(reader.error_position() as usize, describe(&error))),
        }
    }
}

/// The place of the first character that a text of XML cannot have.
fn forbidden_in(text: &str, sink: &mut dyn Sink) -> Result<Option<usize>, Refusal> {
    let mut start = 0;
    while start < text.len() {
        let end = (text.len().min(start + PIECE)..=text.len()).find(|end| text.is_char_boundary(*end));
        let end = end.unwrap_or(text.len());
        sink.pay((end - start) / 8)?;
        if let Some(at) = text.get(start..end).and_then(forbidden) {
            return Ok(Some(start + at));
        }
        start = end;
    }
    Ok(None)
}

/// Bytes that are looked at before they are paid for.
const PIECE: usize = 1 << 20;

struct State {
    /// The start of the part.
    at: usize,
    depth: usize,
    roots: usize,
    has_doctype: bool,
}

impl State {
    fn take(&mut self, event: &Event<'_>, sink: &mut dyn Sink) -> Result<(), Refusal> {
        match event {
            Event::Start(tag) => self.open(tag, sink),
            Event::Empty(tag) => {
                self.open(tag, sink)?;
                self.close(sink)
            }
            Event::End(_) => self.close(sink),
            Event::Text(text) => {
                if let Some(end) = memmem::find(text.as_bytes(), b"]]>") {
                    let problem = "]]> is in a text; it is written as ]]&gt;".to_owned();
                    return Err(Refusal::at(self.at + end, problem));
                }
                if self.depth == 0 {
                    return self.outside(text);
                }
                content(text, sink)
            }
            Event::CData(text) => self.inside("<![CDATA[").and_then(|()| content(text, sink)),
            Event::GeneralRef(name) => {
                self.inside(&format!("&{};", short(name)))?;
                let c = reference(name).map_err(|problem| Refusal::at(self.at, problem))?;
                sink.text(c.encode_utf8(&mut [0; 4]))
            }
            Event::Comment(text) => {
                match memmem::find(text.as_bytes(), b"--").or_else(|| text.ends_with('-').then(|| text.len() - 1)) {
                    Some(dashes) => {
                        Err(Refusal::at(self.at + "<!--".len() + dashes, "a comment has -- before its end".to_owned()))
                    }
                    None => Ok(()),
                }
            }
            Event::PI(instruction) => Self::instruction(instruction.target()),
            Event::Decl(declaration) => self.declaration(declaration, sink),
            Event::DocType(doctype) => self.doctype(doctype),
            Event::Eof => Ok(()),
        }
    }

    fn open(&mut self, tag: &BytesStart<'_>, sink: &mut dyn Sink) -> Result<(), Refusal> {
        let name = tag.name().into_inner();
        if !is_name(name) {
            let problem = format!("{} is not a name of an element; a < in a text is written as &lt;", quoted(name));
            return Err(Refusal::at(self.at, problem));
        }
        if self.depth == 0 {
            self.roots += 1;
            if self.roots > 1 {
                return Err("there is more than one root element.".to_owned().into());
            }
        }
        self.depth += 1;
        if self.depth > MAX_NESTING {
            return Err(format!("elements are nested more than {MAX_NESTING} deep.").into());
        }
        let found = attributes(tag.attributes_raw(), self.at + 1 + name.len(), sink)?;
        sink.open(name, &found)
    }

    fn close(&mut self, sink: &mut dyn Sink) -> Result<(), Refusal> {
        self.depth = self.depth.saturating_sub(1);
        sink.close()
    }

    /// Only blanks are allowed outside the root element.
    fn outside(&self, text: &str) -> Result<(), Refusal> {
        match text.find(|c| !is_blank(c)) {
            Some(first) => {
                let shown = quoted(text.trim_matches(is_blank));
                Err(Refusal::at(self.at + first, format!("there is text outside the root element: {shown}")))
            }
            None => Ok(()),
        }
    }

    fn inside(&self, what: &str) -> Result<(), Refusal> {
        if self.depth > 0 { Ok(()) } else { Err(format!("there is text outside the root element: {what}.").into()) }
    }

    fn instruction(target: &str) -> Result<(), Refusal> {
        if target.eq_ignore_ascii_case("xml") {
            return Err("<?xml … ?> may occur only once, in lower case, at the very start of the text."
                .to_owned()
                .into());
        }
        if is_name(target) {
            return Ok(());
        }
        Err(format!("{} is not a name of a processing instruction.", quoted(target)).into())
    }

    /// `<?xml version="1.0" encoding="…" standalone="…"?>`
    fn declaration(&self, content: &str, sink: &mut dyn Sink) -> Result<(), Refusal> {
        if self.at > 0 {
            return Self::instruction("xml");
        }
        let raw = content.strip_prefix("xml").unwrap_or(content);
        let found = attributes(raw, self.at + "<?xml".len(), sink)?;
        let mut rest = found.as_slice();
        let version = |value: &str| {
            let minor = value.strip_prefix("1.").unwrap_or_default();
            !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
        };
        let encoding = |value: &str| {
            value.starts_with(|c: char| c.is_ascii_alphabetic())
                && value.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        let is_version = matches!(rest.first(), Some(("version", value)) if version(value));
        rest = rest.get(1..).unwrap_or_default();
        if matches!(rest.first(), Some(("encoding", value)) if encoding(value)) {
            rest = &rest[1..];
        }
        if matches!(rest.first(), Some(("standalone", value)) if matches!(value.as_ref(), "yes" | "no")) {
            rest = &rest[1..];
        }
        if is_version && rest.is_empty() {
            return Ok(());
        }
        let form = "<?xml version=\"1.0\" encoding=\"utf-8\"?>";
        Err(format!("the declaration is not of the form {form}.").into())
    }

    fn doctype(&mut self, content: &str) -> Result<(), Refusal> {
        if content.contains("<!ENTITY") || content.contains('[') {
            return Err("a DOCTYPE with entities or other declarations is not allowed.".to_owned().into());
        }
        if self.roots > 0 || self.has_doctype {
            return Err("a DOCTYPE may occur only once, before the root element.".to_owned().into());
        }
        self.has_doctype = true;
        let name = content.split(is_blank).find(|word| !word.is_empty()).unwrap_or_default();
        if is_name(name) { Ok(()) } else { Err(format!("{} is not a name of an element.", quoted(name)).into()) }
    }

    fn end(&self, at: usize) -> Result<(), Refusal> {
        if self.depth > 0 {
            return Err(Refusal::at(at, "the text ends inside an element".to_owned()));
        }
        if self.roots == 0 {
            return Err(Refusal::at(at, "there is no element".to_owned()));
        }
        Ok(())
    }
}

/// Hands on a text whose line ends are made line feeds, piece by piece.
fn content(text: &str, sink: &mut dyn Sink) -> Result<(), Refusal> {
    let mut returned = false;
    for piece in pieces(text) {
        let mut rest = if returned { piece.strip_prefix('\n').unwrap_or(piece) } else { piece };
        returned = piece.ends_with('\r');
        while let Some((line, after)) = rest.split_once('\r') {
            sink.text(line)?;
            sink.text("\n")?;
            rest = after.strip_prefix('\n').unwrap_or(after);
        }
        sink.text(rest)?;
    }
    Ok(())
}

fn describe(error: &Error) -> String {
    match error {
        Error::IllFormed(IllFormedError::UnclosedReference) => LONE.to_owned(),
        error => {
            let text = error.to_string();
            text.split_once(": ").map_or(text.as_str(), |(_, plain)| plain).to_owned()
        }
    }
}
