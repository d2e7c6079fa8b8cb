//! W0116: columns of `CSV.Decode`, which are texts, sorted or compared as if they were numbers.
//!
//! Whether a column holds numbers is known if the CSV is a literal of the script; else it is inferred from the use of
//! the column in the script, and from its name. ISO dates sort correctly as texts.

use super::columns::{column, extreme_of_column, is_amount, is_order, shown};
use super::library::{Called, Known, is_extreme, keeps_rows, maps_rows, takes_numbers};
use super::source::{Source, bare, warning};
use super::walk::{self, Node};
use crate::ast::{BinaryOp, Expr, ExprKind, FunctionBody, QueryOp, Select, SelectItem, StatementKind};
use crate::diagnostic::{Diagnostic, Fix, codes};
use crate::function::{Function, Role};
use crate::span::Span;
use crate::value::parse_number;
use hashbrown::{HashMap, HashSet};

/// The most tokens of a source that is checked.
const MOST_TOKENS: usize = 20_000;

/// The most columns and lines of a CSV that are checked.
const MOST_COLUMNS: usize = 200;
const MOST_LINES: usize = 1_000;

/// Known facts about a table of texts.
#[derive(Clone, Default)]
struct Cells {
    /// Columns that have been assigned other values.
    converted: HashSet<String>,
    /// The columns that hold numbers of different lengths, if the CSV is a literal of the script.
    numbers: Option<HashSet<String>>,
}

struct Facts<'a> {
    /// The functions that the rule looks for.
    known: Known<'a>,
    /// The function that reads a number.
    number: &'a str,
    /// Variables that hold such tables; `None` for names with another meaning, too.
    tables: HashMap<String, Option<Cells>>,
    /// Variables that hold a row of such a table; `None` for names with another meaning, too.
    rows: HashMap<String, Option<Cells>>,
    /// Variables that hold a fixed text.
    texts: HashMap<String, Option<String>>,
    /// Columns used in computations of the script.
    computed: HashSet<String>,
}

/// Warns of an order between texts that are numbers.
pub(super) fn texts(source: &Source<'_>, found: &mut Vec<Diagnostic>) {
    // Tables are followed from query to query, which takes long in generated sources.
    if source.tokens.len() > MOST_TOKENS {
        return;
    }
    let decoders = Known::of(source.registry, decodes_cells);
    let may_decode = |token: &str| {
        decoders.names().any(|name| name.split('.').next().is_some_and(|first| first.eq_ignore_ascii_case(token)))
    };
    if !source.tokens.iter().any(|(_, span)| may_decode(span.text(source.text))) {
        return;
    }
    let Some(number) = source.registry.of_role(Role::ReadsNumber).next() else { return };
    let facts = Facts::of(source, number);
    walk::script(source.script, &mut |node| {
        let Node::Expr(expr) = node else { return };
        match &expr.kind {
            ExprKind::Query { source, operators } => {
                let Some(mut cells) = facts.cells(source) else { return };
                for (operator, _) in operators {
                    facts.operator(operator, &cells, found);
                    match after(operator, cells) {
                        Some(next) => cells = next,
                        None => return,
                    }
                }
            }
            ExprKind::Select(select) => facts.select(select, found),
            ExprKind::Postfix { .. } => facts.call(expr, found),
            ExprKind::Binary { first, rest } => {
                if let [(op, _, second)] = rest.as_slice()
                    && is_order(*op)
                {
                    facts.compared_rows(expr.span, first, second, found);
                }
            }
            _ => {}
        }
    });
}

fn decodes_cells(function: &Function) -> bool {
    function.facts.role == Role::DecodesCells
}

/// Does the rule look for it?
fn is_known(function: &Function) -> bool {
    decodes_cells(function)
        || is_extreme(function)
        || keeps_rows(function)
        || maps_rows(function)
        || takes_numbers(function)
}

