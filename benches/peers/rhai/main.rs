//! Runs the Rhai program of a file; `--version` prints the version of Rhai.

fn main() -> Result<(), Box<rhai::EvalAltResult>> {
    let path = std::env::args().nth(1).unwrap_or_default();
    if path == "--version" {
        println!("Rhai 1.27.0");
        return Ok(());
    }
    rhai::Engine::new().run_file(path.into())
}
