//! The typed tree, the result of the checker: names are slots, types are known, nothing is left to look up.
//!
//! All of it is immutable and shared: one tree serves any number of runs at once.

mod query;

pub use query::*;

use crate::ast::BinaryOp;
use crate::function::{Function, ParameterType, Reads};
use crate::span::Span;
use crate::types::{Type, Types};
use crate::value::{Shape, Value};
use ecow::EcoString;
use std::sync::Arc;

/// A checked program with everything its runs share.
#[derive(Debug)]
pub struct Tree {
    /// The texts: the script is 0, its modules follow.
    pub units: Vec<Unit>,
    /// All functions of all units.
    pub functions: Vec<FunctionDef>,
    /// The declared types.
    pub types: Types,
    /// The number of program-wide slots.
    pub globals: usize,
    /// The variables of the host, in its order.
    pub inputs: Vec<Input>,
    /// Variables at top level of a line of the repl and their slots; later ones of a name win. Those of a script are in
    /// its frame, except those that functions use.
    pub exports: Vec<(EcoString, GlobalId)>,
    /// The functions that set the constants of modules, in the order to run them, and last the script itself. None
    /// takes arguments.
    pub starts: Vec<FunctionId>,
}

/// Stack for walking a chain of a hundred thousand calls, which is as deep as it is long here. Unused stack costs
/// nothing.
pub(crate) const STACK: usize = 256 << 20;

impl Drop for Tree {
    fn drop(&mut self) {
        let functions = std::mem::take(&mut self.functions);
        stacker::grow(STACK, || drop(functions));
    }
}

/// One text.
#[derive(Debug)]
pub struct Unit {
    /// The module's name; `None` for the script.
    pub module: Option<EcoString>,
    /// The text, for lines and columns.
    pub source: Arc<str>,
}

/// A variable of the host.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: EcoString,
    /// Its slot.
    pub slot: GlobalId,
    /// Does the script set it?
    pub written: bool,
    /// Does the script read it?
    pub read: bool,
}

/// The place of a function in [`Tree::functions`].
pub type FunctionId = u32;
/// A program-wide slot.
pub type GlobalId = u32;
/// A slot of a frame that holds a value.
pub type LocalId = u16;
/// A slot of a frame that holds a cell: a variable that closures share and that is set.
pub type CellId = u16;
/// A row scope of a frame.
pub type ScopeId = u16;

/// The storage of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable {
    /// In the frame.
    Local(LocalId),
    /// In a cell of the frame.
    Cell(CellId),
    /// Program-wide: declared at top level, alive as long as the run. Unset before its `let` has run.
    Global(GlobalId),
    /// A value this function captured.
    Captured(u16),
    /// A cell this function captured.
    CapturedCell(u16),
}

/// A function.
#[derive(Debug)]
pub struct FunctionDef {
    /// Its name for stacks and messages; empty for a lambda.
    pub name: EcoString,
    /// The text that declares it.
    pub unit: u32,
    /// The parameters.
    pub parameters: Vec<ParameterDef>,
    /// The number of required ones.
    pub required: usize,
    /// Its body. An expression body is one `Return`.
    pub body: Block,
    /// The annotated result, to which returned values are converted.
    pub result: Option<Type>,
    /// Values in a frame; parameters come first.
    pub locals: usize,
    /// Cells in a frame.
    pub cells: usize,
    /// Row scopes in a frame.
    pub scopes: usize,
    /// Its place in the source.
    pub span: Span,
}

/// Local slots below are near: they are registers of compiled functions.
pub(crate) const NEAR_LOCALS: usize = 150;
/// Local slots from here on are far: compiled functions move their values to and from registers. No variable has a slot
/// between, where the temporaries of compiled functions are.
pub(crate) const FAR_LOCALS: usize = 256;

/// A parameter. Its argument arrives in local slot `position`.
#[derive(Debug)]
pub struct ParameterDef {
    /// Its name for messages.
    pub name: EcoString,
    /// The annotation to convert to.
    pub annotation: Option<Type>,
    /// The known type of its value: the annotation, or the joined type of all calls.
    pub ty: Type,
    /// The default; may use the parameters before it.
    pub default: Option<Expr>,
    /// The cell to move it to, if closures share it.
    pub cell: Option<CellId>,
}

