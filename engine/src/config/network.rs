//! Addresses and networks, as settings name them.

use serde::{Deserialize, Deserializer, de};
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// One address, or a network such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    /// The prefix length, for the address as one of IPv6.
    bits: u32,
}

impl Network {
    /// Is the address in it? An address of IPv4 is the same as an address of IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.first == first(address, self.bits)
    }
}

/// The first address of the network of an address.
fn first(address: IpAddr, bits: u32) -> u128 {
    let address = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    };
    match bits {
        0 => 0,
        bits => u128::from(address) & u128::MAX << (128 - bits.min(128)),
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            format!("`{text}` is neither an address nor a network{why}; write one such as 192.0.2.7 or 10.0.0.0/8")
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong(""))?;
        let (most, before) = if address.is_ipv4() { (32, 96) } else { (128, 0) };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse::<u32>()
                .ok()
                .filter(|bits| *bits <= most)
                .ok_or_else(|| wrong(&format!(": the slash is followed by a number of bits up to {most}")))?,
        };
        let bits = before + bits;
        let network = Self { first: first(address, bits), bits };
        if network.first != first(address, 128) {
            let right = Ipv6Addr::from(network.first).to_canonical();
            return Err(wrong(&format!(": this network begins with {right}")));
        }
        Ok(network)
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_know_their_addresses() {
        let check = |network: &str, address: &str, expected: bool| {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network:?} {address}");
        };
        check("10.0.0.0/8", "10.200.3.4", true);
        check("10.0.0.0/8", "11.0.0.0", false);
        check("10.0.0.0/8", "::ffff:10.1.1.1", true);
        check("192.0.2.7", "192.0.2.7", true);
        check("192.0.2.7", "192.0.2.8", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "2001:db8::1", false);
        check("::/0", "8.8.8.8", true);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::1", false);
        check("::1", "::1", true);
    }

    #[test]
    fn other_texts_are_refused() {
        for (text, part) in [
            ("", "neither an address"),
            ("proxy", "neither an address"),
            ("10.0.0.1/8", "begins with 10.0.0.0"),
            ("10.0.0.0/33", "up to 32"),
            ("2001:db8::1/64", "begins with 2001:db8::"),
            ("10.0.0.0/", "up to 32"),
        ] {
            let error = text.parse::<Network>().unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
