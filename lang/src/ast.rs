//! The tree that the parser builds: the source as written, with places, before any name is resolved.
//!
//! Names are as written. Long flat chains (`a + b + c …`, `else if …`, `x.f().g()`) are flat vectors here,
//! so that no pass over the tree recurses along them. Real nesting is bounded by the parser (200 levels).

pub use crate::operator::BinaryOp;
use crate::span::Span;
use crate::value::Number;
use ecow::EcoString;

/// A name as written, with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// The text.
    pub text: EcoString,
    /// Its span in the source.
    pub span: Span,
}

/// A whole file: statements in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The statements at top level.
    pub statements: Vec<Statement>,
}

/// A statement with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// What it is.
    pub kind: StatementKind,
    /// From its first to its last character, without a closing `;`.
    pub span: Span,
}

/// A sequence of statements with a scope of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// The statements.
    pub statements: Vec<Statement>,
    /// With its brackets.
    pub span: Span,
}

/// The statements of the language (lang/README.md, Statements).
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `let name: type = value;`, `private let …` in modules
    Let {
        /// `private`, only meaningful in modules
        private: bool,
        /// The variable.
        name: Name,
        /// Its annotation.
        annotation: Option<TypeExpr>,
        /// Its first value.
        value: Expr,
    },
    /// `set name.field[index] = value;`
    Set {
        /// The variable.
        name: Name,
        /// The fields and positions after it.
        path: Vec<PathStep>,
        /// The new value.
        value: Expr,
    },
    /// `if c { … } elseif c { … } else { … }`, any number of branches
    If {
        /// Conditions and their blocks, in order.
        branches: Vec<(Expr, Block)>,
        /// `else`.
        otherwise: Option<Block>,
    },
    /// `for name in rows { … }`
    For {
        /// The loop variable.
        name: Name,
        /// The rows.
        rows: Expr,
        /// The body.
        body: Block,
    },
    /// `while condition { … }`
    While {
        /// Tested before each pass.
        condition: Expr,
        /// The body.
        body: Block,
    },
    /// `break;`
    Break,
    /// `continue;`
    Continue,
    /// `return value;` or `return;`
    Return(Option<Expr>),
    /// `try { … } catch name { … }`
    Try {
        /// The guarded block.
        body: Block,
        /// The error as a variable.
        name: Option<Name>,
        /// The handler.
        handler: Block,
    },
    /// `type name = type;`
    Type {
        /// `private`, only meaningful in modules
        private: bool,
        /// The declared name.
        name: Name,
        /// The type it names.
        definition: TypeExpr,
    },
    /// `function name(parameters): type { … }` or `… => value;`
    Function {
        /// `private`, only meaningful in modules
        private: bool,
        /// The declared name.
        name: Name,
        /// Parameters, result and body.
        function: Box<FunctionExpr>,
    },
    /// `open Module;`
    Open(Name),
    /// `assert condition;`
    Assert(Expr),
    /// `exec f(x);`, `f(x);` or any other expression on its own (`error 'x';` too)
    Expression(Expr),
    /// A part that could not be parsed; its diagnostic has been reported.
    Invalid,
}

/// One step of the place that `set` changes.
#[derive(Clone, Debug, PartialEq)]
pub enum PathStep {
    /// `.field`
    Field(Name),
    /// `[index]`
    Index(Expr),
}

/// An expression with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its kind.
    pub kind: ExprKind,
    /// From its first to its last character, including any brackets around it.
    pub span: Span,
}

/// The expressions of the language (lang/README.md, Operators and Queries).
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// `12`, `0.5`, `1e3`
    Number(Number),
    /// `'…'`, `"…"`, `@'…'`: the text with its escapes resolved
    Text(EcoString),
    /// `` `…{e}…` ``: pieces in order
    Template(Vec<TemplatePart>),
    /// `name`, a variable, column or function
    Name(EcoString),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `[name: value]`, `{name, "label": value}`
    Record(Vec<RecordField>),
    /// `(a, b)`: more than one value in parentheses, which only `in` takes; one value is just that value
    Tuple(Vec<Expr>),
    /// `(a)`: parentheses are kept because `in`, `where (f)` and the formatter see them
    Paren(Box<Expr>),
    /// A chain of `.name`, `?.name`, `[index]` and calls after an operand, innermost first
    Postfix {
        /// The start of the chain.
        base: Box<Expr>,
        /// The steps, in order.
        steps: Vec<PostfixStep>,
    },
    /// `-x`
    Negate(Box<Expr>),
    /// `*record`
    Star(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// Operators of one level, left to right: `first (op operand)*`. `=` and the like have exactly one pair.
    Binary {
        /// The leftmost operand.
        first: Box<Expr>,
        /// The operators with their right sides, in order.
        rest: Vec<(BinaryOp, Span, Expr)>,
    },
    /// `x is T`, `x is not T`
    Is {
        /// The value.
        value: Box<Expr>,
        /// `is not`
        negated: bool,
        /// The type.
        ty: TypeExpr,
    },
    /// `case when c then v … else v end`
    Case {
        /// Conditions and values, in order.
        branches: Vec<(Expr, Expr)>,
        /// `else`.
        otherwise: Option<Box<Expr>>,
    },
    /// `new T {…}` or `new T […]`
    New {
        /// The type's name, `module.Name` too.
        ty: TypeExpr,
        /// The fields given.
        fields: Vec<RecordField>,
    },
    /// `x => e`, `(a, b) => e`, `function (x: T): T { … }`
    Function(Box<FunctionExpr>),
    /// `error e`
    Error(Box<Expr>),
    /// `map rows as [record]` or `map rows as (x => record)`
    Map {
        /// The source.
        rows: Box<Expr>,
        /// The record or function.
        body: Box<Expr>,
    },
    /// `select …`
    Select(Box<Select>),
    /// Postfix query operators after an operand, in order: `t where … order by …`
    Query {
        /// The source.
        source: Box<Expr>,
        /// The operators with their places, in order.
        operators: Vec<(QueryOp, Span)>,
    },
    /// A part that could not be parsed; its diagnostic has been reported.
    Invalid,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum TemplatePart {
    /// Text between the braces, escapes resolved.
    Text(EcoString),
    /// `{expression}`
    Expr(Expr),
}

/// A field of a record literal. A bare name `x` has `x` as label and the variable as value.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    /// The label.
    pub label: Name,
    /// The value.
    pub value: Expr,
    /// Written without a label (`[x, b: 2]`, `[o.name, …]` is not allowed: bare names only).
    pub shorthand: bool,
}

