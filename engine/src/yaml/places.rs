//! The place in the file of each character of a decoded scalar.

use saphyr_parser::ScalarStyle;

/// Line and column of a file, both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

impl Place {
    /// Its byte in the text of the file.
    pub fn byte_in(self, text: &str) -> usize {
        // A byte order mark is not a character of the first line.
        let mark = '\u{feff}';
        if let Some(rest) = text.strip_prefix(mark) {
            return self.byte_in(rest) + mark.len_utf8();
        }
        let before = (self.line as usize).saturating_sub(1);
        let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
        let line = text.get(start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = line.char_indices().nth((self.column as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        start + column
    }
}

/// From byte offsets of a decoded text to places of the file. Between two stretches one character of the text is one of
/// the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Places {
    stretches: Vec<Stretch>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    offset: usize,
    place: Place,
}

impl Places {
    /// All of the text is in one line from `place` on, character by character.
    pub fn straight(place: Place) -> Self {
        Self { stretches: vec![Stretch { offset: 0, place }] }
    }

    /// The place of the byte `offset` of `text`, which must be the text these places were made for.
    pub fn at(&self, text: &str, offset: usize) -> Place {
        let index = self.stretches.partition_point(|s| s.offset <= offset).saturating_sub(1);
        let Some(stretch) = self.stretches.get(index) else { return Place { line: 1, column: 1 } };
        let end = (0..=offset.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
        let walked = text.get(stretch.offset..end).map_or(0, |t| t.chars().count());
        Place { line: stretch.place.line, column: stretch.place.column + walked as u32 }
    }

    /// The places of the part of `text` that begins at `offset`.
    pub(super) fn from(&self, text: &str, offset: usize) -> Self {
        let mut stretches = vec![Stretch { offset: 0, place: self.at(text, offset) }];
        let later = self.stretches.iter().filter(|stretch| stretch.offset > offset);
        stretches.extend(later.map(|stretch| Stretch { offset: stretch.offset - offset, place: stretch.place }));
        Self { stretches }
    }

    /// The places of `value`, a plain or quoted scalar. `start` is its first character or quote, `rest` the source from
    /// there on.
    pub(super) fn of_flow(value: &str, style: ScalarStyle, start: Place, rest: &str) -> Self {
        let mut stretches = vec![Stretch { offset: 0, place: start }];
        Walk::new(start, rest, style).run(value, &mut stretches);
        Self { stretches }
    }

    /// The places of `value`, a `|` or `>` block. `line` is the one after the header, `rest` the source from there on.
    /// Each line of the source without its indentation is a part of the value.
    pub(super) fn of_block(value: &str, line: u32, rest: &str) -> Self {
        let lead = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let first_lead = |text: &str| text.lines().find(|l| !l.trim().is_empty()).map_or(0, lead);
        let indent = first_lead(rest).saturating_sub(first_lead(value));
        let mut stretches = vec![Stretch { offset: 0, place: Place { line, column: indent as u32 + 1 } }];
        let mut offset = 0;
        for (number, source) in rest.lines().enumerate() {
            let skipped = lead(source).min(indent);
            let ahead = value.get(offset..).unwrap_or("");
            let content = source.get(skipped..).unwrap_or("");
            // Trailing blanks of a folded line may be gone; a line that does not match at all is after the block.
            let content = if ahead.starts_with(content) { content } else { content.trim_end() };
            if ahead.is_empty() || !ahead.starts_with(content) {
                break;
            }
            stretches.push(Stretch { offset, place: Place { line: line + number as u32, column: skipped as u32 + 1 } });
            offset += content.len();
            if ahead.get(content.len()..).is_some_and(|behind| behind.starts_with([' ', '\n'])) {
                offset += 1;
            }
        }
        Self { stretches }
    }
}

/// A walk along a plain or quoted scalar of the source along with its decoded value. Linear in both.
struct Walk<'a> {
    rest: &'a str,
    place: Place,
    style: ScalarStyle,
    /// Bytes ahead that are known not to fold, so that a long run of blanks is scanned once.
    unfolded: usize,
}

impl<'a> Walk<'a> {
    fn new(place: Place, rest: &'a str, style: ScalarStyle) -> Self {
        let mut walk = Self { rest, place, style, unfolded: 0 };
        if style != ScalarStyle::Plain {
            walk.skip(1); // the quote
        }
        walk
    }

    fn run(mut self, value: &str, stretches: &mut Vec<Stretch>) {
        let mut expected = None;
        let mut ahead = value.char_indices();
        while let Some((offset, _)) = ahead.next() {
            self.skip_escaped_breaks();
            if expected != Some(self.place) {
                stretches.push(Stretch { offset, place: self.place });
            }
            expected = Some(Place { column: self.place.column + 1, ..self.place });
            if let Some(breaks) = self.fold() {
                self.skip_fold();
                // One break is a blank; n breaks are n - 1 line feeds, of which this pass took the first.
                for _ in 2..breaks {
                    ahead.next();
                }
            } else {
                self.skip(self.width());
            }
        }
    }

    /// The number of characters of the source that encode the next one of the value.
    fn width(&self) -> usize {
        match self.style {
            ScalarStyle::SingleQuoted if self.rest.starts_with("''") => 2,
            ScalarStyle::DoubleQuoted if self.rest.starts_with('\\') => match self.rest.chars().nth(1) {
                Some('x') => 4,
                Some('u') => 6,
                Some('U') => 10,
                _ => 2,
            },
            _ => 1,
        }
    }

    /// The number of line breaks if the source folds lines here: blanks, then a break.
    fn fold(&mut self) -> Option<usize> {
        if self.unfolded > 0 {
            self.unfolded -= 1;
            return None;
        }
        let run = self.rest.len() - self.rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
        let breaks = self.rest.get(..run)?.matches('\n').count();
        if breaks == 0 {
            self.unfolded = run.saturating_sub(1);
        }
        (breaks > 0).then_some(breaks)
    }

    fn skip_fold(&mut self) {
        let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let run = self.rest.chars().take_while(|c| blank(*c)).count();
        self.skip(run);
    }

    /// `\` at the end of a line in double quotes: the line continues without a blank.
    fn skip_escaped_breaks(&mut self) {
        while self.style == ScalarStyle::DoubleQuoted
            && (self.rest.starts_with("\\\n") || self.rest.starts_with("\\\r\n"))
        {
            self.skip(1);
            self.skip_fold();
        }
    }

    fn skip(&mut self, count: usize) {
        for _ in 0..count {
            let mut chars = self.rest.chars();
            match chars.next() {
                Some('\n') => self.place = Place { line: self.place.line + 1, column: 1 },
                Some(_) => self.place.column += 1,
                None => return,
            }
            self.rest = chars.as_str();
        }
    }
}
