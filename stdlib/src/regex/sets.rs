//! Sets of characters: shorthands, Unicode categories and blocks as .NET names them, and both cases of a character.

use super::blocks::BLOCKS;
use flowscript_lang::budget::{Budget, Toll};
use flowscript_lang::error::RunError;
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use std::sync::{LazyLock, OnceLock};

/// The general categories and their groups.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Halves of characters above U+FFFF, which texts here never contain.
const SURROGATES: &[&str] = &["Cs", "IsHighSurrogates", "IsHighPrivateUseSurrogates", "IsLowSurrogates"];

static WORD: LazyLock<ClassUnicode> = LazyLock::new(|| parsed(r"[\p{L}\p{Mn}\p{Nd}\p{Pc}]"));
static DIGIT: LazyLock<ClassUnicode> = LazyLock::new(|| parsed(r"\p{Nd}"));
static CASED: LazyLock<ClassUnicode> = LazyLock::new(|| parsed(r"[\p{Ll}\p{Lt}\p{Lu}]"));
static SPACE: LazyLock<ClassUnicode> = LazyLock::new(|| parsed(r"\p{White_Space}"));

/// A set for many lookups.
#[derive(Debug)]
pub(super) struct CharSet {
    /// A bit for each ASCII character.
    ascii: u128,
    pub(super) class: ClassUnicode,
}

impl CharSet {
    pub(super) fn new(class: ClassUnicode) -> Self {
        let ascii = (0..128u8).filter(|byte| holds(&class, char::from(*byte))).fold(0, |bits, byte| bits | 1 << byte);
        Self { ascii, class }
    }

    pub(super) fn has(&self, c: char) -> bool {
        let code = u32::from(c);
        if code < 128 { self.ascii >> code & 1 == 1 } else { holds(&self.class, c) }
    }
}

fn holds(class: &ClassUnicode, c: char) -> bool {
    let ranges = class.ranges();
    let at = ranges.partition_point(|range| range.end() < c);
    ranges.get(at).is_some_and(|range| range.start() <= c)
}

/// The set of one range.
pub(super) fn range(first: char, last: char) -> ClassUnicode {
    ClassUnicode::new([ClassUnicodeRange::new(first, last)])
}

/// All characters, or all but the line feed.
pub(super) fn any(line_feed: bool) -> ClassUnicode {
    let mut class = if line_feed { ClassUnicode::empty() } else { range('\n', '\n') };
    class.negate();
    class
}

/// The sets of `\d`, `\s` and `\w`, and their complements for the capital letters.
pub(super) fn shorthand(letter: char) -> Option<ClassUnicode> {
    let class: &ClassUnicode = match letter.to_ascii_lowercase() {
        'd' => &DIGIT,
        's' => &SPACE,
        'w' => &WORD,
        _ => return None,
    };
    let mut class = class.clone();
    if letter.is_ascii_uppercase() {
        class.negate();
    }
    Some(class)
}

/// The set of `\p{name}`. With `fold` the case of a letter is ignored.
pub(super) fn property(name: &str, fold: bool) -> Result<ClassUnicode, String> {
    if SURROGATES.contains(&name) {
        return Err(format!(
            "\\p{{{name}}} is half of a character, and texts have whole ones; those above U+FFFF are [^\\u0000-\\uFFFF]"
        ));
    }
    if fold && ["Ll", "Lt", "Lu"].contains(&name) {
        return Ok(CASED.clone());
    }
    if let Some(at) = CATEGORIES.iter().position(|known| *known == name) {
        // Reading one takes longer than naming it.
        static READ: LazyLock<Vec<OnceLock<ClassUnicode>>> = LazyLock::new(|| vec![OnceLock::new(); CATEGORIES.len()]);
        let read = || parsed(&format!(r"\p{{{name}}}"));
        return Ok(READ.get(at).map_or_else(read, |known| known.get_or_init(read).clone()));
    }
    let block = name.strip_prefix("Is").and_then(|block| BLOCKS.iter().find(|(known, ..)| *known == block));
    match block {
        Some((_, first, last)) => Ok(range(*first, *last)),
        None => Err(format!(
            "\\p{{{name}}} is not a category or block of .NET; categories are written as in \\p{{Lu}}, blocks as in \
             \\p{{IsGreek}}"
        )),
    }
}

