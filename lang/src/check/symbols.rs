//! An index of names for editors: where each is declared, where it is used, and which types expressions have.
//!
//! It is recorded where names are declared and read, and only where somebody asks for it.

use super::scope::{FnId, Signature, VarId, VarKind};
use super::{Checker, CompileOptions, Compiled, LIMITS, STACK, compile_here};
use crate::budget::Allowance;
use crate::span::Span;
use crate::tree::Expr;
use crate::types::Type;
use ecow::EcoString;
use hashbrown::HashMap;

/// What a name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolKind {
    /// A variable of a `let`; at the top of a module a constant.
    Variable,
    /// The variable of a loop.
    Loop,
    /// A parameter of a function.
    Parameter,
    /// The error of a `catch`.
    Error,
    /// A variable that the host gives, which no source declares.
    Host,
    /// A function.
    Function,
}

/// A name with all its places.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// As it is declared.
    pub name: EcoString,
    /// What it is.
    pub kind: SymbolKind,
    /// What is known of its values.
    pub ty: Type,
    /// The module that declares it; `None` for the script itself.
    pub module: Option<EcoString>,
    /// Where its name is declared; `None` for what the host gives.
    pub declared: Option<Span>,
    /// Where it is read or set in the unit that declares it, in the order of the source.
    pub uses: Vec<Span>,
}

/// The names of a script and of its modules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Symbols {
    /// In the order of their declarations, those of the script first.
    pub symbols: Vec<Symbol>,
    /// The types of expressions of the script, smaller ones before those around them.
    types: Vec<(Span, Type)>,
}

impl Symbols {
    /// The symbol whose name is written at a byte of the script, at its declaration or at a use.
    pub fn at(&self, byte: usize) -> Option<&Symbol> {
        let own = self.symbols.iter().filter(|symbol| symbol.module.is_none());
        let mut found = own.filter(|symbol| symbol.uses.iter().chain(&symbol.declared).any(|span| covers(*span, byte)));
        found.next()
    }

    /// The type of the smallest expression at a byte of the script, with the place of that expression.
    pub fn type_at(&self, byte: usize) -> Option<(Span, &Type)> {
        let around = self.types.iter().filter(|(span, _)| covers(*span, byte));
        around.min_by_key(|(span, _)| span.end - span.start).map(|(span, ty)| (*span, ty))
    }
}

fn covers(span: Span, byte: usize) -> bool {
    (span.start as usize..span.end as usize).contains(&byte)
}

/// What a walk of a unit has met; the last walk counts.
#[derive(Default)]
pub(super) struct Index {
    variables: HashMap<VarId, Vec<Span>>,
    functions: HashMap<FnId, Vec<Span>>,
    /// The functions that variables hold the closures of, and their types.
    closures: HashMap<VarId, (FnId, Type)>,
    types: Vec<(Span, Type)>,
}

/// Checks a source, and gives the index of its names too.
pub fn index(source: &str, options: &CompileOptions<'_>) -> (Compiled, Symbols) {
    let mut budget = Allowance::new("The check", LIMITS, &|| None);
    stacker::grow(STACK, || compile_here(source, options, &mut budget, true))
}

impl Checker<'_> {
    /// Notes where a variable is read or set.
    pub(super) fn note_use(&mut self, id: VarId, span: Span) {
        if let Some(index) = self.noted() {
            index.variables.entry(id).or_default().push(span);
        }
    }

    /// Notes where a function is called or named.
    pub(super) fn note_function(&mut self, id: FnId, span: Span) {
        if let Some(index) = self.noted() {
            index.functions.entry(id).or_default().push(span);
        }
    }

    /// Notes the variable that holds the closure of a declared function.
    pub(super) fn note_closure(&mut self, variable: VarId, function: FnId, signature: &Signature) {
        if let Some(index) = self.noted() {
            index.closures.insert(variable, (function, signature.to_type()));
        }
    }

    /// Notes the type of an expression.
    pub(super) fn note_type(&mut self, expr: &Expr) {
        if self.unit == 0
            && let Some(index) = self.noted()
        {
            index.types.push((expr.span, expr.ty.clone()));
        }
    }

    fn noted(&mut self) -> Option<&mut Index> {
        self.indexes.as_mut()?.get_mut(self.unit)
    }

    /// Begins the index of the unit anew, at the beginning of a walk.
    pub(super) fn restart_index(&mut self) {
        let unit = self.unit;
        if let Some(indexes) = &mut self.indexes {
            indexes.resize_with(indexes.len().max(unit + 1), Index::default);
            indexes[unit] = Index::default();
        }
    }

    /// What all walks have found.
    pub(super) fn symbols(&mut self) -> Symbols {
        let mut symbols = Symbols::default();
        for (unit, index) in self.indexes.take().unwrap_or_default().into_iter().enumerate() {
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
    use crate::check::{Mode, ModuleLoader, NoModules, Variable};
    use crate::function::{Effect, Registry};

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
