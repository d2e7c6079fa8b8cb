//! The state of the checker: of a unit across its walks, of a function and its scopes within one.

use crate::ast;
use crate::span::Span;
use crate::tree::{self, CellId, RowName, ScopeId};
use crate::types::{FunctionType, RecordType, Type, TypeId};
use ecow::EcoString;
use hashbrown::HashMap;
use std::sync::Arc;

/// A variable of a unit, numbered in the order of declaration, the same in every walk.
pub type VarId = usize;

/// A function of a unit, numbered in the same way.
pub type FnId = usize;

/// A script or module.
pub struct UnitState {
    /// The module's name.
    pub name: Option<EcoString>,
    /// Its text.
    pub source: Arc<str>,
    /// Its variables; filled by the first walk, widened by the others.
    pub variables: Vec<VarInfo>,
    /// Where each variable lives, as its own function sees it; of this walk.
    pub places: Vec<tree::Variable>,
    /// The annotation of each variable that has one; of this walk.
    pub annotations: HashMap<VarId, Option<Type>>,
    /// What hoisted functions capture, until their block ends.
    pub hoisted_captures: HashMap<FnId, Vec<tree::Capture>>,
    /// Its functions, in the same way.
    pub functions: Vec<FnInfo>,
    /// Its declared types, in the same way.
    pub type_ids: Vec<TypeId>,
    /// The numbers used so far in this walk.
    pub next: Counters,
    /// The functions being walked, innermost last.
    pub stack: Vec<FunctionState>,
    /// The functions this walk has finished.
    pub emitted: Vec<Option<tree::FunctionDef>>,
    /// Program-wide slots in use.
    pub globals: usize,
    /// The exports of a module.
    pub members: Members,
    /// The user's modules that it uses and that hide one of the library, each with its first use.
    pub hiding: Vec<(EcoString, Span)>,
}

/// How much of a unit a walk has met.
#[derive(Default)]
pub struct Counters {
    pub variable: usize,
    pub function: usize,
    pub ty: usize,
}

/// The exports of a module.
#[derive(Clone, Default)]
pub struct Members {
    /// Functions by lower-case name: their places and signatures.
    pub functions: HashMap<EcoString, (tree::FunctionId, Signature)>,
    /// Constants.
    pub constants: HashMap<EcoString, (tree::GlobalId, Type)>,
    /// Declared types.
    pub types: HashMap<EcoString, TypeId>,
    /// Names that exist but are private.
    pub private: Vec<EcoString>,
}

/// The signature of a user function for its calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    /// Its name as declared.
    pub name: EcoString,
    /// Its parameters: name and annotation, `any` without.
    pub parameters: Vec<(EcoString, Type)>,
    /// The number of required ones.
    pub required: usize,
    /// Its result.
    pub result: Type,
}

impl Signature {
    /// As the type of a value.
    pub fn to_type(&self) -> Type {
        Type::Function(Arc::new(FunctionType {
            parameters: self.parameters.iter().map(|(_, ty)| ty.clone()).collect(),
            required: self.required,
            result: self.result.clone(),
        }))
    }
}

