//! Entries for the index of names, made where names are declared and read.

use super::checker::Checker;
use super::fields::{FieldId, Fields};
use super::scope::{Columns, FnId, Scope, Signature, SourceInfo, VarId, VarKind};
use super::symbols::{Entries, Export, Index, Symbol, SymbolKind, Symbols, Use};
use crate::ast;
use crate::span::Span;
use crate::tree::Expr;
use crate::types::{RecordType, Type, TypeId};
use crate::value::fold_text;
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

impl Checker<'_> {
    /// Records where a variable is read or set.
    pub(super) fn note_use(&mut self, id: VarId, span: Span) {
        if let Some(index) = self.noted() {
            index.variables.entry(id).or_default().push(span);
        }
    }

    /// Records where a function is called or named.
    pub(super) fn note_function(&mut self, id: FnId, span: Span) {
        if let Some(index) = self.noted() {
            index.functions.entry(id).or_default().push(span);
        }
    }

    /// Records the variable that holds the closure of a declared function.
    pub(super) fn note_closure(&mut self, variable: VarId, function: FnId, signature: &Signature) {
        if let Some(index) = self.noted() {
            index.closures.insert(variable, (function, signature.to_type()));
        }
    }

    /// Records the type of an expression.
    pub(super) fn note_type(&mut self, expr: &Expr) {
        if self.unit == 0
            && let Some(index) = self.noted()
        {
            index.types.push((expr.span, expr.ty.clone()));
        }
    }

    /// Records a declared type.
    pub(super) fn note_declared_type(&mut self, id: TypeId, name: &ast::Name) {
        if let Some(index) = self.noted() {
            index.declared.push((id, name.text.clone(), name.span));
        }
    }

    /// Records where a declared type is named.
    pub(super) fn note_named_type(&mut self, ty: &Type, span: Span) {
        if let Type::Named(id, _) = ty
            && let Some(index) = self.noted()
        {
            index.named.push((*id, span));
        }
    }

    /// Records what the module being walked shows to others.
    pub(super) fn note_exports(&mut self, exports: impl Iterator<Item = (EcoString, Export)>) {
        if let Some(index) = self.noted() {
            index.exports = exports.collect();
        }
    }

    /// Records a use of what a module shows; `key` is the name of a constant, or that of [`function_key`].
    pub(super) fn note_member(&mut self, unit: usize, key: &str, span: Span) {
        if let Some(index) = self.noted() {
            index.members.push((unit, key.into(), span));
        }
    }

    /// The same for a function of a module of the user.
    pub(super) fn note_function_of(&mut self, module: &str, name: &str, span: Span) {
        if self.indexes.are_wanted()
            && let Some(unit) = self.modules.unit(module)
        {
            self.note_member(unit, &function_key(name), span);
        }
    }

    /// Records the places of the fields of a record that is written here.
    pub(super) fn note_fields<'n>(&mut self, ty: &Type, labels: impl Iterator<Item = &'n ast::Name>) {
        let unit = self.unit;
        if let Type::Record(record) = ty
            && let Some((fields, _)) = self.indexes.fields(unit)
        {
            labels.for_each(|label| fields.declare(record, &label.text, unit, label.span));
        }
    }

    /// The fields of a record that are not known yet are those of the record that it was made of.
    pub(super) fn note_made_of(&mut self, made: &Type, of: &Type) {
        self.note_both(made, of, Fields::inherit);
    }

    /// Two records are rows of one table.
    pub(super) fn note_same_rows(&mut self, row: &Type, other: &Type) {
        self.note_both(row, other, Fields::unite);
    }

    fn note_both(&mut self, made: &Type, of: &Type, note: fn(&mut Fields, &Arc<RecordType>, &Arc<RecordType>)) {
        let unit = self.unit;
        if let Some((fields, _)) = self.indexes.fields(unit)
            && let (Some(made), Some(of)) = (self.types.record(made), self.types.record(of))
            && !Arc::ptr_eq(made, of)
        {
            note(fields, made, of);
        }
    }

    /// Records where a field is read.
    pub(super) fn note_field(&mut self, record: &Arc<RecordType>, name: &str, span: Span) {
        if let Some((fields, index)) = self.indexes.fields(self.unit)
            && let Some(id) = fields.find(record, name)
        {
            index.fields.push((id, span));
        }
    }

    /// Records where a column is read: of the rows of a scope, given as function and scope; in a `select`, of a source.
    pub(super) fn note_column(&mut self, (depth, at): (usize, usize), source: Option<usize>, name: &str, span: Span) {
        if !self.indexes.are_wanted() {
            return;
        }
        let Some(scope) = self.units[self.unit].stack.get(depth).and_then(|function| function.scopes.get(at)) else {
            return;
        };
        let columns = match scope {
            Scope::Block(_) => None,
            Scope::Rows(rows) => Some(&rows.columns),
            Scope::Select(select) => {
                let has_it = |of: &&SourceInfo| of.columns.certainly_has(name);
                let of = source.map_or_else(|| select.sources.iter().find(has_it), |at| select.sources.get(at));
                of.map(|of| &of.columns)
            }
        };
        if let Some(Columns::Known(record)) = columns {
            let record = record.clone();
            self.note_field(&record, name, span);
        }
    }

    /// Records a column of a result: with a name of its own, or the column that was read last.
    pub(super) fn note_result_column(&mut self, result: &Type, label: Option<&ast::Name>, value: Span) {
        let unit = self.unit;
        let (Some((fields, index)), Type::Record(record)) = (self.indexes.fields(unit), result) else { return };
        match label {
            Some(label) => fields.declare(record, &label.text, unit, label.span),
            None => {
                let read = index.fields.iter().rev().find(|(_, span)| span.end == value.end);
                let read = read.and_then(|(id, span)| Some((*id, span.text(&self.units.get(unit)?.source))));
                if let Some((id, name)) = read {
                    fields.take_over(record, &name.into(), id);
                }
            }
        }
    }

    fn noted(&mut self) -> Option<&mut Index> {
        self.indexes.of(self.unit)
    }

    /// Starts the index of the unit over, at the beginning of a walk.
    pub(super) fn restart_index(&mut self) {
        self.indexes.restart(self.unit);
    }

    /// The entries of all walks.
    pub(super) fn symbols(&mut self) -> Symbols {
        let Entries { units: indexes, fields } = self.indexes.take();
        let modules: Vec<Option<EcoString>> = self.units.iter().map(|unit| unit.name.clone()).collect();
        let place = |unit: usize, span: Span| Use { module: modules.get(unit).cloned().flatten(), span };
        // The uses in other units of what a unit shows.
        let mut elsewhere: HashMap<(usize, Export), Vec<Use>> = HashMap::new();
        for (unit, index) in indexes.iter().enumerate() {
            for (of, key, span) in &index.members {
                if let Some(export) = indexes.get(*of).and_then(|index| index.exports.get(key)) {
                    elsewhere.entry((*of, *export)).or_default().push(place(unit, *span));
                }
            }
        }
        let mut symbols = Symbols::default();
        for (unit, index) in indexes.iter().enumerate() {
            let Some(state) = self.units.get(unit) else { continue };
            for (id, info) in state.variables.iter().enumerate() {
                let closure = index.closures.get(&id);
                let kind = match info.kind {
                    VarKind::Let => SymbolKind::Variable,
                    VarKind::Loop => SymbolKind::Loop,
                    VarKind::Parameter => SymbolKind::Parameter,
                    VarKind::Catch => SymbolKind::Error,
                    VarKind::Host => SymbolKind::Host,
                    VarKind::Function => SymbolKind::Function,
                };
                // The variable of a closure has a name that no script can write.
                let (name, ty, uses, export) = match closure {
                    Some((function, ty)) => {
                        let name = info.span.text(&state.source);
                        (name, ty, index.functions.get(function), Export::Function(*function))
                    }
                    None => (info.name.as_str(), &info.ty, index.variables.get(&id), Export::Constant(id)),
                };
                let (name, ty) = (EcoString::from(name), ty.clone());
                let own = uses.into_iter().flatten().map(|span| place(unit, *span));
                let uses =
                    sorted(own.chain(elsewhere.remove(&(unit, export)).into_iter().flatten()), state.name.as_ref());
                let declared = (info.span.start < info.span.end).then_some(info.span);
                symbols.symbols.push(Symbol { name, kind, ty, module: state.name.clone(), declared, uses });
            }
        }
        for (unit, index) in indexes.iter().enumerate() {
            for (id, name, span) in &index.declared {
                let named = indexes.iter().enumerate().flat_map(|(unit, index)| {
                    let uses = index.named.iter().filter(|(named, _)| named == id);
                    uses.map(move |(_, span)| (unit, *span))
                });
                let module = modules.get(unit).cloned().flatten();
                let uses = sorted(named.map(|(unit, span)| place(unit, span)), module.as_ref());
                let ty = Type::Named(*id, name.clone());
                let declared = Some(*span);
                symbols.symbols.push(Symbol { name: name.clone(), kind: SymbolKind::Type, ty, module, declared, uses });
            }
        }
        let mut read: HashMap<FieldId, Vec<Use>> = HashMap::new();
        for (unit, index) in indexes.iter().enumerate() {
            for (id, span) in &index.fields {
                read.entry(fields.root(*id)).or_default().push(place(unit, *span));
            }
        }
        for (id, (root, declared)) in fields.all().enumerate() {
            if root != id {
                read.entry(root).or_default().push(place(declared.unit, declared.span));
            }
        }
        for (id, (root, declared)) in fields.all().enumerate() {
            if root == id {
                let Use { module, span } = place(declared.unit, declared.span);
                let uses = sorted(read.remove(&id).into_iter().flatten(), module.as_ref());
                let (name, ty) = (declared.name.clone(), declared.ty.clone());
                symbols.symbols.push(Symbol { name, kind: SymbolKind::Field, ty, module, declared: Some(span), uses });
            }
        }
        symbols.types = indexes.into_iter().next().map(|script| script.types).unwrap_or_default();
        symbols
    }
}

