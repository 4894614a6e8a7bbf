//! The files that answers are read from: one for each version of a file, however many ask for it, and never more than `MOST_OPEN`
//! of them open.
//!
//! When there are more, `least_needed` says which is closed: one of whoever has most of them open. Its readers go on where they
//! are: it is opened again when the next piece is read. Only when another file has come in its place meanwhile, or none, do they
//! end early.

mod least_needed;

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::identity::Identity;
use super::open_regular;
use least_needed::{Candidate, MOST_READERS, least_needed};

/// A live stream has a dozen files that are asked for, and a hundred channels have them in memory. Together with one for each of the
/// connections that 1,024 open files allow for, this is still less than that.
const MOST_OPEN: usize = 128;

/// All of them.
#[derive(Debug)]
pub(crate) struct OpenFiles {
    directory: Arc<Path>,
    by_identity: Mutex<HashMap<Identity, Weak<SharedFile>>>,
    /// Those that are open, and some that are gone.
    open: Mutex<Vec<Weak<SharedFile>>>,
    uses: AtomicU64,
}

/// One version of a file; the file itself may be closed.
#[derive(Debug)]
struct SharedFile {
    all: Arc<OpenFiles>,
    path: PathBuf,
    identity: Identity,
    open: Mutex<Option<Arc<File>>>,
    used_at: AtomicU64,
    /// Who reads it, and for how many answers.
    readers: Mutex<BTreeMap<usize, usize>>,
}

/// A file that somebody reads.
#[derive(Debug)]
pub(crate) struct Reader {
    file: Arc<SharedFile>,
    who: usize,
}

impl OpenFiles {
    pub(crate) fn new(directory: &Path) -> Arc<OpenFiles> {
        Arc::new(OpenFiles {
            directory: directory.into(),
            by_identity: Mutex::default(),
            open: Mutex::default(),
            uses: AtomicU64::new(0),
        })
    }

    /// Opens a file for `who`, which is one number for each that may be greedy. Waits for the disk.
    pub(crate) fn open(self: &Arc<OpenFiles>, path: &Path, who: usize) -> io::Result<Reader> {
        let file = open_regular(&self.directory, path)?;
        let identity = Identity::of(&file.metadata()?);
        let mut files = self.files();
        if let Some(shared) = files.get(&identity).and_then(Weak::upgrade) {
            drop(files);
            return Ok(Reader::new(shared, who));
        }
        let shared = Arc::new(SharedFile {
            all: self.clone(),
            path: path.to_owned(),
            identity: identity.clone(),
            open: Mutex::default(),
            used_at: AtomicU64::new(0),
            readers: Mutex::default(),
        });
        files.insert(identity, Arc::downgrade(&shared));
        drop(files);
        let reader = Reader::new(shared, who);
        reader.file.keep(file);
        Ok(reader)
    }

