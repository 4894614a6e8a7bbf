//! What of an answer changes by its nature, and is replaced before the digest is made. These are all rules; each says why.
//!
//! In: an answer as it was sent. Out: the same answer with `<now>`, `<count>`, `<seconds>` or `<length>` in these places.

use super::talk::{Answer, without_chunks};
use crate::support::gunzip;

pub fn mask(mut answer: Answer) -> Answer {
    // A chunk is what was read from the disk at a time.
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = without_chunks(&answer.body);
    }
    // Packed bytes are those of a library, which packs otherwise on another processor and in another version.
    let is_packed = answer.header("content-encoding") == Some("gzip");
    if is_packed {
        set(&mut answer, "content-length", "<length>");
        if !answer.body.is_empty() {
            answer.body = gunzip(&answer.body);
        }
    }
    // The second in which the answer was made.
    set(&mut answer, "date", "<now>");
    answer
}

/// The same for what an operator asks for. Its length changes with its numbers.
pub fn mask_operator(answer: Answer) -> Answer {
    let mut answer = mask(answer);
    let text = String::from_utf8(std::mem::take(&mut answer.body)).unwrap();
    let lines = text.split_inclusive('\n').map(mask_line);
    let masked: String = lines.collect();
    // An answer to HEAD has the length of what is not there to be looked at.
    if masked != text || text.is_empty() {
        set(&mut answer, "content-length", "<length>");
    }
    answer.body = masked.into_bytes();
    answer
}

fn mask_line(line: &str) -> String {
    // How old a list is.
    if let Some((before, after)) = line.split_once(" is ")
        && let Some((age_s, after)) = after.split_once(" s old")
        && age_s.parse::<f64>().is_ok()
    {
        return format!("{before} is <seconds> s old{after}");
    }
    let masked = [
        // How long answers took.
        "livedir_answer_seconds_bucket{le=\"0",
        "livedir_answer_seconds_bucket{le=\"1",
        "livedir_answer_seconds_sum",
        // A file is looked at again after 100 ms.
        "livedir_cache_answers_total",
        // What is packed is in memory, too.
        "livedir_cache_bytes ",
        // The end of a connection takes its time.
        "livedir_connections ",
    ];
    match line.rsplit_once(' ') {
        Some((name, _)) if masked.iter().any(|it| line.starts_with(it)) => format!("{name} <count>\n"),
        _ => line.to_owned(),
    }
}

/// Replaces the value of a header, where there is one.
fn set(answer: &mut Answer, name: &str, value: &str) {
    let head: String = answer
        .head_lines()
        .map(|line| match line.split_once(':') {
            Some((present, _)) if present.eq_ignore_ascii_case(name) => format!("{present}: {value}\r\n"),
            _ => line.to_owned(),
        })
        .collect();
    answer.head = head.into_bytes();
}