/// Statements with the variables they own.
#[derive(Debug, Default)]
pub struct Block {
    /// Cells created, unset, each time the block is entered.
    pub cells: Vec<CellId>,
    /// Functions declared in the block that capture something, made when it is entered: the closure is stored in the
    /// variable.
    pub functions: Vec<(Variable, Expr)>,
    /// The statements.
    pub statements: Vec<(Statement, Span)>,
}

/// A statement.
#[derive(Debug)]
pub enum Statement {
    /// An expression for its effect.
    Evaluate(Expr),
    /// `let` and `set` of a whole variable.
    Set(Variable, Expr),
    /// `set x = x & e`: appends in place unless x is shared. The value cannot change x itself.
    Append {
        /// The variable.
        variable: Variable,
        /// The appended value.
        value: Expr,
        /// The variable's annotation, if the appended value may have to be converted, and its name for the error: `the
        /// variable x`.
        annotation: Option<(Type, EcoString)>,
    },
    /// `set x.field[index] = e`
    SetPath {
        /// The variable.
        variable: Variable,
        /// Its name, for messages.
        name: EcoString,
        /// The path into it.
        path: Vec<PathStep>,
        /// The new value.
        value: Expr,
        /// The variable's annotation: the new value is converted to the type of its place.
        annotation: Option<Type>,
    },
    /// Branches in order.
    If(Vec<(Expr, Block)>, Option<Block>),
    /// A loop over the value at entry: rows, elements, characters of a text; `null` has none.
    For {
        /// The loop variable, new in each pass: a `Cell` is created for each.
        variable: Variable,
        /// The rows.
        rows: Expr,
        /// The body.
        body: Block,
    },
    /// A loop while the condition is true.
    While(Expr, Block),
    /// Leaves the innermost loop.
    Break,
    /// Goes to the next pass of the innermost loop.
    Continue,
    /// Leaves the function; the caller converts the value to the annotated result (`FunctionDef::result`).
    Return(Option<Expr>),
    /// `try`
    Try {
        /// The guarded block.
        body: Block,
        /// Gets `[message, kind, line, column]`; a `Cell` is created for it.
        variable: Option<Variable>,
        /// The handler.
        handler: Block,
    },
    /// `assert`: evaluated only if the run asks for it.
    Assert(Expr),
}

/// One step of the place that `set` changes.
#[derive(Clone, Debug)]
pub enum PathStep {
    /// `.field`
    Field(EcoString, Span),
    /// `[index]`
    Index(Expr),
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// Its kind.
    pub kind: ExprKind,
    /// Its place in the source.
    pub span: Span,
    /// The known type of its value.
    pub ty: Type,
}

/// The expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A value known before the run.
    Constant(Value),
    /// A variable; the name is for the error when a global or cell is read before its `let` has run.
    Variable(Variable, EcoString),
    /// Joined text forms: a template.
    Template(Vec<Expr>),
    /// A list.
    List(Vec<Expr>),
    /// A record of cells under the own names of the shape.
    Record(Arc<Shape>, Vec<Expr>),
    /// `x.name`: field of a record, column of a table as a list
    Field(Box<Expr>, EcoString),
    /// `x?.name`
    SafeField(Box<Expr>, EcoString),
    /// `x[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `-x`
    Negate(Box<Expr>),
    /// `*record`
    Star(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// Operators of one level from left to right: `?? * / mod + - &`, comparisons, `like`, `and`, `or`.
    /// `in` and `not in` are [`ExprKind::In`].
    Binary(Box<Expr>, Vec<(BinaryOp, Span, Expr)>),
    /// `x in (a, b)`, `x in R`
    In {
        /// The value to look for.
        value: Box<Expr>,
        /// The container.
        container: Container,
        /// `not in`
        negated: bool,
    },
    /// `x is T`
    Is(Box<Expr>, Type, bool),
    /// `case when … end`
    Case(Vec<(Expr, Expr)>, Option<Box<Expr>>),
    /// `new T {…}`: the fields are filled into the type; unknown ones were refused.
    New(Type, Vec<(EcoString, Expr)>),
    /// Converts to an annotation; the text names the annotated value, for the error: `the variable rate`.
    Convert(Box<Expr>, Type, EcoString),
    /// `error e`
    Error(Box<Expr>),
    /// A closure of a function.
    Closure(FunctionId, Vec<Capture>),
    /// A call of a known function that captures nothing.
    Call(FunctionId, Vec<Expr>),
    /// A call of a value.
    CallValue(Box<Expr>, Vec<Expr>),
    /// `x.f(y)` where only the run knows whether x has a field f: that field is called, else it is an error (the
    /// checker has made sure that no such function is in scope).
    CallField {
        /// x
        object: Box<Expr>,
        /// f
        name: EcoString,
        /// y
        arguments: Vec<Expr>,
    },
    /// A call of a library function.
    CallNative {
        /// The function.
        function: Arc<Function>,
        /// Its arguments.
        arguments: Vec<Argument>,
        /// `<T>`
        type_argument: Option<Type>,
    },
    /// `x where … order by …`, `map x as …`: steps over rows.
    Query(Box<Expr>, Vec<(Step, Span)>),
    /// `select …`
    Select(Arc<Select>),
    /// A name in a row scope, see [`Scope::names`].
    RowName(ScopeId, u16),
    /// The whole row of a scope.
    Row(ScopeId),
    /// The row of one source of a `select`; a record of nulls if a left join found none.
    SourceRow(ScopeId, u16),
    /// A field of a source's row: `o.no`; `null` if a left join found none.
    SourceField(ScopeId, u16, EcoString),
    /// In a grouped `select`: the value of key or aggregate number n of the group.
    GroupValue(ScopeId, u16),
    /// In `order by` of a `select`: the value of item number n of the result row.
    ResultValue(ScopeId, u16),
}

