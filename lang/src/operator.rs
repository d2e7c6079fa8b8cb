//! The binary operators and their kinds.

/// Binary operators, tightest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `??`
    Coalesce,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `mod`
    Modulo,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `&`
    Concat,
    /// `=`, `==`
    Equal,
    /// `!=`, `<>`
    NotEqual,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    LessEqual,
    /// `>=`
    GreaterEqual,
    /// `in`
    In,
    /// `not in`
    NotIn,
    /// `like`
    Like,
    /// `not like`
    NotLike,
    /// `and`
    And,
    /// `or`
    Or,
}

impl BinaryOp {
    /// Does it compare two values, patterns included?
    pub(crate) fn is_comparison(self) -> bool {
        self.is_order() || matches!(self, Self::Like | Self::NotLike)
    }

    /// Is its result a boolean?
    pub(crate) fn gives_boolean(self) -> bool {
        self.is_comparison() || matches!(self, Self::In | Self::NotIn | Self::And | Self::Or)
    }

    /// Does it compare two values without converting them to texts?
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Less | Self::Greater | Self::LessEqual | Self::GreaterEqual)
    }
}
