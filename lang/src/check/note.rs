//! Entries for the index of names, made where names are declared and read.

use super::checker::Checker;
use super::scope::{FnId, Signature, VarId, VarKind};
use super::symbols::{Index, Symbol, SymbolKind, Symbols};
use crate::span::Span;
use crate::tree::Expr;
use ecow::EcoString;

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

    fn noted(&mut self) -> Option<&mut Index> {
        self.indexes.of(self.unit)
    }

    /// Starts the index of the unit over, at the beginning of a walk.
    pub(super) fn restart_index(&mut self) {
        self.indexes.restart(self.unit);
    }

    /// The entries of all walks.
    pub(super) fn symbols(&mut self) -> Symbols {
        let mut symbols = Symbols::default();
        for (unit, index) in self.indexes.take().into_iter().enumerate() {
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
                let (name, ty, uses) = match closure {
                    Some((function, ty)) => (info.span.text(&state.source), ty, index.functions.get(function)),
                    None => (info.name.as_str(), &info.ty, index.variables.get(&id)),
                };
                let (name, ty) = (EcoString::from(name), ty.clone());
                let mut uses = uses.cloned().unwrap_or_default();
                uses.sort_by_key(|span| (span.start, span.end));
                uses.dedup();
                let declared = (info.span.start < info.span.end).then_some(info.span);
                symbols.symbols.push(Symbol { name, kind, ty, module: state.name.clone(), declared, uses });
            }
            if unit == 0 {
                symbols.types = index.types;
            }
        }
        symbols
    }
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
        let uses: Vec<String> = symbol.uses.iter().map(place).collect();
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
        assert_eq!(of_module, [("twice", 0), ("low", 1)]);
        assert_eq!(symbols.at(4).map(|symbol| symbol.uses.len()), Some(1));
    }
}