/// The key of a function among what a module shows. No constant has such a name.
pub(super) fn function_key(name: &str) -> EcoString {
    ecow::eco_format!("{}()", fold_text(name))
}

/// Uses in the order of the sources, those in the unit that declares the name first; each once.
fn sorted(uses: impl Iterator<Item = Use>, module: Option<&EcoString>) -> Vec<Use> {
    let mut uses: Vec<Use> = uses.collect();
    uses.sort_by(|a, b| {
        let order = |used: &Use| (used.module.as_ref() != module, used.module.clone(), used.span.start, used.span.end);
        order(a).cmp(&order(b))
    });
    uses.dedup();
    uses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{CompileOptions, Mode, ModuleLoader, NoModules, Variable, index};
    use crate::function::{Effect, Registry};
    use crate::types::Type;

    fn indexed(source: &str, modules: &dyn ModuleLoader) -> Symbols {
        let registry = Registry::default();
        let variables = [Variable { name: "given".into(), ty: Type::Number, writable: true }];
        let options = CompileOptions {
            mode: Mode::Script,
            variables: &variables,
            registry: &registry,
            modules,
            effect: Effect::Pure,
        };
        let (compiled, symbols) = index(source, &options);
        assert!(!compiled.has_errors(), "{:?}", compiled.diagnostics);
        symbols
    }

    /// Name, kind and type of a symbol; where it is declared and used, as the letters there with their bytes.
    fn shown(symbol: &Symbol, source: &str) -> String {
        let place = |span: &Span| format!("{}@{}", span.text(source), span.start);
        let declared = symbol.declared.as_ref().map_or("-".to_owned(), place);
        let uses: Vec<String> = symbol.uses.iter().map(|used| place(&used.span)).collect();
        format!("{} {:?} {} {declared} [{}]", symbol.name, symbol.kind, symbol.ty, uses.join(" "))
    }

    #[test]
    fn names_have_their_places() {
        let source = "let a = given;\nfunction Twice(n) => n * 2;\nlet b = twice(a) + a;\nset b = b + 1;\n\
                      for r in [b] { let a = r; set a = a + 1; }\ntry { return b; } catch e { return e.line; }\nreturn a;";
        let symbols = indexed(source, &NoModules);
        let all: Vec<String> = symbols.symbols.iter().map(|symbol| shown(symbol, source)).collect();
        assert_eq!(
            all,
            [
                "given Host number - [given@8]",
                "Twice Function (any) -> number Twice@24 [twice@51]",
                "a Variable number a@4 [a@57 a@62 a@175]",
                "n Parameter number n@30 [n@36]",
                "b Variable number b@47 [b@69 b@73 b@90 b@136]",
                "r Loop number r@84 [r@103]",
                "a Variable number a@99 [a@110 a@114]",
                "e Error {message: text, kind: text, line: number, column: number} e@147 [e@158]",
            ]
        );
        let name_at = |byte| symbols.at(byte).map(|symbol| symbol.declared.map(|span| span.start));
        assert_eq!(
            (name_at(57), name_at(175), name_at(114), name_at(52)),
            (Some(Some(4)), Some(Some(4)), Some(Some(99)), Some(Some(24)))
        );
        assert_eq!((name_at(9), name_at(6)), (Some(None), None));
    }

    #[test]
    fn expressions_have_their_types() {
        let source = "let t = [{qty: 1}];\nreturn t with {all: qty * 2};";
        let symbols = indexed(source, &NoModules);
        let ty = |part: &str| {
            let found = symbols.type_at(source.find(part).expect("a part"));
            found.map(|(span, ty)| format!("{} {ty}", span.text(source)))
        };
        assert_eq!(ty("1}").as_deref(), Some("1 number"));
        assert_eq!(ty("qty *").as_deref(), Some("qty number"));
        assert_eq!(ty("t with").as_deref(), Some("t {qty: number}*"));
        assert_eq!(ty("with").as_deref(), Some("t with {all: qty * 2} {qty: number, all: number}*"));
        assert_eq!(ty("let"), None);
    }

    /// A module.
    struct Rates;

    impl ModuleLoader for Rates {
        fn load(&self, name: &str) -> Option<Result<String, String>> {
            (name == "rates").then(|| Ok("let low = 1;\nfunction twice() => low * 2;\n".to_owned()))
        }
    }

    #[test]
    fn names_of_modules_say_so() {
        let symbols = indexed("let low = rates.low;\nreturn low + rates.twice();", &Rates);
        let of_module: Vec<(&str, usize)> = symbols
            .symbols
            .iter()
            .filter(|symbol| symbol.module.is_some())
            .map(|symbol| (symbol.name.as_str(), symbol.uses.len()))
            .collect();
        assert_eq!(of_module, [("twice", 1), ("low", 2)]);
        assert_eq!(symbols.at(4).map(|symbol| symbol.uses.len()), Some(1));
    }

    /// The uses of the name that is written in a source as `text`, each with its module.
    fn uses(symbols: &Symbols, module: Option<&str>, source: &str, text: &str) -> Vec<(Option<String>, u32)> {
        let symbol = symbols.at_in(module, source.find(text).expect("the text")).expect("a symbol");
        symbol.uses.iter().map(|used| (used.module.as_ref().map(ToString::to_string), used.span.start)).collect()
    }

    #[test]
    fn names_of_modules_are_used_in_other_units() {
        let rates = "let low = 1;\nfunction twice() => low * 2;\ntype line = {qty: number};\n";
        let prices = "function gross(l: rates.line) => l.qty * rates.low;\n";
        let modules: &[(&str, &str)] = &[("rates", rates), ("prices", prices)];
        let source = "open rates;\nlet f = rates.twice;\nlet l: rates.line = {qty: 1};\n\
                      return prices.gross(l) + twice() + rates.Twice() + rates.low + l.qty;";
        let symbols = indexed(source, &modules);
        let script = |part: &str| (None, source.find(part).expect("a part") as u32);
        let of_rates = |part: &str| (Some("rates".to_owned()), rates.find(part).expect("a part") as u32);
        let of_prices = |part: &str| (Some("prices".to_owned()), prices.find(part).expect("a part") as u32);
        let low = [of_rates("low * 2"), script("low + l"), of_prices("low;")];
        assert_eq!(uses(&symbols, Some("rates"), rates, "low = 1"), low);
        assert_eq!(uses(&symbols, None, source, "low + l"), low);
        let twice = [script("twice;"), script("twice()"), script("Twice()")];
        assert_eq!(uses(&symbols, None, source, "Twice()"), twice);
        assert_eq!(uses(&symbols, Some("rates"), rates, "twice"), twice);
        let line = [script("line = {"), of_prices("line)")];
        assert_eq!(uses(&symbols, Some("prices"), prices, "line)"), line);
        let qty = [script("qty;"), of_prices("qty *")];
        assert_eq!(uses(&symbols, Some("rates"), rates, "qty: number"), qty);
        assert_eq!(uses(&symbols, Some("prices"), prices, "gross"), [script("gross(l)")]);
    }

    #[test]
    fn types_have_their_places() {
        let source = "type line = {qty: number};\ntype order = {lines: line*};\n\
                      function f(l: line) => new line {qty: 1};\nlet x: any = 1;\nreturn [f(default(line)), x is line, x is order];";
        let symbols = indexed(source, &NoModules);
        let places = |part: &str| source.match_indices(part).map(|(at, _)| (None, at as u32)).collect::<Vec<_>>();
        assert_eq!(uses(&symbols, None, source, "line*}"), places("line")[2..]);
        let order = symbols.at(source.find("order").expect("a type")).expect("a symbol");
        assert_eq!((order.kind, order.ty.to_string().as_str(), order.uses.len()), (SymbolKind::Type, "order", 1));
    }

    /// The parts of a source that begin with a name, which all are places of one symbol; the first declares it.
    fn one_symbol(source: &str, parts: &[&str]) {
        let symbols = indexed(source, &NoModules);
        let at: Vec<u32> = parts.iter().map(|part| source.find(part).expect("a part") as u32).collect();
        for place in &at {
            let symbol = symbols.at(*place as usize);
            let symbol = symbol.unwrap_or_else(|| panic!("{source}: nothing at {}", &source[*place as usize..]));
            assert_eq!(
                (symbol.kind, symbol.declared.map(|span| span.start)),
                (SymbolKind::Field, Some(at[0])),
                "{source}"
            );
            let uses: Vec<u32> = symbol.uses.iter().map(|used| used.span.start).collect();
            assert_eq!(uses, at[1..], "{source}");
        }
    }

    #[test]
    fn columns_have_their_places() {
        one_symbol("let r = {qty: 1}; return r.qty + r['qty'];", &["qty: 1", "qty +", "'qty'"]);
        one_symbol(
            "let t = [{qty: 1, no: 2}, {qty: 3, no: 4}]; return t where qty > 1 order by qty;",
            &["qty: 1", "qty: 3", "qty >", "qty;"],
        );
        one_symbol(
            "type line = {qty: number, no = 1}; let t: line* = []; let n = new line {qty: 1}; return [t where qty = n.qty, t.qty];",
            &["qty: number", "qty: 1", "qty =", "qty, t", "qty]"],
        );
        // A query makes columns of its own, and keeps the others.
        let with = "let t = [{a: 1}]; let u = t with {b: a * 2}; return u where a < b;";
        one_symbol(with, &["a: 1", "a *", "a <"]);
        one_symbol(with, &["b: a", "b;"]);
        let select = "let t = [{a: 1, c: 2}]; let u = select a, n: c * 2 from t where c > 0 order by n; return u where a < n + 0;";
        one_symbol(select, &["a: 1", "a, n", "a <"]);
        one_symbol(select, &["n: c", "n; return", "n + 0"]);
        one_symbol(select, &["c: 2", "c * 2", "c > 0"]);
        let join = "let o = [{id: 1, c: 2}]; let p = [{no: 2}]; let j = select o.*, p.no from o left join p on o.c = p.no; return j.no & j.id;";
        one_symbol(join, &["no: 2", "no from", "no; return", "no &"]);
        one_symbol(join, &["id: 1", "id;"]);
        one_symbol(
            "let t = [{c: 1, q: 2}]; return select c, n: sum(q) from t group by c order by c;",
            &["c: 1", "c, n", "c order", "c;"],
        );
        one_symbol("let t = [{c: 1, q: 2}]; let g = t group by c; return g.c & 1;", &["c: 1", "c; return", "c & 1"]);
    }
}