/// A class with both cases of its characters.
pub(super) fn folded(mut class: ClassUnicode) -> ClassUnicode {
    // It fails only if the tables of cases are left out of the build.
    let _ = class.try_case_fold_simple();
    class
}

/// Is the character part of a word, for `\b` and for names?
pub(super) fn is_word(c: char) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => true,
        c if c.is_ascii() => false,
        '\u{200c}' | '\u{200d}' => true,
        c => holds(&WORD, c),
    }
}

/// Do the linear engine and .NET disagree on whether a character of `text` is part of a word?
pub(super) fn has_odd_words(text: &str, toll: &mut Toll<'_>) -> Result<bool, Box<RunError>> {
    if text.is_ascii() {
        toll.scan(text.len())?;
        return Ok(false);
    }
    for c in text.chars() {
        if c.is_ascii() {
            toll.scan(2)?;
            continue;
        }
        toll.scan(LOOK_UP)?;
        if regex_syntax::try_is_word_character(c).is_ok_and(|word| word != is_word(c)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The cost of looking up a character, in bytes looked at.
const LOOK_UP: usize = 128;

/// A class in the syntax of the library. It is written here, so it can be parsed.
fn parsed(class: &str) -> ClassUnicode {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        // The library returns a set of one character this way.
        Ok(HirKind::Literal(one)) => std::str::from_utf8(&one.0)
            .ok()
            .and_then(|one| one.chars().next())
            .map_or_else(ClassUnicode::empty, |c| range(c, c)),
        _ => ClassUnicode::empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::budget::Unlimited;

    #[test]
    fn every_name_has_characters() {
        for name in CATEGORIES {
            assert!(!property(name, false).expect("a category").ranges().is_empty(), "{name}");
        }
        for (name, first, last) in BLOCKS {
            let class = property(&format!("Is{name}"), false).expect("a block");
            assert!(first < last && holds(&class, *first) && holds(&class, *last), "{name}");
        }
    }

    #[test]
    fn sets_answer_alike_above_and_below_128() {
        let set = CharSet::new(shorthand('w').expect("a set"));
        for c in ('\0'..='\u{2fff}').step_by(1) {
            assert_eq!(
                set.has(c),
                set.class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&c)),
                "{c:?}"
            );
        }
        assert!(set.has('é') && set.has('٣') && set.has('‿') && !set.has('Ⅷ') && !set.has('\u{903}') && !set.has('-'));
    }

    #[test]
    fn letters_of_words_differ_between_engines() {
        let odd = |text: &str| has_odd_words(text, &mut Toll::new(&mut Unlimited)).expect("no limit");
        assert!(!odd("Åsa äter") && odd("हिन्दी") && odd("Ⅷ") && !odd("a\u{200d}b"));
    }

    #[test]
    fn cases_are_the_same_as_those_of_like() {
        use flowscript_lang::value::fold_char;
        // The two libraries need not have the same version of Unicode.
        let old = parsed(r"[\p{Age:16.0}&&[\p{Ll}\p{Lu}\p{Lt}\p{Mn}\p{Nl}\p{So}]]");
        for c in old.ranges().iter().flat_map(|range| range.start()..=range.end()) {
            let class = folded(range(c, c));
            let mut cases = class.ranges().iter().flat_map(|range| range.start()..=range.end());
            assert!(cases.all(|other| fold_char(other) == fold_char(c)), "{c:?} {:04x}", u32::from(c));
            assert!(holds(&class, fold_char(c)), "{c:?} {:04x}", u32::from(c));
        }
    }
}
