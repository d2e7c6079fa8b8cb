//! The library functions of FlowScript.
//!
//! Each file registers its functions as rows: signature, summary, rules, tested examples, code.
//! [`registry`] collects them; the checker, the reference, completion and `flowscript doc` all read it.
//!
//! ```
//! use flowscript_lang::function::Effect;
//! use flowscript_lang::host::{Host, LogLevel};
//! use flowscript_lang::{CompileOptions, Mode, NoModules, Settings, compile};
//!
//! struct Fixed;
//!
//! impl Host for Fixed {
//!     fn now(&self) -> (i64, u32) {
//!         (1_767_225_600, 0)
//!     }
//!
//!     fn random(&self) -> u64 {
//!         4
//!     }
//!
//!     fn log(&self, level: LogLevel, message: &str) {
//!         println!("{}: {message}", level.name());
//!     }
//! }
//!
//! let registry = flowscript_stdlib::registry();
//! let options = CompileOptions {
//!     mode: Mode::Script,
//!     variables: &[],
//!     registry: &registry,
//!     modules: &NoModules,
//!     effect: Effect::Host,
//! };
//! let program = compile("return Upper('total') & ': ' & Round(19.9 * 0.25, 2);", &options).program;
//! let outcome = program.ok_or("the script has errors")?.run(Vec::new(), &Settings::default(), &Fixed)?;
//! assert_eq!(outcome.value.to_literal(60), "'TOTAL: 4.98'");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate does no I/O and has no clock: functions reach everything outside through the host of the call.
//! Start reading at `text.rs`. The arguments of a call are converted to the types of its signature before its code
//! runs.

#![expect(clippy::unnecessary_wraps, reason = "all natives have one signature")]

mod arguments;
mod cells;
pub mod charset;
pub mod csv;
mod datetime;
mod encoding;
pub mod format;
mod hash;
#[cfg(test)]
mod hostile;
mod http;
pub mod json;
mod letters;
mod log;
mod maths;
mod missing;
mod number;
#[cfg(test)]
#[path = "../../tests/support/odd.rs"]
mod odd;
mod pages;
mod random;
pub mod reference;
mod regex;
mod row;
mod search;
mod shapes;
mod show;
mod suggest;
mod table;
#[cfg(test)]
mod testing;
mod text;
mod trim;
mod unwritten;
mod url;
pub mod xml;

pub use datetime::find_zone;
pub use unwritten::EncodeError;

use flowscript_lang::function::{Function, Registry};
use row::Row;
use std::sync::{Arc, OnceLock};

/// A section of the reference.
struct Section {
    name: &'static str,
    /// The introduction to all its functions.
    intro: &'static str,
    tables: &'static [&'static [Row]],
}

const fn section(name: &'static str, intro: &'static str, tables: &'static [&'static [Row]]) -> Section {
    Section { name, intro, tables }
}

/// The sections of the reference, in its order.
const SECTIONS: &[Section] = &[
    section(
        "Text",
        "Lengths and positions count characters (Unicode scalar values), positions from 0.",
        &[text::ROWS, regex::ROWS, url::ROWS, encoding::TEXT_ROWS, random::TEXT_ROWS],
    ),
    section(
        "Number",
        "All of them are members of the module `Maths`, too.",
        &[number::ROWS, table::EXTREME_ROWS, maths::ROWS, random::ROWS, format::ROWS],
    ),
    section(
        "Dates and times",
        "`Now`, `Today`, `UtcNow` and `Date` (and `Format`) have a name without the module `DateTime` and one with it; all others \
         are the module's alone, and `open DateTime;` lets a script leave it out. Texts are taken for datetimes as by `Date`.",
        datetime::ROWS,
    ),
    section("JSON, XML, CSV, encodings", "", &[json::ROWS, xml::ROWS, csv::ROWS, encoding::ROWS, hash::ROWS]),
    section(
        "Tables and lists",
        "`rows` is a table or list; `null` is no rows. `expr` is an expression in the scope of a row, in which the columns are \
         variables and `row` is the whole row, or a function of the row.",
        table::ROWS,
    ),
    section("Missing values", "", &[missing::ROWS]),
    section("HTTP", "Requests are sent only if the host allows it.", &[http::ROWS]),
    section("Logging", "", &[log::ROWS]),
];

/// All functions of the library.
pub fn registry() -> Arc<Registry> {
    static REGISTRY: OnceLock<Arc<Registry>> = OnceLock::new();
    REGISTRY.get_or_init(|| Arc::new(Registry::new(functions()))).clone()
}

fn functions() -> impl Iterator<Item = Function> {
    SECTIONS
        .iter()
        .flat_map(|section| section.tables.iter().flat_map(|rows| rows.iter()).map(|row| row.function(section.name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flowscript_lang::function::{ParameterType, Reads, Signature};
    use std::collections::HashSet;

    fn rows() -> impl Iterator<Item = &'static Row> {
        SECTIONS.iter().flat_map(|section| section.tables.iter().flat_map(|rows| rows.iter()))
    }

    #[test]
    fn every_signature_is_readable() {
        for row in rows() {
            assert!(Signature::parse(row.signature).is_ok(), "{:?}", Signature::parse(row.signature));
        }
    }

    #[test]
    fn facts_fit_their_signatures() {
        use ParameterType::{Expr, Number, Rows};
        for function in registry().functions() {
            let types: Vec<ParameterType> =
                function.signature.parameters.iter().map(|parameter| parameter.ty).collect();
            let facts = function.facts;
            assert!(facts.folds.is_none() || types == [Rows, Expr], "{}", function.name);
            assert!(facts.reads == Reads::All || types.first() == Some(&Rows), "{}", function.name);
            assert!(facts.reads != Reads::FirstOf || types == [Rows, Number], "{}", function.name);
            assert!(!facts.is_range || types == [Number, Number], "{}", function.name);
        }
    }

    #[test]
    fn names_are_unique_in_any_case() {
        let mut seen = HashSet::new();
        for name in registry().all_names() {
            assert!(seen.insert(name.to_ascii_lowercase()), "{name} is registered twice");
        }
    }

    #[test]
    fn every_function_of_numbers_is_in_the_module_maths() {
        let registry = registry();
        let numbers = registry.functions().iter().filter(|function| function.section == "Number");
        for function in numbers {
            let name = format!("Maths.{}", function.short_name());
            assert!(registry.find(&name).is_some_and(|found| found.name == function.name), "{name}");
        }
    }

    #[test]
    fn every_function_is_documented() {
        for function in registry().functions() {
            assert!(function.summary.ends_with(['.', '?']), "{}: {}", function.name, function.summary);
            assert!(!function.examples.is_empty(), "{} has no example", function.name);
        }
    }
}
