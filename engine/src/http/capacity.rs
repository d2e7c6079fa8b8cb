//! The capacity shared by all requests: room for their bodies and answers, threads for long work, and their callers.

use super::callers::{Allowance, Caller, Callers};
use super::gate::Gate;
use super::problem::Problem;
use crate::config::Config;
use crate::room::{Full, Held, Room};
use std::future::Future;
use std::num::NonZero;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Work on more bytes than this moves off the threads that serve requests.
pub const LARGE: usize = 64 << 10;

/// The admin API has room of its own: this part of the room of all others, but at least enough for some of its bodies.
const ADMIN_PART: usize = 8;
const ADMIN_LEAST: usize = 8 << 20;
/// One address gets at most this part of the room.
const ADDRESS_PART: usize = 2;
/// All callers without a credential together get at most this part.
const STRANGER_PART: usize = 4;

/// How many views of runs are made at a time: each may hold a run with all its values.
const VIEWS: usize = 2;
/// The most followers of events at a time.
const FOLLOWERS: usize = 256;

/// The capacity shared by all requests.
#[derive(Debug)]
pub struct Capacity {
    /// The callers of requests.
    pub callers: Callers,
    bodies: Room,
    answers: Room,
    admin_bodies: Room,
    admin_answers: Room,
    /// All callers of the admin API: its tokens identify them, not their addresses.
    admins: Caller,
    /// One permit for each thread that may be busy with long work, for known callers and for strangers.
    known: Semaphore,
    strangers: Semaphore,
    /// One permit for each view of runs that is being made.
    views: Semaphore,
    followers: Arc<Semaphore>,
    gates: Mutex<Vec<Arc<Gate>>>,
}

/// The owner of room.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'c> {
    /// A caller with an admin token.
    Admin,
    /// A caller with a valid credential.
    Known(&'c Caller),
    /// A caller without one, or whose credential is not checked yet.
    Stranger(&'c Caller),
}

impl Capacity {
    /// The capacity of an engine with these settings.
    pub fn new(config: &Config) -> Self {
        let limits = &config.limits;
        let (bodies, answers) = (limits.bodies_in_flight, limits.answers_in_flight);
        // A body of the largest size must always fit, and so must its expanded form.
        let least = limits.body.saturating_mul(2);
        let of_strangers = |most: usize| (most / STRANGER_PART).max(least).min(most);
        let of_address = |most: usize| (most / ADDRESS_PART).max(least).min(most);
        let of_admins = |most: usize| (most / ADMIN_PART).max(ADMIN_LEAST);
        let allowed = Allowance {
            bodies: of_address(bodies),
            answers: of_address(answers),
            connections: limits.connections - limits.connections / 4,
        };
        let of_all = Allowance { bodies: usize::MAX, answers: usize::MAX, connections: usize::MAX };
        let threads = std::thread::available_parallelism().map_or(2, NonZero::get);
        Self {
            callers: Callers::new(config, allowed),
            bodies: Room::new(bodies, of_strangers(bodies)),
            answers: Room::new(answers, of_address(answers)),
            admin_bodies: Room::new(of_admins(bodies), 0),
            admin_answers: Room::new(of_admins(answers), 0),
            admins: Caller::new(of_all),
            known: Semaphore::new(threads.max(2)),
            strangers: Semaphore::new((threads / 2).max(1)),
            views: Semaphore::new(VIEWS),
            followers: Arc::new(Semaphore::new(FOLLOWERS)),
            gates: Mutex::default(),
        }
    }

    /// Room for a body, with nothing in it yet.
    pub fn body(&self, owner: Owner<'_>) -> Held {
        match owner {
            Owner::Admin => self.admin_bodies.hold(&self.admins.bodies, false),
            Owner::Known(caller) => self.bodies.hold(&caller.bodies, false),
            Owner::Stranger(caller) => self.bodies.hold(&caller.bodies, true),
        }
    }

    /// Room for an answer, with nothing in it yet.
    pub fn answer(&self, owner: Owner<'_>) -> Held {
        match owner {
            Owner::Admin => self.admin_answers.hold(&self.admins.answers, false),
            Owner::Known(caller) => self.answers.hold(&caller.answers, false),
            Owner::Stranger(caller) => self.answers.hold(&caller.answers, true),
        }
    }

    /// The connections of this gate are counted among those of the engine.
    pub fn watch(&self, gate: Arc<Gate>) {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).push(gate);
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|gate| gate.open()).sum()
    }

    /// Bytes of bodies, and bytes of answers, that take room now.
    pub fn used(&self) -> (usize, usize) {
        (self.bodies.used() + self.admin_bodies.used(), self.answers.used() + self.admin_answers.used())
    }

    /// Shows the values of a run, which may be large: few at a time and one for each address, so that callers at other
    /// addresses need not wait for all of its views, and outside the threads that serve requests.
    pub async fn view<T>(&self, caller: Option<&Caller>, work: impl Future<Output = T>) -> T {
        let _own = match caller {
            Some(caller) => caller.view.acquire().await.ok(),
            None => None,
        };
        let _permit = self.views.acquire().await.ok();
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(|| Handle::current().block_on(work)),
            _ => work.await,
        }
    }

    /// A place for a follower of events; `None` if there are too many.
    pub fn follower(&self) -> Option<OwnedSemaphorePermit> {
        self.followers.clone().try_acquire_owned().ok()
    }

    /// Does long work outside the threads that serve requests. Work for strangers waits only for other
    /// strangers.
    pub async fn apart<T>(&self, owner: Owner<'_>, work: impl FnOnce() -> T) -> T {
        let threads = match owner {
            Owner::Admin | Owner::Known(_) => &self.known,
            Owner::Stranger(_) => &self.strangers,
        };
        // The semaphore is never closed.
        let _permit = threads.acquire().await.ok();
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
            _ => work(),
        }
    }
}

/// The problem of a body without room.
pub fn no_room(full: Full) -> Problem {
    match full {
        Full::Now => {
            Problem::unavailable("The engine is working on too many large requests; try again in a moment.")
        }
        Full::Always => Problem::new(413, "body-too-large", "Content too large").with_detail(
            "The body, with what it is decoded to, takes more room than the engine has for one; `limits.bodiesInFlight` \
             says how much there is.",
        ),
    }
}
