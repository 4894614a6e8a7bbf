//! Start-up: where to open the stream, on this machine and, as a QR code, on a phone. Bound ports in, stdout out.

use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use qrcode::{Color, EcLevel, QrCode};

use crate::listen::{Duty, Port, Scheme};

/// ISO/IEC 18004 asks for four light modules on each side; readers fail without them.
const QUIET_MODULES: usize = 4;

/// Black on white by palette numbers that no terminal theme changes (16 and 231 of the 256 colours).
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";
const RESET: &str = "\x1b[0m";

/// How much drawing the reader of stdout can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Not a terminal: addresses only.
    Lines,
    /// A terminal that shall see no colours (`NO_COLOR`, `TERM=dumb`): a code for dark backgrounds, which most phones read on light ones too.
    Drawn,
    /// A terminal: a code for any background.
    Coloured,
}

impl Style {
    /// Asks the environment, see <https://no-color.org>.
    #[must_use]
    pub fn of_stdout(on_terminal: bool) -> Style {
        let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
        match (on_terminal, no_color || dumb) {
            (false, _) => Style::Lines,
            (true, true) => Style::Drawn,
            (true, false) => Style::Coloured,
        }
    }
}

/// IPv4 addresses of this machine that others in the network may reach, the one with the default route first.
#[must_use]
pub fn lan_addresses() -> Vec<IpAddr> {
    let others = if_addrs::get_if_addrs().unwrap_or_default();
    let others = others.into_iter().filter(|other| !is_virtual(&other.name)).map(|other| other.ip());
    let mut addresses = Vec::new();
    for address in routed_address().into_iter().chain(others) {
        let reachable = matches!(address, IpAddr::V4(v4) if !v4.is_loopback() && !v4.is_link_local());
        if reachable && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

/// The address that this machine would send from to the internet. Nothing is sent: a UDP socket only looks up its route.
fn routed_address() -> Option<IpAddr> {
    /// RFC 5737: of documentation, and so of nobody's own network.
    const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(ELSEWHERE).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Bridges between containers and virtual machines of this very machine lead no phone here.
fn is_virtual(interface: &str) -> bool {
    ["docker", "br-", "veth", "virbr", "cni"].iter().any(|prefix| interface.starts_with(prefix))
}

/// Prints where to open the stream; a stdout that nobody reads is no reason to stop.
pub fn print(ports: &[Port], lan: &[IpAddr], style: Style) {
    let viewers = ports.iter().filter(|port| port.duty == Duty::Viewers);
    let bound: Vec<_> = viewers.filter_map(|port| Some((port.scheme, port.address?))).collect();
    let mut text = render(&bound, lan, style);
    for (port, address) in ports.iter().filter_map(|port| Some((port, port.address?))) {
        if port.duty == Duty::Operator {
            let _ = writeln!(text, "{}metrics", addresses(port.scheme, address, &[]).0);
        }
    }
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn render(bound: &[(Scheme, SocketAddr)], lan: &[IpAddr], style: Style) -> String {
    if bound.is_empty() {
        return "listening on unix sockets only\n".to_owned();
    }
    let mut urls: Vec<String> = Vec::new();
    let mut for_phones = None;
    for (scheme, address) in bound {
        let (here, elsewhere) = addresses(*scheme, *address, lan);
        for_phones = for_phones.or_else(|| elsewhere.first().cloned());
        urls.push(here);
        urls.extend(elsewhere);
    }
    let mut text = String::new();
    for (index, url) in urls.iter().enumerate() {
        if !urls[..index].contains(url) {
            let _ = writeln!(text, "{url}");
        }
    }
    if style != Style::Lines
        && let Some(code) = for_phones.and_then(|url| qr_code(&url, style))
    {
        let _ = write!(text, "\n{code}\n");
    }
    text
}

/// What to open on this machine, and what on others: first the address for the phone.
fn addresses(scheme: Scheme, bound: SocketAddr, lan: &[IpAddr]) -> (String, Vec<String>) {
    let url = |host: IpAddr| format!("{scheme}://{}/", SocketAddr::new(host, bound.port()));
    let localhost = format!("{scheme}://localhost:{}/", bound.port());
    match bound.ip() {
        host if host.is_unspecified() => (localhost, lan.iter().copied().map(url).collect()),
        IpAddr::V4(Ipv4Addr::LOCALHOST) => (localhost, Vec::new()),
        host if host.is_loopback() => (url(host), Vec::new()),
        // Bound to one address, the server does not answer on localhost.
        host => (url(host), vec![url(host)]),
    }
}

/// Two modules in one character; `None` for an address that is too long for any code.
fn qr_code(url: &str, style: Style) -> Option<String> {
    let code = QrCode::with_error_correction_level(url, EcLevel::M).ok()?;
    let width = code.width();
    let side = width + 2 * QUIET_MODULES;
    let is_dark = |x: usize, y: usize| {
        let inside = (QUIET_MODULES..QUIET_MODULES + width).contains(&x)
            && (QUIET_MODULES..QUIET_MODULES + width).contains(&y);
        inside && code[(x - QUIET_MODULES, y - QUIET_MODULES)] == Color::Dark
    };
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        if style == Style::Coloured {
            text.push_str(BLACK_ON_WHITE);
        }
        for x in 0..side {
            let (upper, lower) = (is_dark(x, y), y + 1 < side && is_dark(x, y + 1));
            // Without colours what is drawn is the light, on the dark of the terminal.
            let drawn =
                if style == Style::Coloured { (upper, lower) } else { (!upper, !lower && y + 1 < side) };
            text.push(match drawn {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push_str(if style == Style::Coloured { RESET } else { "" });
        text.push('\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAN: [IpAddr; 2] =
        [IpAddr::V4(Ipv4Addr::new(192, 168, 1, 20)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5))];

    #[track_caller]
    fn check(bound: &str, expected: &str) {
        let bound: Vec<_> =
            bound.split(' ').map(|address| (Scheme::Http, address.parse().unwrap())).collect();
        assert_eq!(render(&bound, &LAN, Style::Lines), expected);
    }

    #[test]
    fn the_first_line_is_what_to_open_here_and_the_others_elsewhere() {
        check("0.0.0.0:8080", "http://localhost:8080/\nhttp://192.168.1.20:8080/\nhttp://10.0.0.5:8080/\n");
        check("[::]:80", "http://localhost:80/\nhttp://192.168.1.20:80/\nhttp://10.0.0.5:80/\n");
        check("127.0.0.1:8080", "http://localhost:8080/\n");
        check("127.0.0.2:8080", "http://127.0.0.2:8080/\n");
        check("[::1]:8080", "http://[::1]:8080/\n");
        check("10.0.0.5:8080", "http://10.0.0.5:8080/\n");
        check("127.0.0.1:8080 10.0.0.5:80", "http://localhost:8080/\nhttp://10.0.0.5:80/\n");
    }

    /// Reads the drawn characters as a camera sees them: true is light.
    fn pixels(drawn: &str, ink_is_light: bool) -> Vec<Vec<bool>> {
        let mut rows = Vec::new();
        for line in drawn.lines() {
            let line = line.trim_start_matches(BLACK_ON_WHITE).trim_end_matches(RESET);
            rows.push(line.chars().map(|c| matches!(c, '█' | '▀') == ink_is_light).collect());
            rows.push(line.chars().map(|c| matches!(c, '█' | '▄') == ink_is_light).collect());
        }
        rows
    }

    #[track_caller]
    fn check_code(style: Style, ink_is_light: bool) {
        const PIXELS_PER_MODULE: usize = 4;
        let url = "http://192.168.100.100:8080/";
        let drawn = qr_code(url, style).unwrap();
        let rows = pixels(&drawn, ink_is_light);
        assert!(rows[..QUIET_MODULES].iter().flatten().all(|light| *light), "quiet zone above");
        let side = rows[0].len();
        assert!(side <= 40, "fits into half a terminal of 80 columns: {side}");
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(
            side * PIXELS_PER_MODULE,
            rows.len() * PIXELS_PER_MODULE,
            |x, y| if rows[y / PIXELS_PER_MODULE][x / PIXELS_PER_MODULE] { 255 } else { 0 },
        );
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1, "\n{drawn}");
        assert_eq!(grids[0].decode().unwrap().1, url);
    }

    #[test]
    fn a_phone_reads_the_code_off_the_terminal() {
        check_code(Style::Coloured, false);
        check_code(Style::Drawn, true);
    }

    #[test]
    fn a_code_is_drawn_on_terminals_for_addresses_that_a_phone_can_reach() {
        let anywhere = [(Scheme::Https, "0.0.0.0:8080".parse().unwrap())];
        let here = [(Scheme::Http, "127.0.0.1:8080".parse().unwrap())];
        assert!(render(&anywhere, &LAN, Style::Coloured).contains('▀'));
        assert!(render(&anywhere, &LAN, Style::Lines).starts_with("https://localhost:8080/\nhttps://192"));
        assert!(!render(&anywhere, &[], Style::Coloured).contains('▀'));
        assert!(!render(&here, &LAN, Style::Coloured).contains('▀'));
        assert!(render(&[here[0], anywhere[0]], &LAN, Style::Coloured).contains('▀'));
        assert!(!render(&anywhere, &LAN, Style::Drawn).contains('\x1b'));
        assert_eq!(render(&[], &LAN, Style::Coloured), "listening on unix sockets only\n");
    }
}
