//! Over https: a certificate that nobody knows is one clear line; one that is trusted is no matter.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::faulty_server::{Fault, answer};
use super::stream;
use crate::support::programs::publisher;

/// Serves a webroot over TLS until the test program ends; gives the address, and the certificate as PEM.
fn serve(webroot: &Path) -> (String, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let (config, webroot) = (Arc::new(config), webroot.to_owned());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (config, webroot) = (config.clone(), webroot.clone());
            std::thread::spawn(move || {
                let tls = ServerConnection::new(config).unwrap();
                let mut connection = StreamOwned::new(tls, connection);
                answer(&mut connection, &webroot, Fault::Nothing, &AtomicUsize::new(0))
            });
        }
    });
    (address, cert.pem())
}

#[test]
fn a_certificate_has_to_be_trusted_and_ssl_cert_file_says_which_are() {
    let directory = tempfile::tempdir().unwrap();
    let webroot = directory.path();
    stream(webroot, 6);
    let (address, pem) = serve(webroot);
    let (_, pem_of_another) = serve(webroot);
    let check = |pem: &str| {
        let file = webroot.join("trusted.pem");
        fs::write(&file, pem).unwrap();
        let mut command = publisher();
        command.arg("check").arg(format!("{address}/stream.m3u8"));
        let ended = command.env("SSL_CERT_FILE", file).env_remove("SSL_CERT_DIR").output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    let (status, printed, complaint) = check(&pem);
    assert_eq!((status, complaint.as_str()), (Some(0), ""), "{printed}");
    assert!(printed.contains("MUST 0, SHOULD 0"), "{printed}");

    for pem in [pem_of_another.as_str(), ""] {
        let (status, printed, complaint) = check(pem);
        assert_eq!((status, printed.as_str()), (Some(2), ""), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(
            complaint.contains("certificate is not trusted") && complaint.contains("SSL_CERT_FILE"),
            "{complaint}"
        );
    }
}
