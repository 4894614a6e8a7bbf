//! Captions of interlaced films: two pictures that are made of one say what it said once.

use super::films::{conversation, film};
use super::{SECONDS, check_heard, end, publish};
use crate::input::media::made;

#[test]
fn what_an_interlaced_film_says_is_heard_once() {
    let script = conversation();
    for rate in [(25, 1), (30_000, 1_001)] {
        let film = film(rate, SECONDS, &script);
        let words = ["-i", film.to_str().expect("a plain path"), "-vf", "setfield=tff", "-c:v", "libx264"];
        let fields = ["-bf", "2", "-flags", "+ilme+ildct", "-x264-params", "tff=1"];
        let interlaced = made("interlaced.ts", &[words, fields].concat());
        for (how, grid) in [("auto", "25"), ("field", "50"), ("field", "20"), ("off", "25")] {
            let directory = tempfile::tempdir().unwrap();
            let publisher = publish(directory.path(), &interlaced, &["--fps", grid, "--deinterlace", how]);
            let output = end(publisher, directory.path());
            assert_eq!(output.contains("they are deinterlaced"), how != "off", "{output}");
            let case = format!("{rate:?}, {how} to {grid}");
            check_heard(&directory.path().join("live"), &interlaced, &script, &case);
        }
    }
}