/// One step after an operand.
#[derive(Clone, Debug, PartialEq)]
pub struct PostfixStep {
    /// Its kind.
    pub kind: PostfixKind,
    /// Its own place, from its `.`, `[` or `(`.
    pub span: Span,
}

/// The steps after an operand.
#[derive(Clone, Debug, PartialEq)]
pub enum PostfixKind {
    /// `.name`
    Field(Name),
    /// `?.name`
    SafeField(Name),
    /// `[index]`
    Index(Expr),
    /// `(arguments)`, with `<type>` before it where given
    Call {
        /// `<T>`
        type_argument: Option<TypeExpr>,
        /// The arguments.
        arguments: Vec<Expr>,
    },
}

/// A function: declared, `function (…)` or `x => e`.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionExpr {
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The annotated result.
    pub result: Option<TypeExpr>,
    /// Its body.
    pub body: FunctionBody,
    /// Written as `x => e`, without the word `function`.
    pub lambda: bool,
}

/// The two forms of a body.
#[derive(Clone, Debug, PartialEq)]
pub enum FunctionBody {
    /// `=> e`
    Expr(Expr),
    /// `{ … }`
    Block(Block),
}

/// A parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: Name,
    /// Its annotation.
    pub annotation: Option<TypeExpr>,
    /// Its default.
    pub default: Option<Expr>,
}

/// A query operator after its source.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryOp {
    /// `where c`
    Where(Expr),
    /// `with {…}`, `with {…} where c`, or `with (function)`
    With {
        /// A record literal or parenthesised function.
        change: Expr,
        /// The limiting `where`.
        condition: Option<Expr>,
    },
    /// `with {…} when c, {…} when c, {…} otherwise`
    WithGuards {
        /// Records and their guards, in order; a guard of `None` is `otherwise`.
        guards: Vec<(Expr, Option<Expr>)>,
        /// The limiting `where`.
        condition: Option<Expr>,
    },
    /// `except [record]`
    Except(Expr),
    /// `except where c`
    ExceptWhere(Expr),
    /// `order by key [desc], …`
    OrderBy(Vec<OrderKey>),
    /// `group by key, …`
    GroupBy(Vec<GroupKey>),
}

/// A key of `order by`.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderKey {
    /// The key.
    pub value: Expr,
    /// `desc`
    pub descending: bool,
}

/// A key of `group by`.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupKey {
    /// `name: expr`
    pub label: Option<Name>,
    /// The key.
    pub value: Expr,
}

/// A `select` query.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// `distinct`
    pub distinct: bool,
    /// The columns of each row.
    pub items: Vec<SelectItem>,
    /// `from`
    pub source: Source,
    /// The joins, in order.
    pub joins: Vec<Join>,
    /// `where`
    pub condition: Option<Expr>,
    /// `group by`; empty without one
    pub group: Vec<GroupKey>,
    /// `having`
    pub having: Option<Expr>,
    /// `order by`; empty without one
    pub order: Vec<OrderKey>,
}

/// An item of a `select`.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectItem {
    /// `*`
    All(Span),
    /// `o.*`
    AllOf(Name),
    /// `expr`, `label: expr`, `expr as label`
    Value {
        /// The given name.
        label: Option<Name>,
        /// The value.
        value: Expr,
    },
}

/// A source of a `select`.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The rows.
    pub value: Expr,
    /// Its alias, as written.
    pub alias: Option<Name>,
}

/// A join of a `select`.
#[derive(Clone, Debug, PartialEq)]
pub struct Join {
    /// `left join`
    pub left: bool,
    /// The joined source.
    pub source: Source,
    /// `on`
    pub on: Expr,
    /// From its first keyword.
    pub span: Span,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// Its kind.
    pub kind: TypeExprKind,
    /// Its place.
    pub span: Span,
}

/// The types that can be written (lang/README.md, Types).
#[derive(Clone, Debug, PartialEq)]
pub enum TypeExprKind {
    /// `number`, `order`, `null`
    Name(EcoString),
    /// `module.Name`
    Member(Name, Name),
    /// `T?`
    Nullable(Box<TypeExpr>),
    /// `T*`
    Many(Box<TypeExpr>),
    /// `{a: T, b = 0, c}`
    Record(Vec<TypeField>),
    /// `(T, U) -> R`
    Function(Vec<TypeExpr>, Box<TypeExpr>),
}

/// A field of a record type: `a: T`, `a = default`, `a: T = default` or a bare `a`.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeField {
    /// Its name.
    pub name: Name,
    /// Its type.
    pub ty: Option<TypeExpr>,
    /// Its default.
    pub default: Option<Expr>,
}