impl<'a> Facts<'a> {
    fn of(source: &Source<'a>, number: &'a str) -> Self {
        let mut facts = Self {
            known: Known::of(source.registry, is_known),
            number,
            tables: HashMap::new(),
            rows: HashMap::new(),
            texts: HashMap::new(),
            computed: HashSet::new(),
        };
        walk::script(source.script, &mut |node| match node {
            Node::Statement(statement) => match &statement.kind {
                // Annotated values are converted.
                StatementKind::Let { name, annotation: Some(_), .. } => facts.forget(&name.text),
                StatementKind::Let { name, value, .. } => facts.assign(&name.text, value),
                StatementKind::Set { name, path, value } if path.is_empty() => facts.assign(&name.text, value),
                StatementKind::For { name, rows, .. } => {
                    let cells = facts.cells(rows);
                    facts.tables.insert(name.text.to_string(), None);
                    facts.note_row(&name.text, cells);
                }
                StatementKind::Function { function, .. } => {
                    function.parameters.iter().for_each(|parameter| facts.forget(&parameter.name.text));
                }
                _ => {}
            },
            Node::Expr(expr) => facts.learn(expr),
        });
        facts
    }

    fn assign(&mut self, name: &str, value: &Expr) {
        let cells = match (self.cells(value), self.tables.get(name)) {
            (Some(mut cells), Some(Some(known))) => {
                cells.converted.extend(known.converted.iter().cloned());
                Some(cells)
            }
            (Some(cells), None) => Some(cells),
            _ => None,
        };
        self.tables.insert(name.to_owned(), cells);
        let text = match &bare(value).kind {
            ExprKind::Text(text) if !self.texts.contains_key(name) => Some(text.to_string()),
            _ => None,
        };
        self.texts.insert(name.to_owned(), text);
    }

    /// Records which rows of the table a variable holds.
    fn note_row(&mut self, name: &str, cells: Option<Cells>) {
        self.rows.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(cells);
    }

    fn forget(&mut self, name: &str) {
        self.rows.insert(name.to_owned(), None);
        self.tables.insert(name.to_owned(), None);
        self.texts.insert(name.to_owned(), None);
    }

