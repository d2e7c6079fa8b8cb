//! The words of the language, read from the grammar, which is their only list.

use super::grammar::{Grammar, Rule};
use pest::Parser;
use std::sync::OnceLock;

const GRAMMAR: &str = include_str!("../grammar.pest");

/// Words that are never names, in lower case and in the order of the grammar.
pub fn reserved_words() -> &'static [&'static str] {
    static WORDS: OnceLock<Vec<&str>> = OnceLock::new();
    WORDS.get_or_init(|| words_of("k_"))
}

/// Words that continue an expression or begin a statement, and are names elsewhere.
pub fn soft_words() -> &'static [&'static str] {
    static WORDS: OnceLock<Vec<&str>> = OnceLock::new();
    WORDS.get_or_init(|| words_of("s_"))
}

/// Is it a word that cannot be a name?
pub(super) fn is_reserved(word: &str) -> bool {
    Grammar::parse(Rule::reserved, word).is_ok_and(|nodes| nodes.as_str().len() == word.len())
}

/// The words in rules such as `k_and = @{ ^"and" ~ !word_char }`.
fn words_of(prefix: &str) -> Vec<&'static str> {
    let rules = GRAMMAR.lines().filter_map(|line| line.strip_prefix(prefix)?.split_once("= @{ ^\""));
    rules.filter_map(|(_, rest)| rest.split('"').next()).collect()
}

#[cfg(test)]
mod tests {
    use super::{reserved_words, soft_words};
    use crate::parse::parse_script;

    #[test]
    fn the_grammar_gives_all_words() {
        let name = |word: &str| parse_script(&format!("let {word} = 1;")).diagnostics.is_empty();
        for word in reserved_words() {
            assert!(!name(word), "{word} is reserved");
        }
        for word in soft_words() {
            assert!(name(word), "{word} is a name too");
        }
        assert_eq!(reserved_words().len(), 37, "{:?}", reserved_words());
        for word in ["order", "group", "by", "open", "otherwise"] {
            assert!(soft_words().contains(&word), "{word}");
        }
    }
}
