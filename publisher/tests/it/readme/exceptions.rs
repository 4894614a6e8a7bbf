//! The commands of README and docs/ that no test types, each with the reason. A line here covers every command that begins with its
//! words. A line that covers no command fails the test: it is to be removed.

/// How commands begin that are not typed, and why.
pub(super) const EXCEPTIONS: [(&str, &str); 27] = [
    ("just test-quick", "it is the tests themselves"),
    (
        "ffmpeg -v error -re -i movie.mp4 -c:v libx264 ",
        "needs a publisher that waits; `topics` types it from `help rtmp`",
    ),
    ("sudo mkdir ", "needs root: it writes outside the checkout"),
    ("sudo mount ", "needs root: it mounts a file system over the webroot"),
    ("sudo install ", "needs root: it writes to /usr/local/bin, /srv or /etc"),
    ("sudo cp ", "needs root: it writes to /srv or /etc"),
    (
        "sudo livedir-",
        "needs root: it writes to /usr/local/share; docs/livedir-publisher.md has it for any directory",
    ),
    ("sudo useradd ", "needs root: it makes a user of the system"),
    ("sudo userdel ", "needs root: it removes a user of the system"),
    ("sudo rm ", "needs root: it removes what is installed in the system"),
    ("sudo systemctl ", "needs root and a running systemd; `units` reads the unit files"),
    ("systemctl status ", "needs a running systemd; `units` reads the unit files"),
    ("journalctl ", "needs the journal of a running systemd"),
    ("sudo certbot ", "needs a domain, and a certificate authority on the internet"),
    (
        "livedir-server --webroot /srv/livedir/webroot --listen https://",
        "needs root for port 443; the server's `tls` does it elsewhere",
    ),
    ("livedir-publisher check https://live.example.org/", "needs a domain with a stream"),
    ("curl -sI https://live.example.org/", "needs a domain with a stream"),
    ("git pull", "needs a repository that this one was cloned from"),
    ("ffprobe -rtsp_transport ", "needs an IP camera; `input::cameras` has one of its own"),
    ("vlc ", "opens a window, and VLC is no package of the tests"),
    ("mpv http", "opens a window; `restart::players` plays with mpv without one"),
    ("mpv --no-config ", "`restart::players` types it, with an address of its own"),
    ("ffplay ", "opens a window, and plays until it is closed"),
    ("SDL_VIDEODRIVER=dummy ", "plays until it is closed: tried by hand for docs/restarts.md"),
    ("cvlc ", "VLC is no package of the tests: tried by hand for docs/restarts.md"),
    ("find webroot/live ", "one step of a trial by hand; `restart` gives segments another time by itself"),
    ("docs/pictures/", "needs OBS and xdotool, and draws on an X server for half a minute"),
];

/// Why no test types this command, if none does.
pub(super) fn reason(command: &str) -> Option<&'static str> {
    EXCEPTIONS.iter().find(|(begin, _)| command.starts_with(begin)).map(|(_, reason)| *reason)
}
