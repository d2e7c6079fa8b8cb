//! The addresses of names, public ones only.

use super::allow::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

/// The addresses of a name, as they are being found.
pub(super) type Looking = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

/// Asks the system for the addresses of a name.
pub(super) fn look_up(host: String) -> Looking {
    Box::pin(async move { Ok(tokio::net::lookup_host((host.as_str(), 0)).await?.collect()) })
}

/// Finds public addresses only. The result is what is connected to: the name is not looked up again.
pub(super) struct PublicOnly<L> {
    pub(super) lookup: L,
}

impl<L: Fn(String) -> Looking + Send + Sync> Resolve for PublicOnly<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let looking = (self.lookup)(host.clone());
        Box::pin(async move {
            let found = looking.await?;
            let public: Vec<SocketAddr> = found.iter().copied().filter(|at| is_public(at.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(refusal(&host).into());
            }
            let addresses: Addrs = Box::new(public.into_iter());
            Ok(addresses)
        })
    }
}

/// Why a host may not be connected to.
pub(super) fn refusal(host: &str) -> String {
    format!("{host} is not a public address; list it under http.allow in flowscript.toml, or make it a connection")
}
