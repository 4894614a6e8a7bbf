//! The blocks for nginx in docs/https.md, put into nginx.conf.example as the page says, with a certificate of this test.

use std::fs;

use super::checkout::{Checkout, free_ports, project};

/// The `n`th block of this language in a page.
#[track_caller]
fn block(markdown: &str, language: &str, n: usize) -> String {
    let fence = format!("```{language}\n");
    let rest = markdown.split(&fence).skip(1).nth(n).unwrap_or_else(|| panic!("no block {n} of {language}"));
    rest.split("```").next().unwrap().to_owned()
}

#[test]
fn nginx_reads_the_configuration_with_https() {
    let checkout = Checkout::new();
    let page = fs::read_to_string(project().join("docs/https.md")).unwrap();
    let keys = rcgen::generate_simple_self_signed(["live.example.org".to_owned()]).unwrap();
    let directory = checkout.path().join("certificate");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("fullchain.pem"), keys.cert.pem()).unwrap();
    fs::write(directory.join("privkey.pem"), keys.signing_key.serialize_pem()).unwrap();

    let (second, lines) = (block(&page, "nginx", 0), block(&page, "nginx", 1));
    assert!(second.contains("acme-challenge") && lines.contains("443 ssl"), "the blocks have changed places");
    let listen = format!("listen {};", checkout.address().rsplit(':').next().unwrap());
    let config = checkout.read("nginx.conf.example");
    assert_eq!(config.matches(&listen).count(), 1);
    let config = config.replace(&listen, &lines);
    let (head, last) = config.rsplit_once('}').unwrap();
    // Only root may listen on the ports of the page.
    let [http, https, _] = free_ports();
    let config = format!("{head}{second}}}{last}")
        .replace("443 ssl", &format!("{https} ssl"))
        .replace("80;", &format!("{http};"))
        .replace("/etc/letsencrypt/live/live.example.org", directory.to_str().unwrap());
    fs::write(checkout.path().join("https.conf"), config).unwrap();
    let mut tried = checkout.shell("nginx -t -p \"$PWD\" -c \"$PWD/https.conf\"");
    let status = tried.wait();
    assert!(status.success(), "{}", tried.output());
}
