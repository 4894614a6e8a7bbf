# livedir: `just live` streams a camera to the web, `just test` runs all tests. `just --list` shows the rest.

set positional-arguments

target := env("CARGO_TARGET_DIR", justfile_directory() / "target")
port := env("LIVEDIR_PORT", "8080")

# How the programs are built: `just profile=dev live` is ready sooner, and needs more of the processor
profile := "release"
programs := target / if profile == "dev" { "debug" } else { profile }

[private]
default:
    @just --list

# Watch your camera in a browser, under a second behind: builds, serves and streams until Ctrl-C. A file, a URL or `test` may follow
live *args: _first setup build
    #!/usr/bin/env bash
    set -euo pipefail
    bin='{{ programs }}'
    case " $* " in
        *' -h '* | *' --help '*) exec "$bin/livedir-publisher" live "$@" ;;
    esac
    # LIVEDIR_LOW_LATENCY=no leaves ll.m3u8 and its parts out.
    export LIVEDIR_LOW_LATENCY="${LIVEDIR_LOW_LATENCY:-yes}"
    # What is wrong with the flags or the file is told first, and alone.
    "$bin/livedir-publisher" live --dry-run "$@" || exit
    pid_file=$(mktemp -d)/livedir-server.pid
    # Job control gives the server a process group of its own: Ctrl-C ends the publisher first, and the server still
    # serves the end of the stream.
    set -m
    "$bin/livedir-server" --listen 0.0.0.0:{{ port }} --access-log off --pid-file "$pid_file" &
    server=$!
    set +m
    trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$(dirname "$pid_file")"' EXIT
    until [ -s "$pid_file" ]; do
        kill -0 "$server" 2>/dev/null || { echo "to use another port, type: LIVEDIR_PORT=8090 just live" >&2; exit 1; }
        sleep 0.1
    done
    while true; do
        code=0
        "$bin/livedir-publisher" live "$@" || code=$?
        # Above 128: killed by a signal. 130 is a second Ctrl-C, 143 a kind request to end.
        if [ "$code" -le 128 ] || [ "$code" -eq 130 ] || [ "$code" -eq 143 ]; then
            exit "$code"
        fi
        echo "the publisher was killed (signal $((code - 128))); starting it again, the players go on" >&2
    done

# Says what the first run has before it
[private]
_first:
    @[ -x '{{ programs }}/livedir-publisher' ] || printf '%s\n' \
        "The first time this installs missing packages and builds both programs." \
        "On two quiet cores the build takes three to five minutes, with more cores less. After that it starts at once."

# Cameras and microphones, and the formats that they offer
devices: setup build
    '{{ programs }}/livedir-publisher' devices

# Build both programs as people use them
build:
    @cargo build --profile {{ profile }} --locked

# Install what is missing to build and to run, through the system's own package manager
setup: (_packages "build") (_node "webroot/player")

# Everything that the tests need besides
setup-tests: setup (_packages "tests") (_node "crates/playlist/tests/second_opinion") (_node "publisher/tests/browser") (_node "publisher/tests/encoders") (_python "publisher/tests/encoders") _suites

# All tests. Installs browsers, a virtual machine and the encoders of others
test: setup-tests
    .ci/tests all

# The watcher in a simulated world: `just simulate --seed 7` replays one schedule and shrinks it, `--minutes 30` takes its time. `--record FILE` keeps digests of what it wrote and deleted. `just test` runs it too, for ten seconds, or for two minutes where CI=true
simulate *args: setup
    cargo test --locked --quiet -p livedir-publisher --test simulate -- "$@"

# The tests that need no root, no browser, no virtual machine, and install nothing; says at the end what was left out
test-quick:
    .ci/tests quick

