//! Every deliberate difference between the two servers, with its reason.

/// A deliberate difference, and the requests and fields it may be seen in.
pub struct Difference {
    pub reason: &'static str,
    pub applies: fn(&Request) -> bool,
    pub fields: &'static [&'static str],
}

pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: &'a str,
    /// As nginx answers it.
    pub status: u16,
}

/// All of an answer that is another one.
const ALL: &[&str] = &[
    "status",
    "body",
    "ETag",
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Accept-Ranges",
    "Last-Modified",
    "Vary",
    "Cache-Control",
    "Pragma",
    "Expires",
    "Content-Security-Policy",
    "Referrer-Policy",
];

pub const DIFFERENCES: [Difference; 13] = [
    Difference {
        reason: "nginx refuses an escape from the root and bytes that are no path before the configuration is asked",
        applies: |request| {
            let nonsense =
                ["/../secret", "/%2e%2e/secret", "/live/../../secret", "/..%2fsecret", "/secret%00", "/%zz"];
            request.status == 400 && nonsense.contains(&request.path)
        },
        fields: &[
            "status",
            "body",
            "Content-Type",
            "Content-Length",
            "Content-Security-Policy",
            "Referrer-Policy",
        ],
    },
    Difference {
        reason: "nginx can only forbid all links below webroot, livedir-server those that leave it",
        applies: |request| request.path == "/staying.m3u8",
        fields: &["status", "body", "Content-Type", "Content-Length", "Content-Encoding", "Vary"],
    },
    Difference {
        reason: "nginx leaves Accept-Ranges out of a 206, which says as much",
        applies: |request| request.method == "GET" && request.status == 206,
        fields: &["Accept-Ranges"],
    },
    Difference {
        reason: "nginx finds out about the range when it has set the headers, and can only add to them",
        applies: |request| request.status == 416,
        fields: &["ETag", "Last-Modified", "Cache-Control"],
    },
    Difference {
        reason: "RFC 9110 14.2 defines ranges for GET only; nginx has them for HEAD",
        applies: |request| request.method == "HEAD" && request.status == 206,
        fields: &["status", "Content-Length", "Content-Range", "Accept-Ranges"],
    },
    Difference {
        reason: "a playlist in memory has a tag of its content; nginx's tag takes two versions of one second and one length for one, and is off",
        applies: |request| PLAYLISTS.contains(&request.path) || request.path == "/staying.m3u8",
        fields: &["ETag"],
    },
    Difference {
        reason: "a playlist that is known by its tag is not sent again",
        applies: |request| {
            PLAYLISTS.contains(&request.path)
                && request.headers.contains("If-None-Match")
                && request.headers.contains("{etag}")
        },
        fields: ALL,
    },
    Difference {
        reason: "RFC 9110 5.3: lines of one name make one list; nginx refuses a condition in two lines",
        applies: |request| request.status == 400 && request.headers.matches("If-None-Match").count() == 2,
        fields: ALL,
    },
    Difference {
        reason: "RFC 9110 13.2.2: beside a tag a date is not looked at; nginx wants both to agree",
        applies: |request| {
            let both = |tag, date| request.headers.contains(tag) && request.headers.contains(date);
            both("If-Match: {etag}", "If-Unmodified-Since")
                || both("If-None-Match: {etag}", "If-Modified-Since")
        },
        fields: ALL,
    },
    Difference {
        reason: "nginx packs a playlist for each request and learns its length at the end",
        applies: |request| PLAYLISTS.contains(&request.path) && request.headers.contains("Accept-Encoding"),
        fields: &["Content-Length"],
    },
    Difference {
        reason: "RFC 9110 14.1.1: a last position beyond the end means the end, however many digits it has",
        applies: |request| request.headers == "Range: bytes=0-99999999999999999999999",
        fields: ALL,
    },
    Difference {
        reason: "conditions that no player sends for a playlist; nginx answers 304 or 412, which cannot be configured away",
        applies: |request| {
            let conditions = ["If-None-Match: *", "If-Match", "If-Unmodified-Since"];
            PLAYLISTS.contains(&request.path)
                && conditions.iter().any(|name| request.headers.starts_with(name))
                && [304, 412].contains(&request.status)
        },
        fields: ALL,
    },
    Difference {
        reason: "RFC 9110 12.5.3: * stands for gzip too; nginx looks for the word",
        applies: |request| request.headers == "Accept-Encoding: *",
        fields: &["Content-Encoding", "Content-Length"],
    },
];

const PLAYLISTS: [&str; 5] =
    ["/stream.m3u8", "/stream.m3u8?_=1", "//stream.m3u8", "/%73tream.m3u8", "/status.json"];
