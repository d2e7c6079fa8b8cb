//! The words of SQL, as PostgreSQL and SQLite read them: quoted texts and comments contain none.

/// A piece of a statement. All pieces together are the whole text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Where it begins, in bytes.
    pub at: usize,
    /// Its text.
    pub text: &'a str,
    /// Its kind.
    pub kind: Kind,
}

/// The kind of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks and comments.
    Blank,
    /// A text or a name in quotes.
    Quoted,
    /// A keyword, a name or a number.
    Word,
    /// `:name`
    Parameter,
    /// One other character, or `::`.
    Symbol,
}

impl Piece<'_> {
    /// Is it this keyword or symbol?
    pub fn is(&self, text: &str) -> bool {
        matches!(self.kind, Kind::Word | Kind::Symbol) && self.text.eq_ignore_ascii_case(text)
    }
}

/// How a comment inside a comment is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comments {
    /// The first `*/` ends both, as in SQLite.
    Flat,
    /// Each has an end of its own, as in PostgreSQL.
    Nested,
}

/// The pieces of a text, in order.
pub(super) fn pieces(text: &str, comments: Comments) -> impl Iterator<Item = Piece<'_>> {
    let (mut at, mut comments) = (0, comments);
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        if rest.starts_with("/*") && comments == Comments::Nested && nested(rest).is_none() {
            // PostgreSQL refuses an unterminated comment, and with it the text; so SQLite's reading is used.
            comments = Comments::Flat;
        }
        let (kind, length) = first(rest, comments);
        let piece = Piece { at, text: rest.get(..length)?, kind };
        at += length;
        Some(piece)
    })
}

/// The kind and the length of the first piece.
fn first(text: &str, comments: Comments) -> (Kind, usize) {
    let c = text.chars().next().unwrap_or_default();
    let run = |wanted: fn(char) -> bool| text.find(|c| !wanted(c)).unwrap_or(text.len());
    match c {
        _ if is_blank(c) => (Kind::Blank, run(is_blank)),
        '-' if text.starts_with("--") => (Kind::Blank, text.find('\n').map_or(text.len(), |end| end + 1)),
        '/' if text.starts_with("/*") => (Kind::Blank, comment(text, comments)),
        '\'' | '"' | '`' => (Kind::Quoted, quoted(text, c, false)),
        '$' => dollars(text).map_or((Kind::Symbol, 1), |length| (Kind::Quoted, length)),
        'e' | 'E' if text.get(1..).is_some_and(|rest| rest.starts_with('\'')) => {
            (Kind::Quoted, 1 + quoted(text.get(1..).unwrap_or_default(), '\'', true))
        }
        _ if is_word(c) => (Kind::Word, run(|c| is_word(c) || c == '$')),
        ':' if text.starts_with("::") => (Kind::Symbol, 2),
        ':' => {
            let name = text.get(1..).unwrap_or_default();
            match name.find(|c| !is_word(c)).unwrap_or(name.len()) {
                length if name.starts_with(|c: char| c.is_alphabetic() || c == '_') => (Kind::Parameter, 1 + length),
                _ => (Kind::Symbol, 1),
            }
        }
        c => (Kind::Symbol, c.len_utf8()),
    }
}

/// SQLite skips a byte order mark as well.
fn is_blank(c: char) -> bool {
    c.is_ascii_whitespace() || matches!(c, '\u{b}' | '\u{feff}')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of a comment; an unterminated one continues to the end of the text.
fn comment(text: &str, comments: Comments) -> usize {
    let flat = || text.get(2..).and_then(|inside| inside.find("*/")).map(|end| end + 4);
    let end = if comments == Comments::Nested { nested(text) } else { flat() };
    end.unwrap_or(text.len())
}

/// The length of a comment with those in it, if all of them end.
fn nested(text: &str) -> Option<usize> {
    let (mut at, mut depth) = (2, 1);
    while depth > 0 {
        let rest = text.as_bytes().get(at..)?;
        let next = rest.windows(2).position(|pair| pair == b"*/" || pair == b"/*")?;
        if rest.get(next) == Some(&b'*') {
            depth -= 1;
        } else {
            depth += 1;
        }
        at += next + 2;
    }
    Some(at)
}

/// The length of a text in quotes; a doubled quote begins the next one at once, which changes nothing.
fn quoted(text: &str, quote: char, escapes: bool) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if escapes => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of `$tag$ … $tag$`, a text of PostgreSQL.
fn dollars(text: &str) -> Option<usize> {
    let end = text.get(1..)?.find(|c| !is_word(c))? + 1;
    let tag = text.get(..=end).filter(|tag| tag.ends_with('$'))?;
    if tag.get(1..)?.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let body = text.get(tag.len()..)?;
    Some(body.find(tag).map_or(text.len(), |end| tag.len() + end + tag.len()))
}
