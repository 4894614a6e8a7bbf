//! Whether a client takes gzip. Pure: RFC 9110 12.5.3.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;

/// gzip is wanted at least as much as the plain content.
pub(super) fn takes_gzip(request: &HeaderMap) -> bool {
    let (mut gzip, mut identity, mut others) = (None, None, None);
    for line in request.get_all(ACCEPT_ENCODING) {
        for element in line.as_bytes().split(|byte| *byte == b',') {
            let mut fields = element.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
            let coding = fields.next().unwrap_or_default();
            let weight = weight(fields.next());
            if coding.eq_ignore_ascii_case(b"gzip") || coding.eq_ignore_ascii_case(b"x-gzip") {
                gzip = Some(weight);
            } else if coding.eq_ignore_ascii_case(b"identity") {
                identity = Some(weight);
            } else if coding == b"*" {
                others = Some(weight);
            }
        }
    }
    let wanted = gzip.or(others).unwrap_or(0);
    // Plain content is acceptable without being named, and then the last choice.
    wanted > 0 && wanted >= identity.unwrap_or(0)
}

/// In thousandths, which is all that RFC 9110 12.4.2 has; what is no weight refuses.
fn weight(field: Option<&[u8]>) -> u32 {
    let Some(field) = field else { return 1000 };
    let number = field.strip_prefix(b"q=").or_else(|| field.strip_prefix(b"Q="));
    let number = number.and_then(|number| str::from_utf8(number).ok());
    let number = number.and_then(|number| number.trim_ascii().parse::<f32>().ok());
    number.filter(|number| (0.0..=1.0).contains(number)).map_or(0, |number| (number * 1000.0) as u32)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(accept: &'static str, expected: bool) {
        let request = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept))]);
        assert_eq!(takes_gzip(&request), expected, "{accept}");
    }

    #[test]
    fn gzip_is_taken_when_it_is_wanted() {
        assert!(!takes_gzip(&HeaderMap::new()));
        for accept in [
            "gzip",
            "GZIP",
            "x-gzip",
            "gzip, deflate, br, zstd",
            "br;q=1.0, gzip;q=0.5",
            "*",
            "gzip ; q=0.001",
        ] {
            check(accept, true);
        }
        for accept in [
            "",
            "identity",
            "br",
            "gzip;q=0",
            "gzip;q=0.000",
            "*;q=0",
            "gzip;q=0, *",
            "gzip;q=2",
            "gzip;q=x",
            "gzip;x",
            "gzip;q=0.5, identity;q=0.6",
            ",,;;=,",
        ] {
            check(accept, false);
        }
    }
}
