//! The library functions that rules look for. A rule knows them by the facts and signatures of their rows, not by name.

use crate::ast::{Expr, ExprKind, PostfixKind};
use crate::function::{Fold, Function, ParameterType, Registry, ResultType, Role};

/// The functions of interest, by all their names.
pub(super) struct Known<'a> {
    functions: Vec<(&'a str, &'a Function)>,
}

/// A call of one of them.
pub(super) struct Called<'a, 'e> {
    pub function: &'a Function,
    /// The name as written, without its module.
    pub name: &'e str,
    /// The arguments, the value before a dot first.
    pub arguments: Vec<&'e Expr>,
    /// Is a type given, as in `f<T>(x)`?
    pub is_typed: bool,
}

impl<'a> Known<'a> {
    pub fn of(registry: &'a Registry, is_wanted: impl Fn(&Function) -> bool) -> Self {
        let wanted = registry.functions().iter().map(|function| &**function).filter(|function| is_wanted(function));
        let named = wanted.flat_map(|function| {
            let names = function.aliases.iter().copied().chain([function.name]);
            names.map(move |name| (name, function))
        });
        Self { functions: named.collect() }
    }

    /// All their names.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.functions.iter().map(|(name, _)| *name)
    }

    /// The function of this name, in any case.
    pub fn find(&self, name: &str) -> Option<&'a Function> {
        let found = self.functions.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, function)| *function)
    }

    /// The function of this name in a module.
    pub fn find_in(&self, module: &str, name: &str) -> Option<&'a Function> {
        let is_it = |known: &str| {
            known
                .rsplit_once('.')
                .is_some_and(|(of, short)| of.eq_ignore_ascii_case(module) && short.eq_ignore_ascii_case(name))
        };
        self.functions.iter().find(|(known, _)| is_it(known)).map(|(_, function)| *function)
    }

    /// The same for a name without its module, which may be opened.
    pub fn find_opened(&self, name: &str) -> Option<&'a Function> {
        let is_it = |known: &str| known.rsplit('.').next().is_some_and(|short| short.eq_ignore_ascii_case(name));
        self.functions.iter().find(|(known, _)| is_it(known)).map(|(_, function)| *function)
    }

    /// The name of the function that gives a value for each row.
    pub fn mapping(&self) -> Option<&'a str> {
        self.functions
            .iter()
            .map(|(_, function)| *function)
            .find(|function| maps_rows(function))
            .map(|function| function.name)
    }

    /// The call that an expression is, of one of the functions: `f(x)`, `x.f()`, `module.f(x)`.
    pub fn called<'e>(&self, expr: &'e Expr) -> Option<Called<'a, 'e>> {
        let ExprKind::Postfix { base, steps } = &expr.kind else { return None };
        let (field, call) = match steps.as_slice() {
            [call] => (None, call),
            [field, call] => (Some(field), call),
            _ => return None,
        };
        let PostfixKind::Call { type_argument, arguments } = &call.kind else { return None };
        let is_typed = type_argument.is_some();
        match (&base.kind, field.map(|field| &field.kind)) {
            (ExprKind::Name(name), None) => {
                let function = self.find(name)?;
                Some(Called { function, name, arguments: arguments.iter().collect(), is_typed })
            }
            (of, Some(PostfixKind::Field(name))) => {
                let member = match of {
                    ExprKind::Name(module) => self.find_in(module, &name.text),
                    _ => None,
                };
                let before = member.is_none().then_some(&**base);
                let function = member.or_else(|| self.find(&name.text))?;
                let arguments = before.into_iter().chain(arguments).collect();
                Some(Called { function, name: &name.text, arguments, is_typed })
            }
            _ => None,
        }
    }
}

/// Does it give the greatest or the least of its values?
pub(super) fn is_extreme(function: &Function) -> bool {
    function.facts.role == Role::Extreme
}

/// Does it give some of the rows of its first argument, as they are?
pub(super) fn keeps_rows(function: &Function) -> bool {
    let takes_rows = function.signature.parameters.first().is_some_and(|first| first.ty == ParameterType::Rows);
    takes_rows && function.signature.result == ResultType::Same(0)
}

/// Does it give a value for each row?
pub(super) fn maps_rows(function: &Function) -> bool {
    let mut types = function.signature.parameters.iter().map(|parameter| parameter.ty);
    let takes_both = types.next() == Some(ParameterType::Rows) && types.next() == Some(ParameterType::Expr);
    takes_both && function.signature.result == ResultType::ListOf(1)
}

/// Does it compute with numbers, or read them?
pub(super) fn takes_numbers(function: &Function) -> bool {
    let first = function.signature.parameters.first();
    function.facts.role == Role::ReadsNumber
        || matches!(function.facts.folds, Some(Fold::Sum | Fold::Avg))
        || first.is_some_and(|first| first.ty == ParameterType::Number)
}
