//! The compiled form of functions: instructions over two files of registers.
//!
//! Numbers have registers of their own, 16 bytes without a tag; everything else is a value. The first value registers
//! of a frame are the near local slots of the tree, those after them are temporaries, each used once. The far slots of a
//! function with many variables follow after all registers: `Read` and `Write` move their values.

use crate::ast::BinaryOp;
use crate::function::Function;
use crate::span::Span;
use crate::tree::{Argument, Expr, FunctionId, PathStep, Variable};
use crate::types::Type;
use crate::value::{Number, Shape, Value};
use ecow::EcoString;
use std::sync::Arc;

/// A register of the frame; the instruction determines its file.
pub(crate) type Register = u8;
/// The place of an instruction.
pub(crate) type Target = u32;
/// The place of something in one of the tables of [`Code`].
pub(crate) type Entry = u16;

/// An instruction. Letters: `d` is the result, `n` registers of numbers, `v` of values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instruction {
    /// nd = constant
    Load(Register, Entry),
    /// nd = whole number
    LoadSmall(Register, i16),
    /// nd = na
    Move(Register, Register),
    /// nd = na + nb
    Add(Register, Register, Register),
    /// nd = na - nb
    Subtract(Register, Register, Register),
    /// nd = na * nb
    Multiply(Register, Register, Register),
    /// nd = na / nb
    Divide(Register, Register, Register),
    /// nd = na mod nb
    Modulo(Register, Register, Register),
    /// nd = na + whole number
    AddSmall(Register, Register, u16),
    /// nd = na - whole number
    SubtractSmall(Register, Register, u16),
    /// nd = na * whole number
    MultiplySmall(Register, Register, u16),
    /// nd = na mod whole number, which is not 0
    ModuloSmall(Register, Register, u16),
    /// nd = -na
    Negate(Register, Register),
    /// To the target.
    Jump(Target),
    /// A step, where a pass begins.
    Step,
    /// To the target if na < nb
    JumpLess(Register, Register, Target),
    /// To the target if na <= nb
    JumpLessEqual(Register, Register, Target),
    /// To the target if na = nb
    JumpEqual(Register, Register, Target),
    /// To the target if na != nb
    JumpNotEqual(Register, Register, Target),
    /// To the target if na < whole number
    JumpLessSmall(Register, u16, Target),
    /// To the target if na <= whole number
    JumpLessEqualSmall(Register, u16, Target),
    /// To the target if na > whole number
    JumpGreaterSmall(Register, u16, Target),
    /// To the target if na >= whole number
    JumpGreaterEqualSmall(Register, u16, Target),
    /// To the target if na = whole number
    JumpEqualSmall(Register, u16, Target),
    /// To the target if na != whole number
    JumpNotEqualSmall(Register, u16, Target),
    /// `range(na, nb)` without a list: leaves the number of passes in nb; jumps to the target if it is zero.
    RangeStart(Register, Register, Target),
    /// To the target if passes are left in nb, with na one higher.
    RangeNext(Register, Register, Target),
    /// nd = va, which is a number by its type
    Unbox(Register, Register),
    /// vd = na
    Box(Register, Register),
    /// vd = constant
    Constant(Register, Entry),
    /// vd = null; its old value is dropped
    Clear(Register),
    /// vd = true or false
    Boolean(Register, bool),
    /// vd = va
    Copy(Register, Register),
    /// vd = variable outside the registers
    Read(Register, Entry),
    /// variable outside the registers = va
    Write(Entry, Register),
    /// A new, empty cell.
    RenewCell(u16),
    /// vd = va op vb
    Calculate(BinaryOp, Register, Register, Register),
    /// vd = va op vb, a comparison
    Compare(BinaryOp, Register, Register, Register),
    /// To the target if va op vb
    JumpIf(BinaryOp, Register, Register, Target),
    /// To the target if not va op vb
    JumpUnless(BinaryOp, Register, Register, Target),
    /// To the target if va is true
    JumpTrue(Register, Target),
    /// To the target if va is false
    JumpFalse(Register, Target),
    /// To the target if va is not null
    JumpNotNull(Register, Target),
    /// vd = va & vb
    Concat(Register, Register, Register),
    /// va = va & vb, in place
    Append(Register, Register),
    /// va = va & vb, in place, with vb converted to the type of va
    AppendAs(Register, Register, Entry),
    /// variable outside the registers = itself & vb; va is what it was before vb was evaluated
    AppendOutside(Entry, Register, Register),
    /// The same with vb converted to the type of the variable
    AppendOutsideAs(Entry, Register, Register, Entry),
    /// `Call` in a function with far slots: the called function gets its registers after them.
    CallFar(Register, Register, Register, u16, u8),
    /// vd = -va
    NegateValue(Register, Register),
    /// vd = *va
    Star(Register, Register),
    /// vd = va.name
    Field(Register, Register, Entry),
    /// vd = va?.name
    SafeField(Register, Register, Entry),
    /// nd = va.name, which is a number by its type
    NumberField(Register, Register, Entry),
    /// vd = va\[vb\]
    Index(Register, Register, Register),
    /// vd = the function in va.name
    Callable(Register, Register, Entry),
    /// vd = the list of that many registers from va on
    List(Register, Register, Register),
    /// vd = the record of the registers from va on
    Record(Register, Register, Entry),
    /// vd = the text of the registers from va on
    Template(Register, Register, Entry),
    /// vd = `new` of the registers from va on
    New(Register, Register, Entry),
    /// vd = va in vb
    In(Register, Register, Register),
    /// vd = va in the values of that many registers from vb on
    InValues(Register, Register, Register, u8),
    /// vd = va is type
    Is(Register, Register, Entry),
    /// vd = va converted to an annotation
    Convert(Register, Register, Entry),
    /// The error of va.
    Error(Register),
    /// vd = an expression for the evaluator
    Evaluate(Register, Entry),
    /// An assertion.
    Assert(Entry),
    /// Sets a part of a variable: indexes and the new value are in the registers from va on.
    SetPath(Register, Entry),
    /// vd = call of a library function with the registers from va on
    CallNative(Register, Register, Entry),
    /// d = call of a function: its numbers begin at na, its values at va; the last operand is the number of arguments.
    Call(Register, Register, Register, u16, u8),
    /// vd = call of the function in va, with `n` arguments after it
    CallValue(Register, Register, u8),
    /// The call ends with na.
    ReturnNumber(Register),
    /// The call ends with va.
    Return(Register),
    /// The call ends with null.
    ReturnNull,
    /// Begins a loop over va, with its position in nb.
    EachStart(Register, Register),
    /// vd = next element of va, with its position in nb; jumps to the target after the last one.
    EachNext(Register, Register, Register, Target),
    /// A parameter is converted to its annotation: argument va of the function.
    ConvertArgument(Register, u16, u8),
}

