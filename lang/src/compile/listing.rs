//! Code as text, for snapshots and inspection.

use super::code::Code;
use super::executable::Executable;
use crate::span::line_column;
use std::fmt::Write;

/// The code of all functions of a tree, one instruction a line, each with the line of the source it comes from.
pub(crate) fn listing(tree: &Executable) -> String {
    let mut out = String::new();
    for (definition, code) in tree.functions.iter().zip(tree.code()) {
        let name = if definition.name.is_empty() { "(no name)" } else { definition.name.as_str() };
        let source = tree.units.get(definition.unit as usize).map_or("", |unit| &*unit.source);
        match code {
            Some(code) => function(&mut out, name, code, source),
            None => {
                let _ = writeln!(out, "{name}: runs as a tree");
            }
        }
    }
    out
}

fn function(out: &mut String, name: &str, code: &Code, source: &str) {
    let result = if code.numeric { "number" } else { "value" };
    let _ = writeln!(
        out,
        "{name}: {} numbers, {} values, gives a {result}{}",
        code.number_registers,
        code.registers,
        if code.framed { ", has a frame" } else { "" }
    );
    let mut last = 0;
    for (at, instruction) in code.instructions.iter().enumerate() {
        let line = line_column(source, code.span(at).start).0;
        let shown = if line == last { String::new() } else { line.to_string() };
        last = line;
        let _ = writeln!(out, "{shown:>5} {at:>5}  {instruction:?}");
    }
    for handler in &code.handlers {
        let _ = writeln!(out, "            {}..{} caught at {}", handler.start, handler.end, handler.target);
    }
}
