//! The text of a body: in the encoding of its byte order mark, else of its content type, else of its XML declaration,
//! else in UTF-8.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use std::fmt;

/// How many bytes an XML declaration may have.
const MAX_DECLARATION: usize = 512;

/// Why bytes are not a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotText {
    /// The content type or the XML declaration names an unknown encoding.
    UnknownCharset(String),
    /// The bytes are not text in this encoding.
    Malformed(&'static str),
}

impl fmt::Display for NotText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCharset(name) => write!(f, "The charset `{name}` of the body is not known."),
            Self::Malformed(name) => write!(f, "The body is not text in {name}."),
        }
    }
}

impl std::error::Error for NotText {}

/// The text of a body with this `Content-Type`, which may be empty. Errors are sentences about "the body".
pub fn body_text(bytes: &[u8], content_type: &str) -> Result<String, NotText> {
    decoded(bytes, encoding(bytes, content_type)?)
}

/// The encoding of a body by its content type or its XML declaration; UTF-8 if neither names one. A byte order mark,
/// which takes precedence over both, is for [`decoded`].
pub fn encoding(bytes: &[u8], content_type: &str) -> Result<&'static Encoding, NotText> {
    let is_xml = is_xml(&media_type(content_type));
    let encoding = match charset(content_type) {
        Some(name) => known(name)?,
        None if is_xml => return declared(bytes),
        None => UTF_8,
    };
    // `utf-16` leaves the order of the bytes open.
    let open = encoding == UTF_16LE && charset(content_type).is_some_and(|name| name.eq_ignore_ascii_case("utf-16"));
    Ok(if is_xml && open { utf_16_of(bytes).unwrap_or(encoding) } else { encoding })
}

/// The text of bytes in an encoding, without a byte order mark.
pub fn decoded(bytes: &[u8], encoding: &'static Encoding) -> Result<String, NotText> {
    let (text, used, malformed) = encoding.decode(bytes);
    if malformed { Err(NotText::Malformed(used.name())) } else { Ok(text.into_owned()) }
}

/// The media type in lower case, without its parameters.
pub fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The parameter `charset` of a content type.
pub fn charset(content_type: &str) -> Option<&str> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then_some(value)
    })
}

/// Is this media type XML?
pub fn is_xml(media: &str) -> bool {
    matches!(media, "application/xml" | "text/xml") || media.ends_with("+xml")
}

fn known(name: &str) -> Result<&'static Encoding, NotText> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(|| NotText::UnknownCharset(name.to_owned()))
}

/// The encoding that an XML text declares.
fn declared(bytes: &[u8]) -> Result<&'static Encoding, NotText> {
    if let Some(encoding) = utf_16_of(bytes) {
        return Ok(encoding);
    }
    let Some(name) = declared_name(bytes) else { return Ok(UTF_8) };
    let encoding = known(&name)?;
    // A declaration that reads as ASCII is not UTF-16, even if it says so: many programs leave it when they convert.
    Ok(if [UTF_16LE, UTF_16BE].contains(&encoding) { UTF_8 } else { encoding })
}

/// UTF-16 without a byte order mark: `<` and a zero byte.
fn utf_16_of(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    }
}

/// The value of `encoding` in `<?xml version="1.0" encoding="…"?>`.
fn declared_name(bytes: &[u8]) -> Option<String> {
    let declaration = bytes.strip_prefix(b"<?xml")?;
    let declaration = declaration.get(..MAX_DECLARATION).unwrap_or(declaration);
    let end = declaration.windows(2).position(|pair| pair == b"?>")?;
    let declaration = std::str::from_utf8(declaration.get(..end)?).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = value.get(1..)?.split(quote).next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATIN: &str = "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\u{e9}</a>";

    fn latin(text: &str) -> Vec<u8> {
        text.chars().map(|c| c as u8).collect()
    }

    fn utf_16(text: &str, big: bool) -> Vec<u8> {
        let bytes = |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn a_byte_order_mark_wins_then_the_content_type_then_the_declaration() {
        let check = |bytes: &[u8], content_type: &str| {
            let text = body_text(bytes, content_type).unwrap();
            assert!(text.ends_with("<a>\u{e9}</a>") && !text.starts_with('\u{feff}'), "{content_type}: {text}");
        };
        check(&latin(LATIN), "application/xml");
        check(&latin(&LATIN.replace('"', "'").replace("g=", "g = ")), "text/xml; charset=");
        check(&latin(LATIN), "application/soap+xml; action=x");
        check(LATIN.as_bytes(), "application/xml; charset=utf-8");
        check(&latin("<a>\u{e9}</a>"), "application/xml; charset=\"ISO-8859-1\"");
        check(format!("\u{feff}{LATIN}").as_bytes(), "application/xml");
        check(format!("\u{feff}{LATIN}").as_bytes(), "application/xml; charset=iso-8859-1");
        for big in [false, true] {
            let declared = LATIN.replace("ISO-8859-1", "UTF-16");
            check(&utf_16(&format!("\u{feff}{declared}"), big), "application/xml");
            check(&utf_16(&declared, big), "application/xml");
            check(&utf_16(&declared, big), "application/xml; charset=utf-16");
        }
        check(LATIN.replace("ISO-8859-1", "utf-16").as_bytes(), "application/xml");
        check("<a>\u{e9}</a>".as_bytes(), "application/xml");
    }

    #[test]
    fn only_xml_declares_its_encoding() {
        assert_eq!(body_text(&latin(LATIN), "text/plain"), Err(NotText::Malformed("UTF-8")));
        assert_eq!(body_text(&latin("\u{e9}"), "text/plain; charset=latin1").unwrap(), "\u{e9}");
        assert_eq!(body_text("\u{feff}{}".as_bytes(), "").unwrap(), "{}");
    }

    #[test]
    fn what_is_not_text_is_an_error() {
        let unknown = Err(NotText::UnknownCharset("klingon".into()));
        assert_eq!(body_text(b"x", "text/plain; charset=klingon"), unknown);
        assert_eq!(body_text(LATIN.replace("ISO-8859-1", "klingon").as_bytes(), "text/xml"), unknown);
        assert_eq!(body_text(b"\xff", "text/plain"), Err(NotText::Malformed("UTF-8")));
        assert_eq!(body_text(b"<a>\xe9</a>", "text/xml"), Err(NotText::Malformed("UTF-8")));
        for broken in
            ["", "<", "<?xml", "<?xml encoding", "<?xml encoding=?>", "<?xml encoding=\"?>", "<?xml encoding=\"\"?>"]
        {
            assert_eq!(body_text(broken.as_bytes(), "text/xml").unwrap(), broken);
        }
    }
}