const _: () = assert!(size_of::<Instruction>() == 8);

/// A compiled function.
#[derive(Debug)]
pub(crate) struct Code {
    pub function: FunctionId,
    pub instructions: Box<[Instruction]>,
    /// The source of each instruction.
    pub spans: Box<[Span]>,
    /// What the entries in instructions refer to.
    pub tables: Filled,
    /// The library function of each `RangeStart`.
    pub ranges: Box<[(Target, Entry)]>,
    /// Where a call begins, by the number of optional arguments given.
    pub entries: Box<[Target]>,
    /// Where each parameter arrives: a register of numbers, or its slot among the values.
    pub parameters: Box<[Option<Register>]>,
    /// The error handlers, innermost first.
    pub handlers: Box<[Handler]>,
    /// The value registers that are near slots; temporaries follow.
    pub locals: usize,
    /// All value registers, and the far slots; 0 if it uses none.
    pub registers: usize,
    /// The number registers it may use.
    pub number_registers: usize,
    /// Does it need a frame of the evaluator?
    pub framed: bool,
    /// Is its result a number by its type?
    pub numeric: bool,
}

/// The tables of a compiled function.
#[derive(Debug)]
pub(crate) struct Filled {
    pub numbers: Box<[Number]>,
    pub values: Box<[Value]>,
    pub fields: Box<[FieldSite]>,
    pub variables: Box<[(Variable, EcoString)]>,
    pub shapes: Box<[Arc<Shape>]>,
    pub templates: Box<[Box<[Span]>]>,
    pub news: Box<[(Type, Box<[EcoString]>)]>,
    pub types: Box<[TypeSite]>,
    pub natives: Box<[NativeSite]>,
    pub paths: Box<[PathSite]>,
    /// Expressions for the evaluator.
    pub exprs: Box<[Expr]>,
}

/// `x.name`
#[derive(Debug)]
pub(crate) struct FieldSite {
    pub name: EcoString,
    /// The column if its type is right.
    pub column: usize,
}

/// A conversion or test.
#[derive(Debug)]
pub(crate) struct TypeSite {
    pub ty: Type,
    /// The name of the converted value, for the error.
    pub what: EcoString,
    pub negated: bool,
}

/// A call of a library function.
#[derive(Debug)]
pub(crate) struct NativeSite {
    pub function: Arc<Function>,
    /// The row expressions; the places of values hold any entry.
    pub arguments: Box<[Argument]>,
    pub type_argument: Option<Type>,
    pub count: usize,
}

/// `set x.field[index] = value`
#[derive(Debug)]
pub(crate) struct PathSite {
    pub variable: Variable,
    pub name: EcoString,
    pub path: Box<[PathStep]>,
    pub annotation: Option<Type>,
}

/// A `try`.
#[derive(Debug)]
pub(crate) struct Handler {
    /// The instructions it guards.
    pub start: Target,
    pub end: Target,
    pub target: Target,
    /// The register for the error.
    pub error: Register,
}

impl Code {
    /// The span of an instruction.
    pub fn span(&self, at: usize) -> Span {
        self.spans.get(at).copied().unwrap_or_default()
    }

    /// The handler for an error of an instruction.
    pub fn handler(&self, at: usize) -> Option<&Handler> {
        self.handlers.iter().find(|handler| (handler.start as usize..handler.end as usize).contains(&at))
    }
}
