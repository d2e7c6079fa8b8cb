//! The one place where the engine meets the language: compiling what is in a workflow file, and running it.

mod compile;
mod content;
mod context;
mod conversion;
pub mod encoding;
mod fault;
mod formats;
mod found;
mod functions;
mod library;
mod loading;
mod reads;
mod scope;
pub mod slot;
mod source;
mod trial;
mod weight;

pub use compile::{Compiled, Kind, TemplatePart, check_name, compile, name_problem, template_parts};
pub use content::Content;
pub use context::Context;
pub use conversion::{Conversion, Input, NoFit, convert, convert_input};
pub use fault::{Fault, INTERRUPTED, MAX_PLACES, SourcePlace, TIMEOUT};
pub use formats::{
    NoForm, decode_csv, decode_json, decode_json_within, encode_csv, encode_csv_rows, encode_json, encode_json_within,
    encode_xml,
};
pub use library::{Library, Modules, Stopped};
pub use loading::Loading;
pub use reads::{Read, Reads, Step};
pub use scope::Scope;
pub use slot::Slot;
pub use source::{Failed, Script};
pub use trial::{Outcome, try_out};
pub use weight::{Weighed, weigh, weight};
