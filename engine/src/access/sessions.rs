//! Sessions of the dashboard. A session is a signed text in a cookie of the browser: it is valid for every engine on the
//! store, also after a restart, and nothing is stored until it ends before its time.

use crate::store::{EndedSessions, SESSION_HOURS, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use rand::random;
use sha2::Sha256;
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// How long a session lasts, in milliseconds.
const LASTS: i64 = SESSION_HOURS * 3_600_000;

/// What a signature is for: a text for one purpose is never valid for another.
#[derive(Clone, Copy)]
enum Purpose {
    Session,
    Form,
    Holder,
    Name,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name, which is new at each sign-in.
    pub name: String,
    /// The name of the token with which it was started.
    pub holder: String,
    /// When it was started.
    pub started: Timestamp,
}

/// Signs sessions, and knows which have ended before their time.
pub struct Sessions {
    key: [u8; 32],
    ended: RwLock<HashMap<String, Timestamp>>,
}

impl Sessions {
    /// Sessions that are signed with the secret of a store.
    pub fn new(secret: [u8; 32]) -> Self {
        Self { key: secret, ended: RwLock::default() }
    }

    /// Replaces the sessions that have ended before their time.
    pub fn replace(&self, ended: Vec<EndedSessions>) {
        let ended = ended.into_iter().map(|ended| (ended.name, ended.at)).collect();
        *self.ended.write().unwrap_or_else(PoisonError::into_inner) = ended;
    }

    /// A new session for the holder of a token.
    pub fn start(&self, holder: &str, now: Timestamp) -> Session {
        // After a sign-out everywhere, also if the clock has been set back since.
        let started = self.ended_at(holder).map_or(now, |ended| now.max(ended.plus_millis(1)));
        Session { name: hex::encode(random::<[u8; 16]>()), holder: holder.to_owned(), started }
    }

    /// The signed text of a session.
    pub fn seal(&self, session: &Session) -> String {
        let text = format!("{}.{}.{}", session.name, session.holder, session.started.0);
        let mac = self.sign(Purpose::Session, &text);
        format!("{text}.{mac}")
    }

    /// The session of a text, if it was signed here and has not ended. Whether its token is still valid is not known
    /// here.
    pub fn open(&self, text: &str, now: Timestamp) -> Option<Session> {
        let (text, mac) = text.rsplit_once('.')?;
        if !self.is_signed(Purpose::Session, text, mac) {
            return None;
        }
        let mut parts = text.split('.');
        let (name, holder, started) = (parts.next()?, parts.next()?, parts.next()?.parse().ok()?);
        let session = Session { name: name.to_owned(), holder: holder.to_owned(), started: Timestamp(started) };
        let ended = [&session.name, &session.holder].into_iter().filter_map(|name| self.ended_at(name)).max();
        let is_over = now >= session.started.plus_millis(LASTS) || ended.is_some_and(|at| at >= session.started);
        Some(session).filter(|_| !is_over)
    }

    /// The text that each form of a session carries: another site cannot know it.
    pub fn form(&self, session: &Session) -> String {
        self.sign(Purpose::Form, &session.name)
    }

    /// Does a form with this text belong to the session?
    pub fn is_form(&self, session: &Session, text: &str) -> bool {
        self.is_signed(Purpose::Form, &session.name, text)
    }

    /// The name of the holder of a token that is not in the store, from its hash.
    pub fn holder(&self, hash: [u8; 32]) -> String {
        self.short(Purpose::Holder, &hex::encode(hash))
    }

    /// A name for the store: browsers send the cookies of all engines of a host to each of them.
    pub fn of_store(&self) -> String {
        self.short(Purpose::Name, "")
    }

    fn ended_at(&self, name: &str) -> Option<Timestamp> {
        self.ended.read().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn short(&self, purpose: Purpose, text: &str) -> String {
        let mut mac = self.sign(purpose, text);
        mac.truncate(16);
        mac
    }

    fn sign(&self, purpose: Purpose, text: &str) -> String {
        hex::encode(self.mac(purpose, text).finalize().into_bytes())
    }

    fn is_signed(&self, purpose: Purpose, text: &str, mac: &str) -> bool {
        hex::decode(mac).is_ok_and(|bytes| self.mac(purpose, text).verify_slice(&bytes).is_ok())
    }

    fn mac(&self, purpose: Purpose, text: &str) -> Hmac<Sha256> {
        let purpose = match purpose {
            Purpose::Session => "session of the dashboard",
            Purpose::Form => "form of the dashboard",
            Purpose::Holder => "holder of a token",
            Purpose::Name => "name of the store",
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn ended(name: &str, at: Timestamp) -> Vec<EndedSessions> {
        vec![EndedSessions { name: name.to_owned(), at }]
    }

    #[test]
    fn a_session_lasts_its_time_on_every_engine_of_the_store() {
        let (here, there, elsewhere) = (Sessions::new([7; 32]), Sessions::new([7; 32]), Sessions::new([8; 32]));
        let session = here.start("anna", NOW);
        let text = here.seal(&session);
        assert_eq!(there.open(&text, NOW), Some(session.clone()));
        assert_eq!(there.open(&text, NOW.plus_millis(LASTS - 1)), Some(session.clone()));
        assert_eq!(there.open(&text, NOW.plus_millis(LASTS)), None);
        assert_eq!(elsewhere.open(&text, NOW), None);
        assert_ne!(here.start("anna", NOW).name, session.name);
    }

    #[test]
    fn a_changed_text_is_no_session() {
        let sessions = Sessions::new([7; 32]);
        let text = sessions.seal(&sessions.start("viewer", NOW));
        for changed in [
            text.replace("viewer", "admin"),
            text.replace(".1000000.", ".9000000."),
            text.replacen('.', "", 1),
            format!("{text}0"),
            text.rsplit_once('.').unwrap().0.to_owned(),
            String::new(),
            "é.é.é.é".to_owned(),
        ] {
            assert_eq!(sessions.open(&changed, NOW), None, "{changed}");
        }
        // What is signed for forms opens nothing.
        let form = Session { name: "x.viewer.1000000".to_owned(), holder: String::new(), started: NOW };
        assert_eq!(sessions.open(&format!("{}.{}", form.name, sessions.form(&form)), NOW), None);
    }

    #[test]
    fn sessions_end_one_by_one_and_together() {
        let sessions = Sessions::new([7; 32]);
        let (one, two) = (sessions.start("anna", NOW), sessions.start("anna", NOW));
        let is_open = |session: &Session| sessions.open(&sessions.seal(session), NOW).is_some();
        sessions.replace(ended(&one.name, NOW));
        assert_eq!([&one, &two].map(is_open), [false, true]);
        sessions.replace(ended("anna", NOW));
        assert_eq!([&one, &two].map(is_open), [false, false]);
        let next = sessions.start("anna", NOW);
        assert!(is_open(&next), "the next sign-in is a new one, even in the same millisecond");
    }

    #[test]
    fn forms_belong_to_one_session() {
        let sessions = Sessions::new([7; 32]);
        let (one, two) = (sessions.start("anna", NOW), sessions.start("anna", NOW));
        assert!(sessions.is_form(&one, &sessions.form(&one)));
        assert!(!sessions.is_form(&one, &sessions.form(&two)));
        assert!(!sessions.is_form(&one, ""));
    }
}
