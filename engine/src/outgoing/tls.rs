//! The trust of connections that we encrypt ourselves: the authorities of the system.

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};

/// The authorities that the system trusts, read once; possibly none.
pub(super) fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    let roots = ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(roots)
    });
    roots.clone()
}

/// Settings of connections to servers that these authorities have signed. The error is a message.
pub(super) fn trusting_system() -> Result<Arc<ClientConfig>, String> {
    static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    let made = CONFIG.get_or_init(|| {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        Ok(Arc::new(builder.with_root_certificates(system_roots()).with_no_client_auth()))
    });
    made.clone()
}
