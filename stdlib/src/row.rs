//! The rows of the registration table: the declarations of each file of the library, as constants.

use flowscript_lang::function::{Cost, Effect, Example, Facts, Fold, Function, Native, OnNumbers, OnText, Reads, Role};

/// A function in the registration of its file. The name is read from the signature.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) signature: &'static str,
    aliases: &'static [&'static str],
    summary: &'static str,
    rules: &'static str,
    examples: &'static [Example],
    effect: Effect,
    cost: Cost,
    native: Native,
    on_numbers: Option<OnNumbers>,
    on_text: Option<(usize, OnText)>,
    facts: Facts,
}

/// A row: the signature for [`Function::new`], its effect in one line, and the code. The cost of a call is the
/// length of its arguments, unless the row overrides it.
pub(crate) const fn row(signature: &'static str, summary: &'static str, native: Native) -> Row {
    Row {
        signature,
        aliases: &[],
        summary,
        rules: "",
        examples: &[],
        effect: Effect::Pure,
        cost: Cost::Given,
        native,
        on_numbers: None,
        on_text: None,
        facts: Facts::NONE,
    }
}

/// An example and an equivalent expression.
pub(crate) const fn gives(source: &'static str, result: &'static str) -> Example {
    Example { source, result, fails: false }
}

/// An example that fails, and a part of its message.
pub(crate) const fn fails(source: &'static str, message: &'static str) -> Example {
    Example { source, result: message, fails: true }
}

impl Row {
    /// Other names for it.
    pub(crate) const fn also(self, aliases: &'static [&'static str]) -> Self {
        Self { aliases, ..self }
    }

    /// Details beyond the one line.
    pub(crate) const fn rules(self, rules: &'static str) -> Self {
        Self { rules, ..self }
    }

    /// Tried examples.
    pub(crate) const fn examples(self, examples: &'static [Example]) -> Self {
        Self { examples, ..self }
    }

    /// It has a fast path if all arguments are numbers.
    pub(crate) const fn on_numbers(self, short: OnNumbers) -> Self {
        Self { on_numbers: Some(short), ..self }
    }

    /// Literal texts for the parameter at `position` are checked before anything runs.
    pub(crate) const fn on_text(self, position: usize, look: OnText) -> Self {
        Self { on_text: Some((position, look)), ..self }
    }

    /// Its result with rows and a row expression.
    pub(crate) const fn folds(self, fold: Fold) -> Self {
        Self { facts: Facts { folds: Some(fold), ..self.facts }, ..self }
    }

    /// Without a row expression, the first row decides its result.
    pub(crate) const fn reads_first(self) -> Self {
        Self { facts: Facts { reads: Reads::First, ..self.facts }, ..self }
    }

    /// The first n rows decide its result, where n is the second argument.
    pub(crate) const fn reads_first_of(self) -> Self {
        Self { facts: Facts { reads: Reads::FirstOf, ..self.facts }, ..self }
    }

    /// `f(start, count)` gives the `count` numbers from `start` on.
    pub(crate) const fn is_range(self) -> Self {
        Self { facts: Facts { is_range: true, ..self.facts }, ..self }
    }

    /// The parameter at `position` is a pattern of datetimes.
    pub(crate) const fn date_pattern(self, position: usize) -> Self {
        Self { facts: Facts { date_pattern: Some(position), ..self.facts }, ..self }
    }

    /// What lints look for, and hints name.
    pub(crate) const fn role(self, role: Role) -> Self {
        Self { facts: Facts { role, ..self.facts }, ..self }
    }

    /// A call is little work for any length of its arguments.
    pub(crate) const fn fixed_cost(self) -> Self {
        Self { cost: Cost::Fixed, ..self }
    }

    /// The native pays for its work itself.
    pub(crate) const fn pays_itself(self) -> Self {
        Self { cost: Cost::Own, ..self }
    }

    /// It uses the host.
    pub(crate) const fn asks_host(self) -> Self {
        Self { effect: Effect::Host, ..self }
    }

    /// It has external effects.
    pub(crate) const fn reaches_out(self) -> Self {
        Self { effect: Effect::Outside, ..self }
    }

    /// The function, in a section of the reference.
    pub(crate) fn function(&self, section: &'static str) -> Function {
        let function = Function::new(self.signature, self.native);
        Function {
            aliases: self.aliases,
            section,
            summary: self.summary,
            rules: self.rules,
            examples: self.examples,
            effect: self.effect,
            cost: self.cost,
            on_numbers: self.on_numbers,
            on_text: self.on_text,
            facts: self.facts,
            ..function.expect("a test parses the signature of every row")
        }
    }
}