/// The facts about a variable over all walks.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Clone, Debug)]
pub struct VarInfo {
    pub name: EcoString,
    pub span: Span,
    pub kind: VarKind,
    /// Everything assigned to it, joined.
    pub ty: Type,
    /// A closure uses it.
    pub captured: bool,
    /// A function that is made before its `let` runs uses it.
    pub captured_early: bool,
    /// It is set after its `let`.
    pub assigned: bool,
    /// It is read.
    pub read: bool,
    /// It is declared at top level, and a function uses it in this walk.
    pub reached: bool,
    /// A function has used it as a program-wide variable, in this walk or an earlier one.
    pub shared: bool,
    /// It is declared at top level, and only the top level itself uses it: it lives in the frame.
    pub own: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VarKind {
    Let,
    Loop,
    Parameter,
    Catch,
    Host,
    Function,
}

/// The facts about a function over all walks.
#[derive(Clone, Debug)]
pub struct FnInfo {
    /// Everything it returns, joined.
    pub result: Type,
    /// It uses variables of outer functions, so that it must be made as a value.
    pub captures: bool,
    /// The types of the arguments for each parameter, joined; shorter before the first call.
    pub arguments: Vec<Type>,
    /// It is used as a value: any code may call it with any arguments.
    pub escapes: bool,
}

/// A function being walked.
pub struct FunctionState {
    pub id: FnId,
    pub scopes: Vec<Scope>,
    pub locals: usize,
    pub cells: usize,
    pub row_scopes: usize,
    pub captures: Vec<(CaptureKey, tree::Capture)>,
    /// The facts from conditions about variables at this point.
    pub narrowed: HashMap<VarId, Type>,
    /// The annotated result.
    pub annotation: Option<Type>,
    /// Everything it returns in this walk.
    pub result: Type,
    /// A `return` with a value.
    pub returns_value: bool,
    /// A `return` without one.
    pub returns_nothing: Option<Span>,
    /// Loops around the statement being walked: does each have a `break`?
    pub loops: Vec<bool>,
    /// It is made when its block is entered, before the `let`s of the block have run.
    pub early: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureKey {
    Variable(VarId),
    Place(FoundPlace),
}

/// A scope within a function.
pub enum Scope {
    Block(BlockScope),
    Rows(RowsScope),
    Select(Box<SelectScope>),
}

/// The names of a block.
#[derive(Default)]
pub struct BlockScope {
    pub variables: HashMap<EcoString, VarId>,
    /// By lower-case name.
    pub functions: HashMap<EcoString, LocalFunction>,
    pub types: HashMap<EcoString, TypeId>,
    /// Modules opened, as written.
    pub opened: Vec<EcoString>,
    /// Cells to make at entry.
    pub cells: Vec<CellId>,
    /// Its variables are program-wide.
    pub top: bool,
}

/// A function declared in a block.
#[derive(Clone)]
pub struct LocalFunction {
    pub id: FnId,
    pub signature: Signature,
    /// Where its name is declared.
    pub span: Span,
}

/// The known columns of rows.
#[derive(Clone, Debug)]
pub enum Columns {
    /// These, and others too if the type is open.
    Known(Arc<RecordType>),
    /// Rows of `[]`: every column, empty.
    Every,
    /// Elements that are not records.
    None,
    /// Nothing.
    Unknown,
}

/// The scope of a row.
pub struct RowsScope {
    pub id: ScopeId,
    pub columns: Columns,
    pub row: Type,
    pub names: Vec<RowName>,
}

/// The scope of a `select`.
pub struct SelectScope {
    pub id: ScopeId,
    pub sources: Vec<SourceInfo>,
    pub names: Vec<RowName>,
    pub stage: Stage,
    /// Group keys.
    pub keys: Vec<KeyInfo>,
    /// Aggregates met so far.
    pub aggregates: Vec<(tree::Aggregate, Type)>,
    pub grouped: bool,
    pub distinct: bool,
    /// Named items, for `where`, `having` and keys.
    pub aliases: Vec<(EcoString, ast::Expr)>,
    /// Result columns, for `order by`.
    pub results: Vec<ResultInfo>,
    /// Sources of which the result has all columns.
    pub whole: Vec<usize>,
    /// Aliases being replaced, to find circles.
    pub expanding: Vec<EcoString>,
}

/// A group key of a `select`.
pub struct KeyInfo {
    pub name: EcoString,
    pub ty: Type,
    /// It is the item of this name.
    pub is_item: bool,
    /// Its expression, as written.
    pub span: Span,
    /// Its column, if it is one.
    pub column: Option<ColumnOf>,
}

/// A result column of a `select`.
pub struct ResultInfo {
    pub name: EcoString,
    /// The number of its item.
    pub number: u16,
    pub ty: Type,
    /// Its expression, as written.
    pub span: Span,
    /// Its column, if it is one.
    pub column: Option<ColumnOf>,
    /// Its group key, if it is one.
    pub key: Option<u16>,
}

/// A column of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnOf {
    /// The source; `None` if only the run knows which one has it.
    pub source: Option<usize>,
    pub name: EcoString,
}

/// Which part of a `select` is being walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// `on`
    On,
    /// `where` and group keys: source columns, then aliases
    Where,
    /// Items of a plain query, and the inside of aggregates: source columns.
    Rows,
    /// Items of a grouped query: keys and aggregates.
    Grouped,
    /// `having`: keys and aggregates, then aliases
    Having,
    /// `order by`
    Order,
}

