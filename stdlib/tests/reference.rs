//! The reference page in `docs` is the one that the registration table gives.

use std::path::Path;

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/functions.md");
    let written = std::fs::read_to_string(path).unwrap_or_default();
    let page = flowscript_stdlib::reference::page();
    let different = page.lines().zip(written.lines()).position(|(new, old)| new != old);
    assert!(
        written == page,
        "docs/functions.md is not current from line {} on. Write it with `cargo run -- doc --markdown > docs/functions.md`.",
        different.map_or(page.lines().count().min(written.lines().count()), |at| at) + 1
    );
}