    /// Whether there is such a file, or the machine is in trouble. Waits for the disk.
    pub(crate) fn has(&self, path: &Path) -> bool {
        !matches!(open_regular(&self.directory, path), Err(error) if error.kind() == io::ErrorKind::NotFound)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<Identity, Weak<SharedFile>>> {
        self.by_identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more, and closes another one when there are too many.
    fn opened(&self, file: &Arc<SharedFile>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(Arc::downgrade(file));
        if open.len() <= MOST_OPEN {
            return;
        }
        open.retain(|file| file.strong_count() > 0);
        if open.len() <= MOST_OPEN {
            return;
        }
        let files: Vec<_> = open.iter().map(Weak::upgrade).collect();
        // Who has gone meanwhile has no readers.
        let candidate = |file: &Option<Arc<SharedFile>>| file.as_deref().map(SharedFile::candidate);
        let candidates: Vec<_> = files.iter().map(|file| candidate(file).unwrap_or_default()).collect();
        let chosen = least_needed(&candidates);
        if let Some(number) = chosen {
            open.swap_remove(number);
        }
        drop(open);
        if let Some(file) = chosen.and_then(|number| files[number].as_ref()) {
            file.open().take();
        }
    }
}

impl Reader {
    fn new(file: Arc<SharedFile>, who: usize) -> Reader {
        *file.readers().entry(who).or_default() += 1;
        Reader { file, who }
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.file.identity
    }

    /// Fills `content` with what is there, as far as the file goes; how much that is. Waits for the disk.
    pub(crate) fn read(&self, offset: u64, content: &mut [u8]) -> io::Result<usize> {
        self.file.read(offset, content)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut readers = self.file.readers();
        if let Some(answers) = readers.get_mut(&self.who) {
            *answers -= 1;
            if *answers == 0 {
                readers.remove(&self.who);
            }
        }
    }
}

impl SharedFile {
    fn read(self: &Arc<SharedFile>, offset: u64, content: &mut [u8]) -> io::Result<usize> {
        let open = self.open().clone();
        let file = match open {
            Some(file) => file,
            None => self.keep(self.open_again()?),
        };
        self.used_at.store(self.all.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        let mut read_bytes = 0;
        while read_bytes < content.len() {
            match file.read_at(&mut content[read_bytes..], offset + read_bytes as u64) {
                Ok(0) => break,
                Ok(more) => read_bytes += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(read_bytes)
    }

    fn open_again(&self) -> io::Result<File> {
        let file = open_regular(&self.all.directory, &self.path)?;
        let is_same = Identity::of(&file.metadata()?) == self.identity;
        if is_same { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn keep(self: &Arc<SharedFile>, file: File) -> Arc<File> {
        let file = Arc::new(file);
        self.used_at.store(self.all.uses.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
        // Another reader may have opened it at the same time.
        if self.open().replace(file.clone()).is_none() {
            self.all.opened(self);
        }
        file
    }

    fn candidate(&self) -> Candidate {
        let readers = self.readers().keys().copied().take(MOST_READERS).collect();
        Candidate { readers, used_at: self.used_at.load(Ordering::Relaxed) }
    }

    fn readers(&self) -> MutexGuard<'_, BTreeMap<usize, usize>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, Option<Arc<File>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for SharedFile {
    fn drop(&mut self) {
        let mut files = self.all.files();
        // Another one may have come in its place.
        if files.get(&self.identity).is_some_and(|file| file.strong_count() == 0) {
            files.remove(&self.identity);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(file: &Reader, offset: u64) -> io::Result<String> {
        let mut content = [0; 9];
        let count = file.read(offset, &mut content)?;
        Ok(String::from_utf8_lossy(&content[..count]).into_owned())
    }

    fn count_open(files: &OpenFiles) -> usize {
        let all: Vec<_> = files.files().values().filter_map(Weak::upgrade).collect();
        all.iter().filter(|file| file.open().is_some()).count()
    }

    fn is_open(reader: &Reader) -> bool {
        reader.file.open().is_some()
    }

    /// A webroot with as many files.
    fn webroot(count: usize) -> (tempfile::TempDir, Arc<OpenFiles>) {
        let webroot = tempfile::tempdir().unwrap();
        let files = OpenFiles::new(webroot.path());
        for number in 0..count {
            fs::write(webroot.path().join(name(number)), number.to_string()).unwrap();
        }
        (webroot, files)
    }

    fn name(number: usize) -> String {
        format!("{number}.ts")
    }

    #[test]
    fn a_version_is_open_once_and_few_versions_are_open() {
        let (_webroot, files) = webroot(MOST_OPEN + 5);
        let open = |number: usize| files.open(Path::new(&name(number)), 1).unwrap();
        let first = open(0);
        assert!(Arc::ptr_eq(&first.file, &open(0).file));
        let others: Vec<_> = (1..MOST_OPEN + 5).map(open).collect();
        assert_eq!(count_open(&files), MOST_OPEN);
        assert!(!is_open(&first), "nobody has read from it for longest");
        assert_eq!(read(&first, 0).unwrap(), "0");
        assert_eq!(count_open(&files), MOST_OPEN);

        drop(others);
        assert_eq!(files.files().len(), 1, "nobody needs the others");
    }

    #[test]
    fn whoever_reads_few_files_keeps_them_though_others_read_many_and_the_same() {
        let (webroot, files) = webroot(4 * MOST_OPEN);
        let open = |number: usize, who: usize| files.open(Path::new(&name(number)), who).unwrap();
        let viewer = [open(0, 1), open(1, 1)];
        let mut attackers = vec![open(0, 2), open(1, 3)];
        attackers.extend((2..2 * MOST_OPEN).map(|number| open(number, 2)));
        attackers.extend((2 * MOST_OPEN..4 * MOST_OPEN).map(|number| open(number, 3)));
        for (number, reader) in viewer.iter().enumerate() {
            fs::remove_file(webroot.path().join(name(number))).unwrap();
            assert_eq!(read(reader, 0).unwrap(), number.to_string());
        }
        assert_eq!(count_open(&files), MOST_OPEN);
        drop(viewer);
        attackers.iter().skip(2).for_each(|reader| assert!(read(reader, 0).is_ok()));
        assert!(!is_open(&attackers[0]), "once the viewer has gone, it is the attackers' alone");
    }

    #[test]
    fn a_reader_keeps_its_version() {
        let webroot = tempfile::tempdir().unwrap();
        let files = OpenFiles::new(webroot.path());
        let path = webroot.path().join("a.ts");
        fs::write(&path, "0123456789").unwrap();
        let first = files.open(Path::new("a.ts"), 1).unwrap();
        fs::write(webroot.path().join("b.ts"), "another one").unwrap();
        fs::rename(webroot.path().join("b.ts"), &path).unwrap();
        assert_eq!(read(&first, 8).unwrap(), "89");
        assert_eq!(read(&files.open(Path::new("a.ts"), 1).unwrap(), 0).unwrap(), "another o");
        first.file.open().take();
        assert_eq!(read(&first, 0).unwrap_err().kind(), io::ErrorKind::NotFound, "it is gone");
    }
}
