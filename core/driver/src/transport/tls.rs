//! Who is trusted, and what a failed handshake means.
//!
//! RFC 8446, RFC 5246, RFC 9525.

use super::{dial::bare_host, error};
use crate::{StartError, Trust};
use rustls::crypto::ring;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use sidetone_phone::{FlowError, FlowErrorKind, ServerAddress};
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Builds the configuration that all flows share; it also remembers their sessions.
pub(super) fn config(trust: &Trust) -> Result<Arc<ClientConfig>, StartError> {
    let failed = |e: rustls::Error| StartError::Trust(e.to_string());
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    let builder = match trust {
        Trust::Platform => builder.with_platform_verifier().map_err(failed)?,
        Trust::Pem(text) => builder.with_root_certificates(roots(text)?),
    };
    Ok(Arc::new(builder.with_no_client_auth()))
}

/// Shakes hands with the server of this name.
pub(super) async fn connect(
    config: Arc<ClientConfig>,
    server: &ServerAddress,
    tcp: TcpStream,
) -> Result<(TlsStream<TcpStream>, String), FlowError> {
    let name = ServerName::try_from(bare_host(server).to_owned())
        .map_err(|e| error(FlowErrorKind::NameResolution, e))?;
    let stream = TlsConnector::from(config).connect(name, tcp).await.map_err(classify)?;
    let session = stream.get_ref().1;
    let version = session.protocol_version().and_then(|v| v.as_str()).unwrap_or("TLS");
    let suite = session
        .negotiated_cipher_suite()
        .and_then(|s| s.suite().as_str())
        .unwrap_or("an unnamed cipher suite");
    let summary = format!("{} {suite}", version.replace('_', "."));
    Ok((stream, summary))
}

fn roots(pem: &[u8]) -> Result<RootCertStore, StartError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|e| StartError::Trust(e.to_string()))?;
        roots.add(certificate).map_err(|e| StartError::Trust(e.to_string()))?;
    }
    if roots.is_empty() {
        return Err(StartError::Trust("there is no certificate in the PEM text".to_owned()));
    }
    Ok(roots)
}

fn classify(failure: std::io::Error) -> FlowError {
    let kind = match failure.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(certificate)) => certificate_kind(certificate),
        Some(_) | None => FlowErrorKind::Tls,
    };
    error(kind, failure)
}

#[allow(clippy::wildcard_enum_match_arm, reason = "the enum is not exhaustive and grows")]
fn certificate_kind(certificate: &CertificateError) -> FlowErrorKind {
    match certificate {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            FlowErrorKind::CertificateName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => FlowErrorKind::CertificateExpired,
        _ => FlowErrorKind::CertificateUntrusted,
    }
}
