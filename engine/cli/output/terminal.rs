//! The abilities of the terminal.

use clap::ColorChoice;
use std::io::IsTerminal;

/// The use of colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Colour on standard output?
    pub out: bool,
    /// Colour on standard error?
    pub error: bool,
}

impl Terminal {
    /// Colour by `--color`; without it only on terminals, and not where `NO_COLOR` is set.
    pub fn new(choice: ColorChoice) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colour = |is_terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !plain,
        };
        Self { out: colour(std::io::stdout().is_terminal()), error: colour(std::io::stderr().is_terminal()) }
    }
}
