//! Why a database call failed.

/// Why a database call failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It took too long.
    Late,
    /// The database's message.
    Refused(String),
    /// A value that does not fit.
    Unfit(String),
    /// The result is larger than the room for it.
    TooMuch(String),
}

impl Trouble {
    /// The reason as a message.
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