# What has to hold before a change is taken: format, lints, documentation, fuzz targets, licences and sources of dependencies
check: setup (_tool "cargo-deny")
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    PKG_CONFIG=false cargo clippy --package livedir-publisher --no-default-features --all-targets --locked -- -D warnings
    RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked --quiet
    cargo check --manifest-path fuzz/Cargo.toml --locked --target-dir '{{ target }}/fuzz'
    cargo deny --all-features check bans licenses sources
    .ci/check-rest '{{ target }}'

# Figures: publish lag, processor time and memory beside the ffmpeg program's, a thousand watched channels, ten sources. 36 minutes; a word runs the rows that have it. `just bench sources` runs the ten sources, beside the ffmpeg program: eight minutes; a further word runs those that have it
bench *row: setup-tests
    @[ "${1-}" = sources ] || cargo bench --locked --quiet -p livedir-publisher --bench live -- "$@"
    @[ $# -gt 0 ] || cargo bench --locked --quiet -p livedir-publisher --bench watch
    @case "${1-sources}" in sources) [ $# -eq 0 ] || shift; cargo bench --locked --quiet -p livedir-publisher --bench sources -- "$@" ;; esac

# Figures: livedir-server beside nginx as we set it up and as plain and fast as it can be. Ten minutes on a machine that does nothing else; a word runs the rows that have it
bench-server *row: setup (_packages "bench")
    cargo bench --locked --quiet -p livedir-server --bench server -- "$@"

# Figures: memory and open files of livedir-server while attackers of one address, and of ten, take what they can, and how long others wait. So many seconds for each attack
bench-attacks seconds="300":
    LIVEDIR_TEST_ATTACK_S={{ seconds }} cargo test --locked --quiet -p livedir-server --test it attacks:: -- --nocapture --test-threads=1

# Figures: how far a viewer is behind the camera, with parts and without. Eleven minutes; a word runs the rows that have it
bench-latency *row: setup-tests build
    cargo bench --locked --quiet -p livedir-publisher --bench latency -- "$@"

# Random bytes for everything that reads bytes of others, so many seconds for each reader. Needs nightly Rust
fuzz seconds="60": (_tool "cargo-fuzz")
    #!/usr/bin/env bash
    set -euo pipefail
    cargo +nightly --version >/dev/null 2>&1 || { echo "no nightly Rust here: rustup toolchain install nightly" >&2; exit 1; }
    cd fuzz
    for target in probe playlist rules reload paths ranges; do
        # What is found goes into the first directory, which is not checked in.
        mkdir -p "corpus/$target"
        seeds=("seeds/$target")
        case "$target" in playlist | rules | paths) seeds+=(seeds/playlist ../crates/playlist/tests/golden) ;; esac
        case "$target" in rules) seeds+=(seeds/reload) ;; esac
        echo "fuzzing $target for {{ seconds }} s"
        cargo +nightly fuzz run "$target" "corpus/$target" "${seeds[@]}" -- \
            -max_total_time={{ seconds }} -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1
    done

[private]
_tool name:
    @command -v {{ name }} >/dev/null || { echo "installing {{ name }}"; cargo install --locked --quiet {{ name }}; }

# Dependencies from npm, exactly those of the lock file
[private]
_node directory:
    @if [ ! -e '{{ directory }}/node_modules' ] || [ '{{ directory }}/package-lock.json' -nt '{{ directory }}/node_modules' ]; then \
        echo "installing the npm packages of {{ directory }}"; \
        npm ci --prefix '{{ directory }}' --no-audit --no-fund --loglevel=error && touch '{{ directory }}/node_modules'; fi

# Dependencies from PyPI, exactly those of requirements.txt
[private]
_python directory:
    #!/usr/bin/env bash
    set -euo pipefail
    cd '{{ directory }}'
    if [ ! -e .programs/python ] || [ requirements.txt -nt .programs/python ]; then
        echo "installing the Python packages of {{ directory }}"
        python3 -m venv .programs/python
        .programs/python/bin/pip install --quiet --requirement requirements.txt
        touch .programs/python
    fi

