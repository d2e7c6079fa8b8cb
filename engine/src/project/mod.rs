//! The project folder: its files, what they load to, and which version is published.

mod allowed;
mod catalog;
mod folder;
mod load;
mod loaded;
#[cfg(test)]
mod tests;
mod watch;

pub use allowed::unknown_names;
pub use catalog::{Catalog, Entry, Snapshot};
pub use folder::{CONNECTIONS, Folder, SourceFile};
pub use load::{load, load_version};
pub use loaded::LoadedFile;
pub use watch::{SETTLE, Watch};
