//! The binary operators, and what kind each is.

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

    /// Does it give true or false?
    pub(crate) fn gives_boolean(self) -> bool {
        self.is_comparison() || matches!(self, Self::In | Self::NotIn | Self::And | Self::Or)
    }

    /// Does it compare two values without making texts of them?
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Less | Self::Greater | Self::LessEqual | Self::GreaterEqual)
    }
}
