//! Shared by the commands that check and run scripts: their options, and the host of scripts.

mod execute;
mod host;
mod http;
mod input;
mod interrupt;
mod modules;
mod options;
mod profile;
mod source;

pub use execute::execute;
pub use host::{CommandHost, Random};
pub use http::Permission;
pub use input::Input;
pub use interrupt::Interrupts;
pub use modules::FolderModules;
pub use options::{HostOptions, ScriptOptions};
pub use source::{Source, read_text};
