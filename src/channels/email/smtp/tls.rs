//! TLS for relays: rustls on aws-lc-rs.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// The two ways we encrypt, sharing nothing so that a session made with any certificate is
/// never resumed where a good one is asked for.
pub(super) struct Client {
    roots: RootCertStore,
    /// The certificate must be good for the host.
    pub(super) verified: Arc<ClientConfig>,
    /// Any certificate will do: see [`super::Security::Opportunistic`].
    pub(super) unverified: Arc<ClientConfig>,
}

impl Client {
    pub(super) fn new(roots: RootCertStore) -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = || {
            ClientConfig::builder_with_provider(Arc::clone(&provider))
                .with_safe_default_protocol_versions()
                .expect("aws-lc-rs has cipher suites for TLS 1.2 and 1.3")
        };
        let verified = builder()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let unverified = builder()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(Arc::clone(&provider))))
            .with_no_client_auth();
        Self {
            roots,
            verified: Arc::new(verified),
            unverified: Arc::new(unverified),
        }
    }

    /// The same, trusting `root` too. Bytes that are no certificate add nothing, and the
    /// handshake then says what is missing.
    pub(super) fn with(&self, root: CertificateDer<'static>) -> Self {
        let mut roots = self.roots.clone();
        roots.add_parsable_certificates([root]);
        Self::new(roots)
    }

    /// Whether there is no authority at all to trust, as on a machine without
    /// `ca-certificates`.
    pub(super) fn trusts_nobody(&self) -> bool {
        self.roots.is_empty()
    }
}

/// The certificate authorities of this machine. Those that cannot be read are left out.
pub(super) fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a certificate authority of this machine cannot be read");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Takes any certificate, but only from one who holds its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
