//! The sources of requests: the address of each caller, and its part of what all share.

use super::problem::Problem;
use super::tries::Tries;
use crate::config::{Config, Network};
use crate::room::Share;
use axum::http::{Extensions, HeaderMap, header};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;

/// Unused addresses are forgotten once this many are known, and then whenever the number has doubled.
const FORGET: usize = 1024;
/// The most addresses that are read from the headers of proxies.
const MAX_HOPS: usize = 64;

/// The resources used by the callers at one address.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Of the room for bodies.
    pub bodies: Arc<Share>,
    /// Of the room for answers.
    pub answers: Arc<Share>,
    /// Of the connections.
    pub connections: Arc<Share>,
    /// One view of a run at a time.
    pub view: Arc<Semaphore>,
    /// Failed sign-ins.
    pub tries: Arc<Tries>,
}

/// The caller of a request, as the connection has stored it there.
pub fn of(extensions: &Extensions) -> Result<&Caller, Problem> {
    extensions.get().ok_or_else(|| Problem::new(500, "internal", "Internal error"))
}

/// The limits for one address.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Bytes of bodies.
    pub bodies: usize,
    /// Bytes of answers.
    pub answers: usize,
    /// Connections.
    pub connections: usize,
}

impl Caller {
    /// A caller that uses nothing yet.
    pub fn new(allowed: Allowance) -> Self {
        Self {
            bodies: Share::new(allowed.bodies),
            answers: Share::new(allowed.answers),
            connections: Share::new(allowed.connections),
            view: Arc::new(Semaphore::new(1)),
            tries: Arc::default(),
        }
    }

    /// Is nothing of it used, held or counted?
    fn is_forgotten(&self) -> bool {
        let shares = [&self.bodies, &self.answers, &self.connections];
        shares.into_iter().all(|share| Arc::strong_count(share) == 1)
            && Arc::strong_count(&self.view) == 1
            && self.tries.is_forgotten(Instant::now())
    }
}

/// All callers, by their addresses.
#[derive(Debug)]
pub struct Callers {
    allowed: Allowance,
    proxies: Vec<Network>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    callers: HashMap<IpAddr, Caller>,
    /// Forget when there are more than this.
    most: usize,
}

impl Callers {
    /// No callers yet.
    pub fn new(config: &Config, allowed: Allowance) -> Self {
        Self { allowed, proxies: config.trusted_proxies.clone(), known: Mutex::default() }
    }

    /// The caller at an address. The addresses of one network of IPv6 (/64) count as one caller, since a customer can
    /// use all of them.
    pub fn at(&self, address: IpAddr) -> Caller {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.callers.len() >= known.most {
            known.callers.retain(|_, caller| !caller.is_forgotten());
            known.most = (2 * known.callers.len()).max(FORGET);
        }
        known.callers.entry(neighbourhood(address)).or_insert_with(|| Caller::new(self.allowed)).clone()
    }

    /// Is it the address of a trusted proxy?
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|proxy| proxy.contains(address))
    }

    /// The address of the caller of a request through a trusted proxy: the last one that is not a trusted proxy.
    pub fn origin(&self, proxy: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut nearest = proxy;
        for address in hops(headers).take(MAX_HOPS) {
            // The chain ends at an unreadable address.
            let Some(address) = address else { break };
            nearest = address;
            if !self.is_proxy(address) {
                break;
            }
        }
        nearest
    }
}

fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) & u128::MAX << 64)),
        IpAddr::V4(address) => IpAddr::V4(address),
    }
}

/// The addresses in `Forwarded`, else in `X-Forwarded-For`, the nearest first; `None` for an unreadable one.
fn hops(headers: &HeaderMap) -> Box<dyn Iterator<Item = Option<IpAddr>> + '_> {
    let parts = |name| {
        let values = headers.get_all(name).into_iter().rev();
        values.flat_map(|value| value.to_str().unwrap_or("?").rsplit(','))
    };
    if headers.contains_key(header::FORWARDED) {
        let of = |part: &str| {
            let mut pairs = part.split(';').filter_map(|pair| pair.split_once('='));
            let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
            address(node)
        };
        return Box::new(parts(header::FORWARDED).map(of));
    }
    Box::new(parts(header::HeaderName::from_static("x-forwarded-for")).map(address))
}

/// `192.0.2.7`, `192.0.2.7:80`, `"[2001:db8::1]:80"`, `2001:db8::1`
fn address(node: &str) -> Option<IpAddr> {
    let node = node.trim().trim_matches('"');
    if let Some(rest) = node.strip_prefix('[') {
        return rest.split_once(']')?.0.parse().ok();
    }
    node.parse().ok().or_else(|| node.rsplit_once(':')?.0.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn callers() -> Callers {
        let proxies = ["10.0.0.0/8", "2001:db8:1::/48"].map(|text| text.parse().unwrap()).to_vec();
        let config = Config { trusted_proxies: proxies, ..Config::default() };
        Callers::new(&config, Allowance { bodies: 1, answers: 1, connections: 1 })
    }

    #[test]
    fn the_last_address_that_is_no_proxy_counts() {
        let callers = callers();
        let check = |lines: &[(&'static str, &'static str)], expected: &str| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let origin = callers.origin("10.0.0.1".parse().unwrap(), &headers);
            assert_eq!(origin, expected.parse::<IpAddr>().unwrap(), "{lines:?}");
        };
        check(&[], "10.0.0.1");
        check(&[("x-forwarded-for", "192.0.2.7")], "192.0.2.7");
        check(&[("x-forwarded-for", "6.6.6.6, 192.0.2.7")], "192.0.2.7");
        check(&[("x-forwarded-for", "6.6.6.6, 192.0.2.7, 10.9.9.9")], "192.0.2.7");
        check(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.7:5555")], "192.0.2.7");
        check(&[("x-forwarded-for", "10.1.1.1, 10.2.2.2")], "10.1.1.1");
        check(&[("x-forwarded-for", "192.0.2.7, unknown, 10.2.2.2")], "10.2.2.2");
        check(&[("x-forwarded-for", "2001:db8::7, 2001:db8:1::5")], "2001:db8::7");
        check(&[("forwarded", "for=192.0.2.7;proto=https, For=\"[2001:db8:1::5]:80\"; by=x")], "192.0.2.7");
        check(&[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "6.6.6.6")], "192.0.2.7");
        check(&[("forwarded", "proto=https")], "10.0.0.1");
    }

    #[test]
    fn addresses_are_forgotten_when_nobody_uses_them() {
        let callers = callers();
        let held = callers.at("192.0.2.1".parse().unwrap());
        assert!(held.connections.take(1));
        for n in 0..5000_u32 {
            callers.at(IpAddr::from([198, 18, (n >> 8) as u8, n as u8]));
        }
        assert!(callers.known.lock().unwrap().callers.len() <= FORGET + 1);
        assert_eq!(callers.at("::ffff:192.0.2.1".parse().unwrap()).connections.used(), 1);
        let (one, other) = (callers.at("2001:db8::1".parse().unwrap()), callers.at("2001:db8::2".parse().unwrap()));
        assert!(Arc::ptr_eq(&one.bodies, &other.bodies));
    }
}
