//! Which hosts may be reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An entry of `http.allow`: `host`, `host:port`, `*.domain`, an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// In lower case, IPv6 without brackets.
    host: String,
    /// All hosts below this domain.
    below: bool,
    /// Any port where it is absent.
    port: Option<u16>,
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` in http.allow is not a host; write host, host:port, *.domain or an address");
        let text_of = text.trim();
        let (host, port) = match text_of.rsplit_once(':') {
            // `::1` has colons of its own; with a port it is in brackets.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| wrong())?))
            }
            _ => (text_of, None),
        };
        let (host, below) = host.strip_prefix("*.").map_or((host, false), |domain| (domain, true));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(known) {
            return Err(wrong());
        }
        Ok(Self { host, below, port })
    }
}

impl Allowed {
    /// Does it list this host and port?
    pub fn covers(&self, host: &str, port: u16) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let same = if self.below {
            host.strip_suffix(self.host.as_str()).is_some_and(|rest| rest.ends_with('.'))
        } else {
            host == self.host
        };
        same && self.port.is_none_or(|wanted| wanted == port)
    }
}

/// Is it an address of the public internet? Loopback, private, link-local (where clouds keep their metadata), shared,
/// reserved and multicast ones are not; nor are IPv6 addresses that lead to such IPv4 ones.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match address.segments() {
        // IPv4 inside IPv6: mapped, translated, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => inner(high, low),
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000, // global unicast is 2000::/3 and nothing else
    }
}
