//! `flowscript serve`: the engine.

use crate::exit::Exit;
use crate::signals::Signals;
use clap::Args;
use flowscript_engine::config::Config;
use flowscript_engine::engine::Engine;
use flowscript_engine::http::{AdminToken, Guard, Server, bind, routers};
use flowscript_engine::metrics;
use flowscript_engine::pool::STACK_BYTES;
use flowscript_engine::store::{FolderLock, Locking, SqliteStore, Store};
use flowscript_engine::told;
use flowscript_engine::workflow::model::{Auth, Method};
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Runs the workflows of a project: webhooks, the admin API, history.
#[derive(Args)]
pub struct ServeArgs {
    /// The project's folder.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Where to listen, such as 0.0.0.0:8080; overrides flowscript.toml.
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<SocketAddr>,
    /// Where runs are kept, such as sqlite:./data/flowscript.db; overrides flowscript.toml.
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// Perform the runs that are due, then stop.
    #[arg(long)]
    once: bool,
}

/// How long connections, and then threads, may take to end once the engine has stopped.
const CLOSING: Duration = Duration::from_secs(1);

/// If the admin API has an address of its own, it gets one connection of this number.
const ADMIN_PART: usize = 8;
/// How often the lock file is checked.
const KEEP_LOCK: Duration = Duration::from_secs(1);

/// Serves until a signal comes.
pub fn run(args: ServeArgs) -> Exit {
    start_log();
    raise_file_limit();
    keep_pages_small();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(STACK_BYTES).build()
    {
        Ok(runtime) => runtime,
        Err(error) => return not_started(&format!("threads cannot be started: {error}")),
    };
    let served = runtime.block_on(serve(args));
    // The rest of the engine is dropped, which closes the store. A thread that is busy is not waited for.
    runtime.shutdown_timeout(CLOSING);
    match served {
        Ok(()) => Exit::Done,
        Err(reason) => not_started(&reason),
    }
}

/// Each connection is an open file, and the usual limit of 1,024 is meant for programs that use select(2). If it cannot
/// be raised, connections beyond it wait to be accepted.
fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!("the limit of open files was not raised: {error}");
    }
}

/// The number of connections that leaves enough open files for the engine itself: its store, its folders, the files of
/// steps.
fn possible_connections(wanted: usize) -> usize {
    use rustix::process::{Resource, getrlimit};
    const OWN_PART: u64 = 4;
    const LEAST_OWN: u64 = 64;
    const LEAST: usize = 16;
    let Some(files) = getrlimit(Resource::Nofile).current else { return wanted };
    let possible = usize::try_from(files.saturating_sub((files / OWN_PART).max(LEAST_OWN))).unwrap_or(usize::MAX);
    if possible < wanted {
        tracing::info!("{files} files may be open, so there can be {} connections", possible.max(LEAST));
    }
    possible.max(LEAST).min(wanted)
}

/// Pages of 2 MiB would double the memory of an engine that is idle most of the time. They are for programs that walk
/// large tables once, as `run` does.
fn keep_pages_small() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!("pages may be large, and take more memory: {error}");
    }
}

fn not_started(reason: &str) -> Exit {
    crate::output::say(&format!("flowscript serve: {reason}"));
    Exit::NotStarted
}

