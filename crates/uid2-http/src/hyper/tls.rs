//! Whom to trust.

use std::io;
use std::sync::Arc;

use rustls::client::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{Error, RootCertStore};
use tokio_rustls::TlsConnector;

use super::builder::HyperTransportError;
use super::failure::ConnectFailure;
use super::stream::Stream;
use crate::transport::TransportErrorKind;

/// Which certificate authorities to trust.
#[derive(Clone, Debug)]
pub(super) struct Roots {
    pub(super) platform: bool,
    pub(super) added: Vec<CertificateDer<'static>>,
}

impl Roots {
    pub(super) fn add_pem(&mut self, pem: &[u8]) -> Result<(), HyperTransportError> {
        let before = self.added.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| HyperTransportError::Root {
                source: Some(error.into()),
            })?;
            self.added.push(certificate);
        }
        if self.added.len() == before {
            return Err(HyperTransportError::Root { source: None });
        }
        Ok(())
    }

    fn store(self) -> Result<RootCertStore, HyperTransportError> {
        let mut store = RootCertStore::empty();
        for root in self.added {
            store.add(root).map_err(|error| HyperTransportError::Root {
                source: Some(error.into()),
            })?;
        }
        if self.platform {
            let found = rustls_native_certs::load_native_certs();
            let (good, bad) = store.add_parsable_certificates(found.certs);
            let unread = found.errors.len();
            tracing::debug!(
                good,
                bad,
                unread,
                "loaded the system's certificate authorities"
            );
        }
        if store.is_empty() {
            // Plain http to this machine needs none, so this is not an error yet.
            tracing::warn!("no certificate authority is trusted: https will be refused");
        }
        Ok(store)
    }
}

/// TLS to servers, and to a proxy.
#[derive(Clone)]
pub(super) struct Tls {
    to_server: TlsConnector,
    to_proxy: TlsConnector,
}

impl Tls {
    pub(super) fn new(roots: Roots, http2: bool) -> Result<Self, HyperTransportError> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| HyperTransportError::Tls {
                source: error.into(),
            })?
            .with_root_certificates(roots.store()?)
            .with_no_client_auth();
        let mut to_server = config.clone();
        to_server.alpn_protocols = if http2 {
            vec![b"h2".to_vec(), b"http/1.1".to_vec()]
        } else {
            vec![b"http/1.1".to_vec()]
        };
        Ok(Self {
            to_server: Arc::new(to_server).into(),
            to_proxy: Arc::new(config).into(),
        })
    }

    pub(super) async fn to_server(
        &self,
        host: &str,
        stream: Stream,
    ) -> Result<Stream, ConnectFailure> {
        handshake(&self.to_server, host, stream).await
    }

    pub(super) async fn to_proxy(
        &self,
        host: &str,
        stream: Stream,
    ) -> Result<Stream, ConnectFailure> {
        handshake(&self.to_proxy, host, stream).await
    }
}

async fn handshake(
    tls: &TlsConnector,
    host: &str,
    stream: Stream,
) -> Result<Stream, ConnectFailure> {
    // An IPv6 address stands in brackets in a URL, but not in a certificate.
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned())
        .map_err(|error| ConnectFailure::new(TransportErrorKind::InvalidRequest, error))?;
    let stream = tls
        .connect(name, stream.into_io())
        .await
        .map_err(|error| ConnectFailure::new(kind_of(&error), error))?;
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Stream::new(stream).speaking_http2(http2))
}

fn kind_of(error: &io::Error) -> TransportErrorKind {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Error>());
    match cause {
        Some(Error::InvalidCertificate(_) | Error::NoCertificatesPresented) => {
            TransportErrorKind::Certificate
        }
        Some(_) => TransportErrorKind::Tls,
        // The connection broke in the middle of the handshake.
        None => TransportErrorKind::Connect,
    }
}
