//! What commands print: results to standard output, everything else to standard error.

mod listing;
mod report;
mod safe;
mod show;
mod terminal;

pub use listing::{ListingArgs, field, print_line, print_whole_table, shortened};
pub use report::{Format, Report, Stop, Texts};
pub use safe::{safe, safe_lines, safe_log};
pub use show::to_lines;
pub use terminal::Terminal;

use crate::exit::Exit;
use std::io::{ErrorKind, Write};

/// The widest line of wrapped text.
const WIDTH: usize = 96;

/// Prints to standard output. A reader that has closed the pipe (`| head`) is not a failure; a full disk is.
pub fn print(text: &str) -> Exit {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            print_error(&format!("error: Cannot write the result: {error}\n"));
            Exit::Failed
        }
    }
}

/// Writes to standard error; the text may include texts of others.
pub fn say(text: &str) {
    print_error(&format!("{}\n", safe_lines(text)));
}

/// Prints to standard error, where that is possible.
pub fn print_error(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Adds a paragraph in lines of at most [`WIDTH`] characters.
pub fn wrap(out: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out.push('\n');
}