    /// Records the columns used in computations of an expression.
    fn learn(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Function(function) => {
                function.parameters.iter().for_each(|parameter| self.forget(&parameter.name.text));
            }
            ExprKind::Binary { first, rest } => {
                let sides: Vec<&Expr> = std::iter::once(&**first).chain(rest.iter().map(|(_, _, side)| side)).collect();
                let arithmetic = rest.iter().any(|(op, ..)| {
                    matches!(
                        op,
                        BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Modulo | BinaryOp::Add | BinaryOp::Subtract
                    )
                });
                let with_number = rest.iter().any(|(op, ..)| is_order(*op) || *op == BinaryOp::Equal)
                    && sides.iter().any(|side| matches!(side.kind, ExprKind::Number(_)));
                if arithmetic || with_number {
                    self.computed.extend(sides.into_iter().filter_map(column).map(str::to_owned));
                }
            }
            ExprKind::Postfix { .. } => {
                if let Some(Called { function, arguments, .. }) = self.known.called(expr)
                    && takes_numbers(function)
                {
                    self.computed.extend(arguments.into_iter().filter_map(column).map(str::to_owned));
                }
            }
            _ => {}
        }
    }

    /// The known cells of an expression that returns rows of CSV.
    fn cells(&self, expr: &Expr) -> Option<Cells> {
        match &expr.kind {
            ExprKind::Paren(inner) => self.cells(inner),
            ExprKind::Name(name) => self.tables.get(name.as_str())?.clone(),
            ExprKind::Query { source, operators } => {
                operators.iter().try_fold(self.cells(source)?, |cells, (operator, _)| after(operator, cells))
            }
            ExprKind::Select(select) if select.joins.is_empty() => {
                let cells = self.cells(&select.source.value)?;
                let values = select.items.iter().filter_map(|item| match item {
                    SelectItem::Value { label, value } => {
                        Some((label.as_ref().map(|label| label.text.as_str()), value))
                    }
                    SelectItem::All(_) | SelectItem::AllOf(_) => None,
                });
                Some(made_of(cells, values))
            }
            ExprKind::Map { rows, body } => {
                let ExprKind::Record(fields) = &bare(body).kind else { return None };
                let cells = self.cells(rows)?;
                Some(made_of(cells, fields.iter().map(|field| (Some(field.label.text.as_str()), &field.value))))
            }
            ExprKind::Postfix { .. } => {
                let Called { function, arguments, is_typed, .. } = self.known.called(expr)?;
                if decodes_cells(function) && !is_typed {
                    return Some(Cells { numbers: self.numbers(&arguments), ..Cells::default() });
                }
                keeps_rows(function).then(|| self.cells(arguments.first()?))?
            }
            _ => None,
        }
    }

    /// The columns of numbers in a CSV that is a literal of the script.
    fn numbers(&self, arguments: &[&Expr]) -> Option<HashSet<String>> {
        let (argument, delimiter) = match arguments {
            [argument] => (*argument, ","),
            [argument, Expr { kind: ExprKind::Text(delimiter), .. }] => (*argument, delimiter.as_str()),
            _ => return None,
        };
        let text = match &bare(argument).kind {
            ExprKind::Text(text) => text.as_str(),
            ExprKind::Name(name) => self.texts.get(name.as_str())?.as_deref()?,
            _ => return None,
        };
        let mut lines =
            text.lines().map(|line| line.split(delimiter).take(MOST_COLUMNS).map(str::trim).collect::<Vec<_>>());
        let header = lines.next()?;
        let rows: Vec<Vec<&str>> = lines.take(MOST_LINES).collect();
        let is_number = |at: usize| {
            let cells: Vec<&str> =
                rows.iter().filter_map(|row| row.get(at).copied()).filter(|it| !it.is_empty()).collect();
            let digits = |cell: &&str| cell.split(['.', ',']).next().map_or(0, str::len);
            let differ = cells.iter().any(|cell| Some(digits(cell)) != cells.first().map(digits));
            differ && cells.iter().all(|cell| parse_number(cell).is_some())
        };
        Some(header.iter().enumerate().filter(|(at, _)| is_number(*at)).map(|(_, name)| (*name).to_owned()).collect())
    }

    fn is_number(&self, cells: &Cells, column: &str) -> bool {
        if cells.converted.contains(column) {
            return false;
        }
        match &cells.numbers {
            Some(numbers) => numbers.contains(column),
            None => self.computed.contains(column) || is_amount(column),
        }
    }

    fn operator(&self, operator: &QueryOp, cells: &Cells, found: &mut Vec<Diagnostic>) {
        match operator {
            QueryOp::OrderBy(keys) => keys.iter().for_each(|key| self.sorted(&key.value, cells, found)),
            QueryOp::Where(value) | QueryOp::ExceptWhere(value) => self.compared(value, cells, found),
            _ => {}
        }
    }

    fn sorted(&self, key: &Expr, cells: &Cells, found: &mut Vec<Diagnostic>) {
        let key = match &bare(key).kind {
            ExprKind::Function(function) => match &function.body {
                FunctionBody::Expr(body) => body,
                FunctionBody::Block(_) => return,
            },
            _ => key,
        };
        if let Some(name) = column(key).filter(|name| self.is_number(cells, name)) {
            let shown = shown(key, name);
            let hint = format!("sort by the number: `{}({shown})`", self.number);
            let warning = of_texts(key.span, name, "'10' sorts before '9'", hint);
            found.push(warning.with_fix(self.as_number(key.span)));
        }
    }

    /// Comparisons of texts in a condition.
    fn compared(&self, condition: &Expr, cells: &Cells, found: &mut Vec<Diagnostic>) {
        walk::expr(condition, &mut |node| {
            let Node::Expr(Expr { kind: ExprKind::Binary { first, rest }, span }) = node else { return };
            let [(op, _, second)] = rest.as_slice() else { return };
            if !is_order(*op) {
                return;
            }
            let is_number = |side: &Expr| column(side).is_some_and(|name| self.is_number(cells, name));
            let is_text =
                |side: &Expr| matches!(&bare(side).kind, ExprKind::Text(text) if parse_number(text).is_some());
            let both = is_number(first) && is_number(second);
            let side = match (column(first), column(second)) {
                (Some(name), _) if both || is_text(second) => Some((&**first, name)),
                (_, Some(name)) if is_text(first) => Some((second, name)),
                _ => None,
            };
            if let Some((side, name)) = side.filter(|(_, name)| !cells.converted.contains(*name)) {
                let hint = format!("compare the number: `{}({})`", self.number, shown(side, name));
                found.push(of_texts(*span, name, "'10' is less than '9'", hint).with_fix(self.as_number(side.span)));
            }
        });
    }

    /// `r.qty > '9'`, `r.qty > best.qty` where r is a row in a loop.
    fn compared_rows(&self, span: Span, first: &Expr, second: &Expr, found: &mut Vec<Diagnostic>) {
        let number = |side| self.column_of_row(side);
        let is_text = |side: &Expr| matches!(&bare(side).kind, ExprKind::Text(text) if parse_number(text).is_some());
        let is_field = |side: &Expr| matches!(bare(side).kind, ExprKind::Postfix { .. }) && column(side).is_some();
        let side = match (number(first), number(second)) {
            (Some(name), other)
                if is_text(second) || other.is_some() || column(second) == Some(name) && is_field(second) =>
            {
                Some((first, name))
            }
            (None, Some(name)) if is_text(first) || column(first) == Some(name) && is_field(first) => {
                Some((second, name))
            }
            _ => None,
        };
        if let Some((side, name)) = side {
            let hint = format!("compare the number: `{}({})`", self.number, shown(side, name));
            found.push(of_texts(span, name, "'10' is less than '9'", hint).with_fix(self.as_number(side.span)));
        }
    }

    /// The column of numbers that a field of a row names.
    fn column_of_row<'e>(&self, expr: &'e Expr) -> Option<&'e str> {
        let ExprKind::Postfix { base, .. } = &bare(expr).kind else { return None };
        let ExprKind::Name(row) = &base.kind else { return None };
        let cells = self.rows.get(row.as_str())?.as_ref()?;
        column(expr).filter(|column| self.is_number(cells, column))
    }

    /// `Max(t.qty)`, `t.qty.Max()`, `Filter(t, qty > '9')`
    fn call(&self, expr: &Expr, found: &mut Vec<Diagnostic>) {
        let called = self.known.called(expr);
        if let Some(outer) = &called
            && is_extreme(outer.function)
            && let [mapped] = outer.arguments.as_slice()
            && let Some(inner) = self.known.called(mapped)
            && maps_rows(inner.function)
            && let [rows, cell] = inner.arguments.as_slice()
            && let Some(field) = column(cell)
        {
            if self.cells(rows).is_some_and(|cells| self.is_number(&cells, field)) {
                let hint = format!("take the number: `{}({field})`", self.number);
                let warning = of_texts(cell.span, field, "'9' is greater than '10'", hint);
                found.push(warning.with_fix(self.as_number(cell.span)));
            }
            return;
        }
        if let Some((base, field, name)) = extreme_of_column(&self.known, expr) {
            if self.cells(base).is_some_and(|cells| self.is_number(&cells, field)) {
                found.push(self.extreme(expr.span, base, field, name));
            }
            return;
        }
        let Some(Called { function, name, arguments, .. }) = called else { return };
        let Some(cells) = arguments.first().and_then(|first| self.cells(first)) else { return };
        for argument in arguments.iter().skip(1) {
            match column(argument) {
                Some(column) if is_extreme(function) && self.is_number(&cells, column) => {
                    found.push(self.greatest(argument, column, name));
                }
                _ => self.compared(argument, &cells, found),
            }
        }
    }

    /// The warning about the greatest of a column.
    fn extreme(&self, place: Span, rows: &Expr, field: &str, name: &str) -> Diagnostic {
        let number = self.number;
        let why = "'9' is greater than '10'";
        let Some(map) = self.known.mapping() else {
            return of_texts(place, field, why, format!("take the numbers: `{number}({field})` of each row"));
        };
        let numbers = |rows: &str| format!("{name}({map}({rows}, {number}({field})))");
        let rows = match &rows.kind {
            ExprKind::Name(rows) => Some(rows.as_str()),
            _ => None,
        };
        let hint = format!("take the numbers: `{}`", numbers(rows.unwrap_or("…")));
        of_texts(place, field, why, hint).with_fix(rows.map(|rows| Fix::replace(place, numbers(rows))))
    }

    fn greatest(&self, argument: &Expr, column: &str, name: &str) -> Diagnostic {
        let hint = format!("take the number: `{name}({}({}))`", self.number, shown(argument, column));
        let warning = of_texts(argument.span, column, "'9' is greater than '10'", hint);
        warning.with_fix(self.as_number(argument.span))
    }

    /// The number of a text.
    fn as_number(&self, text: Span) -> Fix {
        Fix::around(text, format!("{}(", self.number), ")")
    }

    fn select(&self, select: &Select, found: &mut Vec<Diagnostic>) {
        let mut sources = std::iter::once(&select.source).chain(select.joins.iter().map(|join| &join.source));
        let Some(mut cells) = sources.find_map(|source| self.cells(&source.value)) else { return };
        for item in &select.items {
            let SelectItem::Value { label, value } = item else { continue };
            if let Some(Called { function, name, arguments, .. }) = self.known.called(value)
                && is_extreme(function)
                && let [argument] = arguments.as_slice()
                && let Some(column) = column(argument).filter(|column| self.is_number(&cells, column))
            {
                found.push(self.greatest(argument, column, name));
            }
            // In `order by` this name means the result column, not the column of the source.
            if let Some(label) = label.as_ref().filter(|_| column(value).is_none()) {
                cells.converted.insert(label.text.to_string());
            }
        }
        select.condition.iter().for_each(|condition| self.compared(condition, &cells, found));
        select.order.iter().for_each(|key| self.sorted(&key.value, &cells, found));
    }
}