/// The right side of `in`.
#[derive(Clone, Debug)]
pub enum Container {
    /// `(a, b)`: equal to one of them. One value in parentheses is this too, unless it is itself a list.
    Values(Vec<Expr>),
    /// An expression without parentheses: list, table, or text for containment.
    Value(Box<Expr>),
}

/// What a closure captures.
#[derive(Clone, Debug)]
pub enum Capture {
    /// The value of a variable or row name at this moment.
    Value(Expr),
    /// A cell of this frame.
    Cell(CellId),
    /// A cell that this function captured itself.
    CapturedCell(u16),
}

/// An argument of a library function.
#[derive(Clone, Debug)]
pub enum Argument {
    /// An ordinary value.
    Value(Expr),
    /// A row expression for a parameter of type `expr`.
    Row(Arc<RowOperand>),
}

/// How many of the first rows decide the result of a call; `None` if all may.
pub(crate) fn first_rows(function: &Function, arguments: &[Argument]) -> Option<usize> {
    match (function.facts.reads, arguments) {
        (Reads::First, [_, others @ ..]) => {
            let is_expr =
                |position| function.signature.parameter(position).is_some_and(|p| p.ty == ParameterType::Expr);
            (1..=others.len()).all(|position| !is_expr(position)).then_some(1)
        }
        // A number that is known before the rows: then the order of evaluation is not visible.
        (Reads::FirstOf, [_, Argument::Value(Expr { kind: ExprKind::Constant(Value::Number(count)), .. })]) => {
            count.to_usize()
        }
        (Reads::All | Reads::First | Reads::FirstOf, _) => None,
    }
}

/// An expression evaluated once for each row.
#[derive(Clone, Debug)]
pub struct RowOperand {
    /// The names it uses.
    pub scope: Scope,
    /// The expression. In the scope of the row, unless `outside`.
    pub body: Expr,
    /// It is a function literal, evaluated once outside the row and called with each row. Any other body whose value is
    /// a function at run time is called with the row, too.
    pub outside: bool,
}

/// The names that row expressions use, looked up once for each run of the query.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The slot of its state in the frame.
    pub id: ScopeId,
    /// Each name that an [`ExprKind::RowName`] means.
    pub names: Vec<RowName>,
}

/// A name in a row scope: a column if the rows have it, else an outer name, else a `type` error.
#[derive(Clone, Debug)]
pub struct RowName {
    /// The name.
    pub name: EcoString,
    /// The variable or outer row name that it means if the rows have no such column; `None`: only a column.
    pub outer: Option<Expr>,
    /// Is it used in this scope itself? Else only an inner query falls back to it, if its rows have no such column;
    /// then it is an error only when it is read.
    pub required: bool,
    /// Must no row have a column of this name? In a `select` the item of this name is a group key then.
    pub is_item: bool,
    /// Is it used where the items of a `select` are visible under their names? Elsewhere the same name may mean another
    /// value, so that is an entry of its own.
    pub sees_items: bool,
    /// Where it is first used, for the error.
    pub span: Span,
}