# What others have made to test servers of HTTP, exactly those of the lock files
[private]
_suites:
    #!/usr/bin/env bash
    set -euo pipefail
    cd server/tests/suites
    if [ ! -e .programs/h2spec ] || [ go.sum -nt .programs/h2spec ]; then
        echo "installing h2spec"
        go build -o .programs/h2spec github.com/summerwind/h2spec/cmd/h2spec
    fi
    if [ ! -e .programs/lint/bin/httplint ] || [ requirements.txt -nt .programs/lint/bin/httplint ]; then
        echo "installing httplint"
        python3 -m venv .programs/lint
        .programs/lint/bin/pip install --quiet --requirement requirements.txt
        touch .programs/lint/bin/httplint
    fi

# System packages: for "build" what compiles and runs livedir, for "tests" and "bench" the programs that it is tested and measured against
[private]
_packages purpose:
    #!/usr/bin/env bash
    set -euo pipefail
    if [ "$(uname)" = Darwin ]; then
        case {{ purpose }} in
            build) packages="ffmpeg pkgconf node" ;;
            tests) packages="nginx chromium gstreamer curl mpv go openssl mkvtoolnix" ;;
            bench) packages="nginx wrk nghttp2 openssl" ;;
        esac
        installed() { brew list "$1" >/dev/null 2>&1; }
        install() { brew install "$@"; }
    elif command -v apt-get >/dev/null; then
        case {{ purpose }} in
            build) packages="build-essential pkg-config clang libclang-dev libavcodec-dev libavformat-dev libavutil-dev
                libavfilter-dev libavdevice-dev libswscale-dev libswresample-dev libasound2-dev" ;;
            tests) packages="ffmpeg nginx-light curl chromium qemu-system-x86 xz-utils make gcc gstreamer1.0-tools
                gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
                python3-gi gir1.2-gst-rtsp-server-1.0 xvfb obs-studio mesa-vulkan-drivers
                pulseaudio pulseaudio-utils libasound2-plugins mpv man-db
                firefox-esr webkit2gtk-driver gstreamer1.0-libav golang-go python3-venv openssl mkvtoolnix
                rsync openssh-client openssh-sftp-server" ;;
            bench) packages="nginx-light wrk nghttp2-client openssl" ;;
        esac
        command -v npm >/dev/null || packages="$packages nodejs npm"
        installed() { dpkg -s "$1" 2>/dev/null | grep -q '^Status: install ok installed'; }
        install() { as_root apt-get update -qq; as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null; }
    elif command -v dnf >/dev/null; then
        case {{ purpose }} in
            build) packages="gcc make pkgconf-pkg-config clang clang-devel ffmpeg-free-devel alsa-lib-devel nodejs-npm" ;;
            tests) packages="ffmpeg-free nginx curl chromium gstreamer1-plugins-base-tools gstreamer1-plugins-good gstreamer1-plugins-bad-free
                gstreamer1-plugins-ugly gstreamer1-rtsp-server python3-gobject xorg-x11-server-Xvfb obs-studio mkvtoolnix
                mesa-vulkan-drivers pulseaudio pulseaudio-utils alsa-plugins-pulseaudio mpv man-db golang python3 openssl
                rsync openssh-clients openssh-server" ;;
            bench) packages="nginx wrk nghttp2 openssl" ;;
        esac
        installed() { rpm -q --whatprovides "$1" >/dev/null 2>&1; }
        install() { as_root dnf install -q -y "$@"; }
    else
        echo "this system has neither apt-get, dnf nor brew: install FFmpeg's development files (5.1 or later), clang," \
            "pkg-config and npm by hand, then run 'just build'" >&2
        exit 0
    fi
    as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
    missing=()
    for package in $packages; do installed "$package" || missing+=("$package"); done
    [ ${#missing[@]} -gt 0 ] || exit 0
    echo "installing system packages: ${missing[*]}"
    install "${missing[@]}"
