//! Labels of keys and tokens.

use crate::http::problem::Problem;

/// The longest label, in characters.
const MAX_LABEL: usize = 200;

/// Labels are shown in lists: one line, not too long.
pub fn check_label(label: &str) -> Result<(), Problem> {
    let length = label.chars().count();
    if length > MAX_LABEL {
        return Err(Problem::bad_request(format!(
            "The label has {length} characters; at most {MAX_LABEL} are allowed."
        )));
    }
    if label.chars().any(char::is_control) {
        return Err(Problem::bad_request("The label must be one line without control characters."));
    }
    Ok(())
}