pub struct SourceInfo {
    pub name: EcoString,
    pub columns: Columns,
    pub row: Type,
}

/// What a name refers to.
#[derive(Clone, Debug)]
pub struct Found {
    pub place: FoundPlace,
    pub ty: Type,
    pub variable: Option<VarId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundPlace {
    Variable(tree::Variable),
    RowName(ScopeId, u16),
    Row(ScopeId),
    SourceRow(ScopeId, u16),
    SourceField(ScopeId, u16, EcoString),
    GroupValue(ScopeId, u16),
    ResultValue(ScopeId, u16),
}

impl UnitState {
    pub fn new(name: Option<EcoString>, source: Arc<str>) -> Self {
        Self {
            name,
            source,
            variables: Vec::new(),
            places: Vec::new(),
            hoisted_captures: HashMap::default(),
            annotations: HashMap::default(),
            functions: Vec::new(),
            type_ids: Vec::new(),
            next: Counters::default(),
            stack: Vec::new(),
            emitted: Vec::new(),
            globals: 0,
            members: Members::default(),
            hiding: Vec::new(),
        }
    }

    /// Begins a walk.
    pub fn restart(&mut self) {
        self.next = Counters::default();
        self.stack.clear();
        self.emitted.clear();
        self.globals = 0;
        self.members = Members::default();
        for variable in &mut self.variables {
            // No function of the walk before has used it, so none can.
            variable.own |= !variable.reached;
            variable.reached = false;
            variable.read = false;
        }
    }
}

impl FunctionState {
    pub fn new(id: FnId, early: bool) -> Self {
        Self {
            id,
            scopes: Vec::new(),
            locals: 0,
            cells: 0,
            row_scopes: 0,
            captures: Vec::new(),
            narrowed: HashMap::default(),
            annotation: None,
            result: Type::Never,
            returns_value: false,
            returns_nothing: None,
            loops: Vec::new(),
            early,
        }
    }
}

impl Columns {
    /// The known columns of rows of type `element`.
    pub fn of(types: &crate::types::Types, element: &Type) -> Self {
        match types.resolve(element) {
            Type::Record(record) => Self::Known(record.clone()),
            Type::Never => Self::Every,
            Type::Any => Self::Unknown,
            Type::Nullable(inner) => Self::of(types, inner),
            _ => Self::None,
        }
    }

    /// Is `name` a column? `None` if unknown.
    pub fn has(&self, name: &str) -> Option<bool> {
        match self {
            Self::Known(record) if record.field(name).is_some() => Some(true),
            Self::Known(record) if record.open => None,
            Self::Known(_) | Self::None => Some(false),
            Self::Every => Some(true),
            Self::Unknown => None,
        }
    }

    /// Is `name` certainly a column, and not only because there are no rows?
    pub fn certainly_has(&self, name: &str) -> bool {
        matches!(self, Self::Known(record) if record.field(name).is_some())
    }

    /// The type of column `name`.
    pub fn type_of(&self, name: &str) -> Type {
        match self {
            Self::Known(record) => record.field(name).map_or(Type::Any, |field| field.ty.clone()),
            Self::Every => Type::Never,
            Self::None | Self::Unknown => Type::Any,
        }
    }

    /// The known names.
    pub fn names(&self) -> Vec<EcoString> {
        match self {
            Self::Known(record) => record.fields.iter().map(|field| field.name.clone()).collect(),
            _ => Vec::new(),
        }
    }
}
