//! Every block of FlowScript in the language reference is a test: `// → value` on its last line is the value it
//! returns as JSON, `// error: text` a part of its error; a block with neither is checked and run.

mod support;

use flowscript_lang::Limits;
use flowscript_lang::budget::Unlimited;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use std::process::ExitCode;
use support::{Ran, holds};

/// What the last line of a block says.
enum Wanted {
    Value(String),
    Error(String),
    Anything,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("lang/README.md");
    let text = std::fs::read_to_string(&file).expect("the language reference");
    let trials: Vec<Trial> = blocks(&text)
        .map(|(line, block)| {
            Trial::test(format!("lang/README.md:{line}"), move || passes(&block).map_err(Failed::from))
        })
        .collect();
    assert!(trials.len() > 50, "the reference has lost its blocks");
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The blocks marked `flowscript`, each with the line it begins on.
fn blocks(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (number, _) = lines.find(|(_, line)| line.trim() == "```flowscript")?;
        let block: Vec<&str> = lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        Some((number + 2, block.join("\n")))
    })
}

fn passes(block: &str) -> Result<(), String> {
    match (wanted(block), support::run(block, Limits::default())) {
        (Wanted::Value(json), Ran::Returned(value)) => {
            let wanted =
                flowscript_stdlib::json::decode(&json, &mut Unlimited).map_err(|error| format!("`{json}`: {error}"))?;
            support::compare(&value, &wanted)
        }
        (Wanted::Anything, Ran::Returned(_)) => Ok(()),
        (Wanted::Error(part), Ran::Failed(error)) if holds(&error.message, &part) => Ok(()),
        (Wanted::Error(part), Ran::Refused(found)) if found.iter().any(|error| holds(&error.message, &part)) => Ok(()),
        (_, Ran::Returned(value)) => Err(format!("returned {}", value.to_literal(200))),
        (_, Ran::Refused(found)) => Err(format!("refused:\n  {}", support::told(block, &found))),
        (_, Ran::Failed(error)) => Err(format!("failed: {}: {}", error.kind.name(), error.message)),
    }
}

fn wanted(block: &str) -> Wanted {
    let last = block.lines().next_back().unwrap_or_default().trim();
    let comment = last.strip_prefix("//").map(str::trim_start);
    if let Some(value) = comment.and_then(|text| text.strip_prefix('→')) {
        Wanted::Value(value.trim().to_owned())
    } else if let Some(part) = comment.and_then(|text| text.strip_prefix("error:")) {
        Wanted::Error(part.trim().to_owned())
    } else {
        Wanted::Anything
    }
}
