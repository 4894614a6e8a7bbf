//! Two ways to read a webroot: its files, and over HTTP.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Reads what lies under a path relative to webroot.
pub trait PlaylistReader: Send {
    /// The bytes; nothing when there is no such file; or what is wrong with the answer.
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String>;
}

/// Reads files.
#[derive(Debug, Clone)]
pub struct Files(PathBuf);

impl Files {
    /// Those of a webroot.
    pub fn of(webroot: &Path) -> Self {
        Self(webroot.to_owned())
    }
}

impl PlaylistReader for Files {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        match std::fs::read(self.0.join(path)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Reads over HTTP, and compares segments with their files.
#[derive(Debug, Clone)]
pub struct Http {
    agent: ureq::Agent,
    address: String,
    files: Files,
}

impl Http {
    /// From a server at `address`, such as `http://127.0.0.1:8080`, over this webroot.
    pub fn from(address: &str, webroot: &Path) -> Self {
        let settings = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)));
        Self { agent: settings.build().into(), address: address.to_owned(), files: Files::of(webroot) }
    }
}

impl PlaylistReader for Http {
    fn read(&mut self, path: &str) -> Result<Option<Vec<u8>>, String> {
        let url = format!("{}/{path}", self.address);
        let mut answer = self.agent.get(&url).call().map_err(|error| format!("{url}: {error}"))?;
        if answer.status() == 404 {
            return Ok(None);
        }
        if answer.status() != 200 {
            return Err(format!("{url}: status {}", answer.status()));
        }
        let header =
            |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_playlist = Path::new(path).extension().is_some_and(|extension| extension == "m3u8");
        let expected_type = if is_playlist { "application/vnd.apple.mpegurl" } else { "video/mp2t" };
        if header("content-type") != expected_type {
            return Err(format!("{url}: content-type {:?}, not {expected_type}", header("content-type")));
        }
        let announced = header("content-length").to_owned();
        let bytes = answer.body_mut().read_to_vec().map_err(|error| format!("{url}: body: {error}"))?;
        if announced != bytes.len().to_string() {
            return Err(format!("{url}: content-length {announced:?} and {} bytes", bytes.len()));
        }
        // A file that has just been deleted has nothing to compare with.
        let on_disk = if is_playlist { None } else { self.files.read(path)? };
        if on_disk.is_some_and(|on_disk| on_disk != bytes) {
            return Err(format!("{url}: {} bytes that are not those of the file", bytes.len()));
        }
        Ok(Some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::*;

    /// Reads `a.ts`, whose file holds `whole`, from a server that gives this answer.
    fn read(answer: &'static str) -> Result<Option<Vec<u8>>, String> {
        let webroot = tempfile::tempdir().unwrap();
        std::fs::write(webroot.path().join("a.ts"), "whole").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut connection, _) = listener.accept().unwrap();
            let mut request = BufReader::new(connection.try_clone().unwrap()).lines();
            while request.next().is_some_and(|line| !line.unwrap().is_empty()) {}
            connection.write_all(answer.as_bytes()).unwrap();
        });
        let read = Http::from(&address, webroot.path()).read("a.ts");
        server.join().unwrap();
        read
    }

    #[track_caller]
    fn check(answer: &'static str, expected: &str) {
        let problem = read(answer).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }

    #[test]
    fn a_good_answer_is_the_file() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: video/mp2t\r\ncontent-length: 5\r\n\r\nwhole";
        assert_eq!(read(answer), Ok(Some(b"whole".to_vec())));
        assert_eq!(read("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"), Ok(None));
    }

    #[test]
    fn each_fault_of_an_answer_is_told() {
        check("HTTP/1.1 304 Not Modified\r\n\r\n", "status 304");
        check("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", "status 500");
        check("HTTP/1.1 200 OK\r\ncontent-type: video/x\r\ncontent-length: 5\r\n\r\nwhole", "content-type");
        check("HTTP/1.1 200 OK\r\ncontent-type: video/mp2t\r\ncontent-length: 5\r\n\r\nwho", "body");
        check(
            "HTTP/1.1 200 OK\r\ncontent-type: video/mp2t\r\nconnection: close\r\n\r\nwhole",
            "content-length",
        );
        check(
            "HTTP/1.1 200 OK\r\ncontent-type: video/mp2t\r\ncontent-length: 5\r\n\r\nworse",
            "not those of the file",
        );
    }
}
