//! The access of a script to the outside: clock, randomness, log, HTTP. The crate has none of its own.

/// The levels of `Log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the author.
    Debug,
    /// The default.
    Info,
    /// The operator should look.
    Warning,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// The word scripts use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// The level of this name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Debug, Self::Info, Self::Warning, Self::Error]
            .into_iter()
            .find(|level| level.name().eq_ignore_ascii_case(name))
    }
}

/// A request of `HTTP.Request`.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET`, `POST` …
    pub method: String,
    /// The whole URL, query included.
    pub url: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes to send.
    pub body: Option<Vec<u8>>,
    /// Seconds for the whole exchange.
    pub timeout: f64,
}

/// The answer to it.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// 200 …
    pub status: u16,
    /// `OK` …
    pub reason: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The bytes received.
    pub body: Vec<u8>,
}

/// The world of a run. Its methods are called from the thread that runs the script.
pub trait Host: Send + Sync {
    /// Now: seconds since 1970-01-01T00:00:00Z and nanoseconds within the second.
    fn now(&self) -> (i64, u32);

    /// 64 random bits.
    fn random(&self) -> u64;

    /// A line of the log.
    fn log(&self, level: LogLevel, message: &str);

    /// Performs a request. The error is a message about why not.
    fn http(&self, request: &HttpRequest) -> Result<HttpResponse, String> {
        Err(format!("HTTP is not allowed here: {} {} was not sent.", request.method, request.url))
    }

    /// The address to which others send the event of this name. The error says why it has no address.
    fn callback_url(&self, name: &str) -> Result<String, String> {
        Err(format!("The event `{name}` can reach runs of workflows only."))
    }

    /// Must this run stop? Asked at intervals at loops and calls.
    fn interrupt(&self) -> Option<Interrupt> {
        None
    }
}

/// Why a run must stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupt {
    /// Cancelled on request.
    Cancelled,
    /// Its time is over: a `limit` error.
    Deadline,
}

/// Follows the position of a run, to show where its time goes.
pub trait Profiler {
    /// The run is now at this byte of the script, or of the named module, and has taken `steps` steps so far. Called
    /// whenever the position changes.
    fn at(&self, module: Option<&str>, offset: usize, steps: u64);
}
