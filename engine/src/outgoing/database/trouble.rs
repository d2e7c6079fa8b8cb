//! Why a database did not do what was asked.

/// Why a database did not do what was wanted.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It took too long.
    Late,
    /// What the database says.
    Refused(String),
    /// A value that does not fit.
    Unfit(String),
    /// It gives more than there is room for.
    TooMuch(String),
}

impl Trouble {
    /// The reason in words.
    pub(super) fn into_reason(self) -> String {
        match self {
            Self::Late => "it took too long".to_owned(),
            Self::Refused(reason) | Self::Unfit(reason) | Self::TooMuch(reason) => reason,
        }
    }

    /// The same, with the number of its statement in a list.
    pub(super) fn of_statement(self, number: Option<usize>) -> Self {
        match (self, number) {
            (Self::Refused(reason), Some(number)) => Self::Refused(format!("statement {number}: {reason}")),
            (Self::Unfit(reason), Some(number)) => Self::Unfit(format!("statement {number}: {reason}")),
            (Self::TooMuch(reason), Some(number)) => Self::TooMuch(format!("statement {number}: {reason}")),
            (other, _) => other,
        }
    }
}