fn of_texts(span: Span, name: &str, why: &str, hint: String) -> Diagnostic {
    warning(
        codes::TEXT_ORDER,
        span,
        format!("`{name}` comes from CSV, where all cells are texts, and as texts {why}."),
        hint,
    )
}

/// The facts about a table that remain after an operator.
fn after(operator: &QueryOp, mut cells: Cells) -> Option<Cells> {
    let mut convert = |change: &Expr| match &bare(change).kind {
        ExprKind::Record(fields) => {
            cells.converted.extend(fields.iter().map(|field| field.label.text.to_string()));
            true
        }
        _ => false,
    };
    let known = match operator {
        QueryOp::With { change, .. } => convert(change),
        QueryOp::WithGuards { guards, .. } => guards.iter().all(|(change, _)| convert(change)),
        QueryOp::GroupBy(_) => false,
        QueryOp::Where(_) | QueryOp::Except(_) | QueryOp::ExceptWhere(_) | QueryOp::OrderBy(_) => true,
    };
    known.then_some(cells)
}

/// The facts about rows whose cells are `values` of rows of CSV, each with its name if it has one of its own.
fn made_of<'a>(mut cells: Cells, values: impl Iterator<Item = (Option<&'a str>, &'a Expr)>) -> Cells {
    for (label, value) in values {
        let own = column(value);
        let Some(name) = label.or(own) else { continue };
        match own {
            Some(own) if own == name => {}
            Some(own) => match &mut cells.numbers {
                Some(numbers) if numbers.contains(own) => {
                    numbers.insert(name.to_owned());
                }
                _ => {}
            },
            None => {
                cells.converted.insert(name.to_owned());
            }
        }
    }
    cells
}
