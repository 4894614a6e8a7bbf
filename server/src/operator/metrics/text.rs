//! All numbers in Prometheus's text format, version 0.0.4. Pure: counters in, text out.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::counters::{CLASSES, Counters, Malformed, Reached, RequestKind, TOOK_US};
use super::threads::Metrics;
use crate::blocking::waiters::{BlockedRequests, End};

pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `open` connections at present; answers from memory, answers after a check of the file, and bytes in memory; viewers are those of the last `viewers_within_s`.
pub(crate) fn render(
    metrics: &Metrics,
    (open, ended_for_memory): (usize, u64),
    (hits, misses, memory_bytes): (u64, u64, u64),
    waiting: &BlockedRequests,
    viewers_within_s: u64,
) -> String {
    let sum = |number: &dyn Fn(&Counters) -> &AtomicU64| -> u64 {
        metrics.workers.iter().map(|worker| number(worker).load(Relaxed)).sum()
    };
    let mut text = String::with_capacity(4096);
    let mut family = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        for (suffix, value) in lines {
            let _ = writeln!(text, "{name}{suffix} {value}");
        }
    };
    let plain = |value: u64| vec![(String::new(), value.to_string())];

    let mut requests = Vec::new();
    for (kind, name) in RequestKind::ALL {
        for class in 0..CLASSES {
            let count = sum(&|worker| &worker.requests[kind as usize][class]);
            // 1xx and 3xx hardly ever happen; a line that is always 0 helps nobody.
            if count > 0 || class == 1 {
                requests.push((format!("{{kind=\"{name}\",status=\"{}xx\"}}", class + 1), count.to_string()));
            }
        }
    }
    family("livedir_requests_total", "counter", "Answered requests.", &requests);
    family(
        "livedir_sent_bytes_total",
        "counter",
        "Bytes of answers with their heads, before TLS.",
        &plain(sum(&|worker| &worker.sent_bytes)),
    );

    let mut answers = Vec::new();
    let mut count = 0;
    for bucket in 0..=TOOK_US.len() {
        count += sum(&|worker| &worker.took[bucket]);
        let end_s = TOOK_US.get(bucket).map_or("+Inf".to_owned(), |us| (*us as f64 / 1e6).to_string());
        answers.push((format!("_bucket{{le=\"{end_s}\"}}"), count.to_string()));
    }
    let took_s = sum(&|worker| &worker.took_ns) as f64 / 1e9;
    answers.push(("_sum".to_owned(), took_s.to_string()));
    answers.push(("_count".to_owned(), count.to_string()));
    family(
        "livedir_answer_seconds",
        "histogram",
        "From the end of a request's head to the beginning of its answer, without the time that it was held.",
        &answers,
    );

    family("livedir_connections", "gauge", "Open connections.", &plain(open as u64));
    family(
        "livedir_connections_total",
        "counter",
        "Accepted connections.",
        &plain(sum(&|worker| &worker.connections)),
    );
    let mut reached =
        labelled("limit", Reached::ALL, |it| sum(&|worker| &worker.reached[it as usize])).to_vec();
    reached.push(("{limit=\"memory\"}".to_owned(), ended_for_memory.to_string()));
    family(
        "livedir_limits_reached_total",
        "counter",
        "Connections refused or ended, and requests refused, by the limit that they reached.",
        &reached,
    );
    let malformed = labelled("kind", Malformed::ALL, |it| sum(&|worker| &worker.malformed[it as usize]));
    family(
        "livedir_malformed_total",
        "counter",
        "Requests and connections refused because they were not well-formed.",
        &malformed,
    );
    let cache = [("hit", hits), ("look", misses)]
        .map(|(result, count)| (format!("{{result=\"{result}\"}}"), count.to_string()));
    family(
        "livedir_cache_answers_total",
        "counter",
        "Answers from memory: without a look at the disk, or after one.",
        &cache,
    );
    family("livedir_cache_bytes", "gauge", "Playlists and segments in memory.", &plain(memory_bytes));
    family(
        "livedir_held_requests",
        "gauge",
        "Requests for what is not there yet, waiting for it.",
        &plain(waiting.blocked() as u64),
    );
    let ends = End::ALL.map(|(end, name)| (format!("{{end=\"{name}\"}}"), waiting.ended(end).to_string()));
    family(
        "livedir_holds_total",
        "counter",
        "Held requests by how it ended, and those refused to be.",
        &ends,
    );
    let viewers: HashSet<u64> =
        metrics.workers.iter().flat_map(|worker| worker.lately(viewers_within_s)).collect();
    family(
        "livedir_viewers",
        "gauge",
        "Players (address and User-Agent) that fetched a playlist within the last three target durations.",
        &plain(viewers.len() as u64),
    );
    text
}

/// A line for each, told apart by this label.
fn labelled<T, const N: usize>(
    label: &str,
    all: [(T, &str); N],
    count: impl Fn(T) -> u64,
) -> [(String, String); N] {
    all.map(|(it, name)| (format!("{{{label}=\"{name}\"}}"), count(it).to_string()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::StatusCode;

    use super::*;
    use crate::operator::metrics::Asked;

    #[test]
    fn threads_are_summed_up_and_a_viewer_of_two_threads_is_one() {
        let metrics = Metrics::new(2, true);
        let asked = |status, took_us| Asked {
            kind: RequestKind::Playlist,
            status: StatusCode::from_u16(status).unwrap(),
            took: Duration::from_micros(took_us),
        };
        metrics.workers()[0].answered(&asked(200, 20), Some(7));
        metrics.workers()[1].answered(&asked(200, 30), Some(7));
        metrics.workers()[1].answered(&asked(404, 2_000_000), Some(8));
        metrics.workers()[1].sent(1000);
        metrics.workers()[0].reached(Reached::SlowHead);
        metrics.workers()[1].malformed(Malformed::Host);
        let text = render(&metrics, (3, 4), (40, 2, 5000), &BlockedRequests::new(1), 6);
        for line in [
            "livedir_requests_total{kind=\"playlist\",status=\"2xx\"} 2",
            "livedir_requests_total{kind=\"playlist\",status=\"4xx\"} 1",
            "livedir_requests_total{kind=\"segment\",status=\"2xx\"} 0",
            "livedir_sent_bytes_total 1000",
            "livedir_answer_seconds_bucket{le=\"0.000025\"} 1",
            "livedir_answer_seconds_bucket{le=\"0.00005\"} 2",
            "livedir_answer_seconds_bucket{le=\"1\"} 2",
            "livedir_answer_seconds_bucket{le=\"+Inf\"} 3",
            "livedir_answer_seconds_sum 2.00005",
            "livedir_answer_seconds_count 3",
            "livedir_connections 3",
            "livedir_limits_reached_total{limit=\"slow_head\"} 1",
            "livedir_limits_reached_total{limit=\"memory\"} 4",
            "livedir_malformed_total{kind=\"host\"} 1",
            "livedir_malformed_total{kind=\"tls\"} 0",
            "livedir_cache_answers_total{result=\"hit\"} 40",
            "livedir_cache_answers_total{result=\"look\"} 2",
            "livedir_cache_bytes 5000",
            "livedir_held_requests 0",
            "livedir_holds_total{end=\"too_late\"} 0",
            "livedir_viewers 1",
        ] {
            assert!(text.lines().any(|present| present == line), "{line} is not in\n{text}");
        }
    }
}
