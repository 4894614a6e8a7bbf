//! `livedir-publisher watch` where programs bring files that others have made: each in its own way, over and over, told by events and
//! polled as on a mounted directory of which no event tells.

use crate::support::media;
use crate::support::programs::{PATIENCE, read_playlist};
use crate::support::wait_for;
use crate::watch::{Watched, names, no_discontinuity};
use crate::watcher_support::segments;
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// The first words of the names, as encoders and servers give them: each of them begins anew at 1, behind the one before.
const WOWZA: [&str; 2] = ["media_w1093_", "media_w20555_"];

/// Brings segments one by one with a script: `$1` is the file, `$2` the name that it is to have in `live/`. Another program may keep the
/// first, which the script may take away.
#[track_caller]
fn check_uploader(script: &str) {
    for words in [&["--target-duration", "1"][..], &["--target-duration", "1", "--poll"]] {
        let watched = Watched::new();
        let running = watched.start(words);
        let source = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        for (n, bytes) in segments()[..4].iter().enumerate() {
            let name = format!("cam {}.ts", n + 8);
            let path = source.path().join(&name);
            fs::write(&path, bytes).unwrap();
            media::run(
                Command::new("sh").args(["-ec", script, "upload"]).arg(&path).arg(watched.live(&name)),
            );
            expected.push(format!("cam {}", n + 8));
        }
        let playlist = watched.wait_for_names(&expected.join(" "));
        no_discontinuity(&playlist);
        assert_eq!(playlist.media_sequence, 1, "{script} {words:?}");
        assert!(!running.output().contains("refused"), "{script} {words:?}:\n{}", running.output());
    }
}

#[test]
fn a_script_that_copies_and_renames() {
    check_uploader(r#"cp "$1" "$2.tmp"; mv "$2.tmp" "$2""#);
}

#[test]
fn rsync() {
    check_uploader(r#"rsync -a --remove-source-files "$1" "$2""#);
}

#[test]
fn rsync_in_place() {
    check_uploader(r#"rsync -a --inplace "$1" "$2""#);
}

#[test]
fn rsync_with_delayed_updates() {
    check_uploader(r#"rsync -a --delay-updates "$1" "$(dirname "$2")/""#);
}

/// Where the system has the server's end of SFTP; no connection is needed to talk to it.
const SFTP: &str = r#"for server in /usr/lib/openssh /usr/lib/ssh /usr/libexec/openssh /usr/libexec; do
    [ ! -x "$server/sftp-server" ] || break
done
sftp -q -b - -D "$server/sftp-server" >/dev/null"#;

#[test]
fn sftp() {
    check_uploader(&format!(r#"echo "put \"$1\" \"$2\"" | {{ {SFTP}; }}"#));
}

#[test]
fn sftp_that_renames() {
    check_uploader(&format!(
        r#"printf 'put "%s" "%s.part"\nrename "%s.part" "%s"\n' "$1" "$2" "$2" "$2" | {{ {SFTP}; }}"#
    ));
}

/// All at once, as after a loss of the line.
#[test]
fn rsync_of_a_directory() {
    for words in [&["--target-duration", "1"][..], &["--target-duration", "1", "--poll"]] {
        let watched = Watched::new();
        let running = watched.start(words);
        let source = tempfile::tempdir().unwrap();
        for (n, bytes) in (95..).zip(&segments()[..10]) {
            fs::write(source.path().join(format!("clip{n}.ts")), bytes).unwrap();
        }
        media::run(
            Command::new("rsync").arg("-a").arg(source.path().join("")).arg(watched.webroot().join("live")),
        );
        let all: Vec<_> = (95..105).map(|n| format!("clip{n}")).collect();
        no_discontinuity(&watched.wait_for_names(&all.join(" ")));
        assert!(!running.output().contains("refused"), "{words:?}:\n{}", running.output());
    }
}

#[test]
fn names_like_those_of_wowza() {
    let watched = Watched::new();
    let _running = watched.start(&["--target-duration", "1", "--window", "10"]);
    let began_at = SystemTime::now() - Duration::from_secs(4);
    let mut count = 0;
    let mut put = |run: &str, number: usize, n: usize| {
        let name = format!("{run}{number}.ts");
        // They come half a second apart, by their times.
        count += 1;
        let unfinished = watched.live(".unfinished");
        fs::write(&unfinished, &segments()[n]).unwrap();
        let file = fs::File::options().append(true).open(&unfinished).unwrap();
        file.set_modified(began_at + count * Duration::from_millis(500)).unwrap();
        fs::rename(unfinished, watched.live(&name)).unwrap();
        let uri = format!("live/{name}");
        wait_for(&uri, PATIENCE, || {
            read_playlist(watched.webroot())?.segments.iter().any(|it| it.uri == uri).then_some(())
        });
    };
    for number in 8..12 {
        put(WOWZA[0], number, number);
    }
    // The server has begun again: its timestamps, its number and the other one do.
    for number in 0..4 {
        put(WOWZA[1], number, number);
    }
    let playlist = read_playlist(watched.webroot()).unwrap();
    let [first, second] = WOWZA;
    let expected: Vec<_> = (8..12)
        .map(|number| format!("{first}{number}"))
        .chain((0..4).map(|number| format!("{second}{number}")))
        .collect();
    assert_eq!(names(&playlist), expected.join(" "));
    let breaks: Vec<_> = playlist.segments.iter().map(|segment| segment.discontinuity).collect();
    assert_eq!(breaks, [false, false, false, false, true, false, false, false]);
}
