//! HTTPS: certificate and key files in, what a handshake needs out; checked again every few seconds.
//!
//! A new certificate counts when two checks in a row have found the same files, for chain and key are replaced one after
//! the other. A bad one is reported once, and the old one stays.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::Notify;
use tokio::time::interval;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

const CHECK_EVERY: Duration = Duration::from_secs(2);

/// Where certificate and key are, in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Certificate or key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not there, or not to be read.
    #[error("cannot read {}: {source}; see --tls-cert and --tls-key", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no certificate in it.
    #[error("{} holds no certificate in PEM; name the chain with --tls-cert", .0.display())]
    NoCertificate(PathBuf),
    /// There is no key in it.
    #[error("{} holds no private key in PEM that is not encrypted; name it with --tls-key", .0.display())]
    NoKey(PathBuf),
    /// The key belongs to another certificate, or is of an unknown kind.
    #[error("{} and {} do not match: {source}; name the key of that certificate with --tls-key", files.certificate.display(), files.key.display())]
    Mismatch {
        /// The two.
        files: TlsFiles,
        /// What rustls said.
        source: rustls::Error,
    },
    /// The library cannot do what it has to.
    #[error("cannot set up TLS: {0}")]
    Setup(rustls::Error),
}

/// Certificate and key in use.
#[derive(Debug)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    config: Arc<ServerConfig>,
    again: Again,
}

/// Has the files read again, as they are.
#[derive(Debug, Clone, Default)]
pub struct Again(Arc<Notify>);

impl Again {
    pub(super) fn read(&self) {
        self.0.notify_one();
    }
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

/// What tells one version of the two files from another.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileVersions([Option<(u64, u64, i64, i64)>; 2]);

/// Reads certificate and key.
pub fn open(files: &TlsFiles) -> Result<Tls, TlsError> {
    let current = Arc::new(Current(RwLock::new(Arc::new(load(files)?))));
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(current.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // A viewer who comes back needs no second signature, and we need to remember nothing for it.
    config.ticketer = ring::Ticketer::new().map_err(TlsError::Setup)?;
    Ok(Tls { files: files.clone(), current, config: Arc::new(config), again: Again::default() })
}

impl Tls {
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }

    /// For whoever knows that the files are new.
    #[must_use]
    pub fn again(&self) -> Again {
        self.again.clone()
    }

    /// Follows the files for ever.
    pub(crate) async fn follow(self) {
        let mut ticks = interval(CHECK_EVERY);
        let mut used = version(&self.files);
        let mut seen = used.clone();
        loop {
            let is_told = tokio::select! {
                _ = ticks.tick() => false,
                () = self.again.0.notified() => true,
            };
            let found = version(&self.files);
            if is_told || (found != used && found == seen) {
                used = found;
                self.reload();
            } else {
                seen = found;
            }
        }
    }

    fn reload(&self) {
        match load(&self.files) {
            Ok(key) => {
                *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                info!(certificate = %self.files.certificate.display(), "new certificate");
            }
            Err(error) => warn!(%error, "certificate not reloaded; the old one stays in use"),
        }
    }
}

fn version(files: &TlsFiles) -> FileVersions {
    FileVersions([&files.certificate, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
    }))
}

fn load(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate(files.certificate.clone()))?;
    let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?);
    let key = key.map_err(|_| TlsError::NoKey(files.key.clone()))?;
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map_err(|source| TlsError::Mismatch { files: files.clone(), source })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, name: &str) -> TlsFiles {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        let certificate = directory.join(format!("{name}.crt"));
        let key = directory.join(format!("{name}.key"));
        fs::write(&certificate, made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        TlsFiles { certificate, key }
    }

    #[track_caller]
    fn check(certificate: &Path, key: &Path, expected: &[&str]) {
        let error =
            open(&TlsFiles { certificate: certificate.into(), key: key.into() }).unwrap_err().to_string();
        for part in expected {
            assert!(error.contains(part), "{part} is not in {error}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let one = write(directory.path(), "one.test");
        let two = write(directory.path(), "two.test");
        open(&one).unwrap();
        check(&one.certificate, &two.key, &["one.test.crt", "two.test.key", "do not match"]);
        check(&one.key, &one.key, &["one.test.key holds no certificate", "--tls-cert"]);
        check(&one.certificate, &one.certificate, &["one.test.crt holds no private key", "--tls-key"]);
        check(Path::new("/no/such.crt"), &one.key, &["/no/such.crt", "--tls-cert"]);
    }
}
