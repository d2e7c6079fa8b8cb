//! The reference page of the library, from the registration table.

use crate::{SECTIONS, registry};
use flowscript_lang::function::{Effect, Function};
use std::fmt::Write;

const INTRO: &str = "\
# Functions

The library of FlowScript, generated from its registration table: `flowscript doc --markdown` writes this page,
`flowscript doc NAME` shows one function. Every example is run as a test.

Names are case-insensitive. `x.f(y)` is `f(x, y)`. A signature shows each parameter with its type; `= value` is a default,
`?` after a name means that it may be left out, `...` that the last one may be repeated. `?` after a result means that it
may be `null`.

- Simple arguments are converted to the parameter's type; what does not convert is an error that names function, parameter,
  value and type. `any` takes every value as it is.
- `null` for a parameter of type text is `''`, for rows it is no rows; with `null` for a number, boolean, datetime or binary the
  result is `null`.
- A text of more than 64 MiB and a list or table of more than 10 million cells are limit errors.
";

/// The whole page, as Markdown.
pub fn page() -> String {
    let registry = registry();
    let of_section = |name: &'static str| registry.functions().iter().filter(move |function| function.section == name);
    let mut out = String::from(INTRO);
    out.push_str("\n## Contents\n\n");
    for section in SECTIONS {
        let links: Vec<String> = of_section(section.name)
            .map(|function| format!("[{}](#{})", function.name, anchor(function.name)))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "- [{}](#{}): {}", section.name, anchor(section.name), links.join(", "));
    }
    for section in SECTIONS {
        let _ = write!(out, "\n## {}\n", section.name);
        if !section.intro.is_empty() {
            let _ = write!(out, "\n{}\n", section.intro);
        }
        for function in of_section(section.name) {
            let _ = write!(out, "\n### {}\n\n{}", function.name, entry(function));
        }
    }
    out
}

/// The entry of one function, as Markdown without a heading.
pub fn entry(function: &Function) -> String {
    let mut out = format!("```\n{}\n```\n\n{}\n", function.signature, function.summary);
    for paragraph in [function.rules, effect(function.effect)] {
        if !paragraph.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\n{paragraph}\n");
        }
    }
    if !function.aliases.is_empty() {
        let names: Vec<String> = function.aliases.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(out, "\nAlso as {}.\n", names.join(", "));
    }
    if !function.examples.is_empty() {
        out.push_str("\n```flowscript\n");
        for example in function.examples {
            let sign = if example.fails { "error:" } else { "→" };
            let _ = writeln!(out, "{}  // {sign} {}", example.source, example.result);
        }
        out.push_str("```\n");
    }
    out
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Pure => "",
        Effect::Host => "It asks the host, so its result may differ from call to call.",
        Effect::Outside => "It reaches outside the engine.",
    }
}

/// The anchor that Markdown renderers give a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || *c == ' ' || *c == '-');
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_shows_signature_rules_and_examples() {
        let registry = registry();
        let left = registry.find("left").expect("Left");
        assert_eq!(
            entry(left),
            "```\nLeft(text: text, length: number) -> text\n```\n\nThe first characters.\n\n\
             All of them if the text is shorter; `''` if `length` is 0 or less.\n\n\
             ```flowscript\nLeft('Richard', 1)  // → 'R'\nLeft('ab', 9)  // → 'ab'\nLeft('abc', 'x')  // error: length\n```\n"
        );
    }

    #[test]
    fn every_link_has_its_heading() {
        let page = page();
        let headings: Vec<String> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### ").or_else(|| line.strip_prefix("## ")))
            .map(anchor)
            .collect();
        let links = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links {
            assert_eq!(headings.iter().filter(|heading| *heading == link).count(), 1, "{link}");
        }
    }
}
