#!/usr/bin/env bash
# Makes docs/pictures/obs-stream.png and obs-output.png: the two pages of OBS's settings that docs/obs.md describes.
#
#     docs/pictures/obs.sh [DIRECTORY]
#
# It needs obs-studio, xvfb, xdotool and ffmpeg (packages of Debian). OBS runs with a profile of its own, without a window
# manager, on an X server that nobody sees. No stream is sent.
set -euo pipefail
to=$(cd "${1:-$(dirname "$0")}" && pwd)
home=$(mktemp -d)
config=$home/.config/obs-studio
mkdir -p "$config/basic/profiles/test" "$config/basic/scenes"

# FirstRun and LastVersion: OBS asks nothing at its start.
cat >"$config/global.ini" <<'END'
[General]
FirstRun=true
LastVersion=4294967295
EnableAutoUpdates=false
InfoIncrement=99
[Basic]
Profile=test
ProfileDir=test
SceneCollection=test
SceneCollectionFile=test
END
cat >"$config/basic/profiles/test/basic.ini" <<'END'
[General]
Name=test
[Video]
BaseCX=1280
BaseCY=720
OutputCX=1280
OutputCY=720
FPSType=1
FPSInt=20
[Output]
Mode=Advanced
[AdvOut]
Encoder=obs_x264
END
cat >"$config/basic/profiles/test/streamEncoder.json" <<'END'
{ "rate_control": "CBR", "bitrate": 2500, "keyint_sec": 2, "preset": "veryfast", "profile": "main", "tune": "zerolatency" }
END
cat >"$config/basic/profiles/test/service.json" <<'END'
{ "type": "rtmp_custom", "settings": { "server": "rtmp://192.0.2.10:1935/live", "key": "KEY", "use_auth": false } }
END
cat >"$config/basic/scenes/test.json" <<'END'
{ "name": "test", "current_scene": "Scene", "current_program_scene": "Scene", "scene_order": [{ "name": "Scene" }],
  "sources": [{ "id": "scene", "name": "Scene", "settings": { "items": [], "id_counter": 1 } }] }
END

Xvfb -displayfd 1 -screen 0 1280x900x24 -nolisten tcp >"$home/display" 2>/dev/null &
x_server=$!
obs=
end() {
    [ -z "$obs" ] || kill "$obs" 2>/dev/null || true
    kill "$x_server" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$home"
}
trap end EXIT
until [ -s "$home/display" ]; do sleep 0.1; done
DISPLAY=:$(head -n 1 "$home/display")
export DISPLAY

HOME=$home XDG_RUNTIME_DIR=$home XDG_CONFIG_HOME=$home/.config LIBGL_ALWAYS_SOFTWARE=1 \
    obs --multi --disable-updater --disable-missing-files-check >"$home/log" 2>&1 &
obs=$!

# The window of this name, once it is there.
window() {
    local found
    for _ in $(seq 600); do
        found=$(xdotool search --onlyvisible --name "$1" 2>/dev/null | tail -n 1) || true
        [ -z "$found" ] || { echo "$found"; return; }
        sleep 0.2
    done
    echo "no window '$1'" >&2
    return 1
}
photograph() {
    local X Y WIDTH HEIGHT WINDOW SCREEN
    eval "$(xdotool getwindowgeometry --shell "$1")"
    ffmpeg -nostdin -v error -y -f x11grab -video_size "${WIDTH}x${HEIGHT}" -i "$DISPLAY+$X,$Y" -frames:v 1 "$2"
}

main=$(window '^OBS ')
# File, Settings. A busy machine may miss a key.
settings=
for _ in $(seq 10); do
    sleep 3
    xdotool windowfocus "$main" key --clearmodifiers alt+f
    sleep 2
    xdotool key --clearmodifiers s
    sleep 3
    settings=$(xdotool search --onlyvisible --name '^Settings' 2>/dev/null | tail -n 1) || true
    [ -z "$settings" ] || break
done
[ -n "$settings" ] || { echo "the settings do not open" >&2; exit 1; }
sleep 2
xdotool windowmove "$settings" 0 0
xdotool windowsize "$settings" 980 720
xdotool windowfocus "$settings"
sleep 1
# The list at the left: General, Stream, Output.
xdotool mousemove 60 70 click 1
sleep 2
photograph "$settings" "$to/obs-stream.png"
xdotool mousemove 60 105 click 1
sleep 2
photograph "$settings" "$to/obs-output.png"