async fn serve(args: ServeArgs) -> Result<(), String> {
    if !args.dir.is_dir() {
        return Err(format!("{} is not a folder", args.dir.display()));
    }
    let mut config = Config::load(&args.dir)?;
    config.bind = args.bind.unwrap_or(config.bind);
    config.store.url = args.store.unwrap_or(config.store.url);
    config.limits.connections = possible_connections(config.limits.connections);
    let connections = config.limits.connections;
    let mut lock = lock(&args.dir)?;
    let data = args.dir.join("data");
    let mut signals = Signals::listen()?;
    let listener = if args.once { None } else { Some(bind(config.bind).await?) };
    let admin = match config.admin.bind.filter(|_| !args.once) {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let store = open_store(&config, &args.dir)?;
    let engine = tokio::select! {
        engine = Engine::load(config, &args.dir, store) => engine?,
        () = signals.stop() => return Ok(()),
    };
    let Some(listener) = listener else {
        engine.work().await.map_err(|error| error.to_string())?;
        tokio::select! {
            drained = engine.drain() => drained.map_err(|error| error.to_string())?,
            () = signals.stop() => {}
        }
        engine.stop().await;
        return Ok(());
    };
    let token = AdminToken::find_or_make(&data)?;
    // Counting begins before the first run.
    metrics::page();
    tokio::spawn(metrics::keep_summing());
    let guard = Guard::new(&token.text);
    // Only who sees the terminal gets the link: what goes to a file or a journal is read by others.
    let link = std::io::stdout().is_terminal().then(|| guard.make_link());
    let routers = routers(engine.clone(), guard);
    engine.publisher().watch_files()?;
    engine.work().await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let admin_address = match &admin {
        Some(listener) => listener.local_addr().map_err(|error| error.to_string())?,
        None => address,
    };
    lock.set_address(&format!("http://{admin_address}")).map_err(|error| error.to_string())?;
    let lock = Arc::new(Mutex::new(lock));
    let keeping = tokio::spawn(keep_lock(lock.clone()));
    announce(&engine, &args.dir, address, admin.is_some().then_some(admin_address), &token, link.as_deref());
    let stop = async {
        signals.stop().await;
        engine.stop().await;
    };
    match admin {
        None => Server::new(listener, routers.together(), connections).run(stop, CLOSING).await,
        Some(admin) => {
            let (public, private) = routers.apart();
            let (stopped, told) = tokio::sync::oneshot::channel::<()>();
            let for_admins = connections / ADMIN_PART;
            let admin = Server::new(admin, private, for_admins).run(async { drop(told.await) }, CLOSING);
            let admin = tokio::spawn(admin);
            Server::new(listener, public, connections - for_admins).run(stop, CLOSING).await;
            drop(stopped);
            let _ = admin.await;
        }
    }
    keeping.abort();
    drop(lock);
    Ok(())
}

/// Keeps the lock file, with which commands find the engine: it is written again if it was removed.
async fn keep_lock(lock: Arc<Mutex<FolderLock>>) {
    loop {
        tokio::time::sleep(KEEP_LOCK).await;
        if let Err(error) = lock.lock().unwrap_or_else(PoisonError::into_inner).keep() {
            told::warn(&error.to_string());
        }
    }
}

/// Locks the project's data folder. The error says who holds it.
pub fn lock(project: &Path) -> Result<FolderLock, String> {
    let data = project.join("data");
    match FolderLock::acquire(&data).map_err(|error| error.to_string())? {
        Locking::Locked(lock) => Ok(lock),
        Locking::Held(holder) => {
            let pid = holder.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
            let address = holder.address.map(|address| format!(" at {address}")).unwrap_or_default();
            Err(format!("another engine{pid} serves this folder{address}: {} is locked", data.display()))
        }
    }
}

/// Opens the store of a project whose data folder is locked.
pub fn open_store(config: &Config, project: &Path) -> Result<Arc<dyn Store>, String> {
    let file = config.store_file(project)?;
    Ok(Arc::new(SqliteStore::open(&file).map_err(|error| error.to_string())?))
}

/// Lines of the engine's own log go to standard error; `FLOWSCRIPT_LOG` selects them.
pub fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("FLOWSCRIPT_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || crate::masked::Masked { has_colours: colour })
        .with_ansi(colour)
        .with_target(false)
        .init();
}

/// Prints the addresses and folders in use.
fn announce(
    engine: &Engine,
    project: &Path,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    token: &AdminToken,
    link: Option<&str>,
) {
    let config = engine.config();
    let base = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let base = base.trim_end_matches('/');
    println!("FlowScript {} serves {} at {base}", env!("CARGO_PKG_VERSION"), project.display());
    for entry in engine.workflows().entries() {
        let Some(workflow) = entry.workflow.as_ref().filter(|_| entry.serves()) else { continue };
        let Some(webhook) = &workflow.webhook else { continue };
        let methods: Vec<&str> = webhook.methods.iter().map(|method| Method::as_str(*method)).collect();
        let key = match &webhook.auth {
            Auth::ApiKey { .. } => " (API key)",
            Auth::Basic(_) => " (name and password)",
            Auth::Signature(_) => " (signature)",
            Auth::None => "",
        };
        println!("  {:<9} {base}/hooks/{}{key}", methods.join(","), webhook.path);
    }
    let admin = admin.map_or_else(|| base.to_owned(), |address| format!("http://{address}"));
    match link {
        Some(code) => println!("Dashboard {admin}/sign-in/{code} (signs in once, within 10 minutes)"),
        None => println!("Dashboard {admin}/"),
    }
    match &token.file {
        Some(file) => println!("Admin API {admin}/api/v1 (token in {})", file.display()),
        None => println!("Admin API {admin}/api/v1 (token from FLOWSCRIPT_TOKEN)"),
    }
}
