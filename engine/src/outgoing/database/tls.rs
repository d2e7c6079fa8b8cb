//! TLS of connections to PostgreSQL, as configured by `sslmode` and `sslrootcert` in the address.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio_postgres::config::SslMode;
use tokio_rustls::TlsConnector;

/// The TLS settings of an address.
pub(super) struct Wish {
    /// Is the connection to be encrypted?
    pub mode: SslMode,
    /// How.
    pub tls: Tls,
    /// The address without them.
    pub url: String,
}

/// What a server has to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Proof {
    /// Nothing: the connection is encrypted, but the server is not verified.
    None,
    /// That its certificate is signed by a trusted authority.
    Authority,
    /// That it is the server of this name, too.
    Name,
}

/// Reads `sslmode` and `sslrootcert` of an address, with the meaning of libpq; a path is relative to `project`. The
/// error says what is wrong with them.
pub(super) fn wish(url: &str, project: &Path) -> Result<Wish, String> {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut mode, mut root) = (None, None);
    let mut rest: Vec<&str> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = || percent_encoding::percent_decode_str(value).decode_utf8_lossy().into_owned();
        match name {
            "sslmode" => mode = Some(value()),
            "sslrootcert" => root = Some(value()),
            _ => rest.push(pair),
        }
    }
    // As in libpq: with an authority, the certificate is verified.
    let (mode, proof) = match (mode.as_deref().unwrap_or("prefer"), &root) {
        ("disable", _) => (SslMode::Disable, Proof::None),
        ("prefer", _) => (SslMode::Prefer, Proof::None),
        ("require", None) => (SslMode::Require, Proof::None),
        ("require" | "verify-ca", _) => (SslMode::Require, Proof::Authority),
        ("verify-full", _) => (SslMode::Require, Proof::Name),
        (other, _) => {
            let known = "disable, prefer, require, verify-ca and verify-full";
            return Err(format!("`sslmode={other}` in `url` is not known; there are {known}"));
        }
    };
    let tls = Tls::new(proof, root.as_deref(), project)?;
    let url = if rest.is_empty() { address.to_owned() } else { format!("{address}?{}", rest.join("&")) };
    Ok(Wish { mode, tls, url })
}

/// Makes connections encrypted.
#[derive(Clone)]
pub(super) struct Tls(pub(super) TlsConnector);

impl Tls {
    fn new(proof: Proof, root: Option<&str>, project: &Path) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| format!("TLS cannot be set up: {error}"))?;
        let authorities = match proof {
            Proof::None => None,
            Proof::Authority | Proof::Name => {
                let (roots, own) = match root {
                    None | Some("system") => (system_roots()?, Vec::new()),
                    Some(path) => roots_of(&project.join(path), path)?,
                };
                let built = WebPkiServerVerifier::builder_with_provider(roots, provider.clone()).build();
                let known = built.map_err(|error| format!("`sslrootcert` in `url` cannot be used: {error}"))?;
                Some(Authorities { known, own, names: proof == Proof::Name })
            }
        };
        let verifier = Arc::new(Verifier { provider, authorities });
        let mut config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        // Servers that speak TLS from the first byte on require the protocol's name.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }
}

/// The authorities that the system trusts. Without any, no certificate can be checked.
fn system_roots() -> Result<Arc<RootCertStore>, String> {
    let roots = crate::outgoing::tls::system_roots();
    if roots.is_empty() {
        return Err("this system has no certificates of authorities; name a file: `sslrootcert=FILE` in `url`".into());
    }
    Ok(roots)
}

/// The certificates of a file, as authorities and as they are.
fn roots_of(path: &Path, shown: &str) -> Result<(Arc<RootCertStore>, Vec<CertificateDer<'static>>), String> {
    let unread = |error: &dyn std::fmt::Display| format!("`sslrootcert` in `url`: {shown} cannot be read: {error}");
    let pem = crate::disk::read(path, crate::disk::MOST_OF_SECRET).map_err(|error| unread(&error))?;
    let own: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let own = own.map_err(|error| unread(&error))?;
    if own.is_empty() {
        return Err(unread(&"it holds no certificate in PEM"));
    }
    let mut roots = RootCertStore::empty();
    for certificate in &own {
        roots.add(certificate.clone()).map_err(|error| unread(&error))?;
    }
    Ok((Arc::new(roots), own))
}

/// A message for an error of TLS; `None` for another error.
pub(super) fn explained(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let tls = error.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    let reason = match tls {
        rustls::Error::InvalidCertificate(reason) => reason,
        other => return Some(other.to_string()),
    };
    Some(match reason {
        CertificateError::UnknownIssuer => "the server's certificate is not signed by a trusted authority; name the \
                                            file of its authority with `sslrootcert=FILE` in `url`"
            .to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("the server's certificate is for another name: {reason}")
        }
        CertificateError::Other(other) if is_authority(other) => {
            "the server's certificate has signed itself: name its \
                                                                   file with `sslrootcert=FILE` in `url`"
                .to_owned()
        }
        other => format!("the server's certificate is not valid: {other}"),
    })
}

/// Verifies the certificate of a server. The server must have its key in any case.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// The authorities for the certificate; without them any is accepted, as with `sslmode=require`.
    authorities: Option<Authorities>,
}

/// Accepts certificates that an authority has signed.
#[derive(Debug)]
struct Authorities {
    known: Arc<WebPkiServerVerifier>,
    /// A server's own certificate may be named as the authority: it is self-signed.
    own: Vec<CertificateDer<'static>>,
    /// Is the name checked, as with `sslmode=verify-full`?
    names: bool,
}

impl Authorities {
    fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        use CertificateError::{NotValidForName, NotValidForNameContext};
        let verified = self.known.verify_server_cert(certificate, between, name, ocsp, now);
        let Err(rustls::Error::InvalidCertificate(refused)) = &verified else { return verified };
        match refused {
            // The name is checked last: everything else is valid.
            NotValidForName | NotValidForNameContext { .. } if !self.names => Ok(ServerCertVerified::assertion()),
            // A certificate that may sign others is not a server's, unless exactly this one is named. Its validity
            // period has been checked.
            CertificateError::Other(other) if is_authority(other) && self.own.iter().any(|own| own == certificate) => {
                if self.names {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            _ => verified,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.authorities {
            Some(authorities) => authorities.verify(certificate, between, name, ocsp, now),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Was a certificate refused because it may sign others?
fn is_authority(error: &OtherError) -> bool {
    error.to_string().contains("CaUsedAsEndEntity")
}
