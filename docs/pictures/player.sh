#!/usr/bin/env bash
# Makes docs/pictures/player.png: the player page with the test pattern, live, in a headless Chromium.
#
#     docs/pictures/player.sh [DIRECTORY]
#
# It needs both programs (`cargo build --release`), hls.js and the driver of the browser tests (`just setup-tests`).
set -euo pipefail
project=$(cd "$(dirname "$0")/../.." && pwd)
to=$(cd "${1:-$(dirname "$0")}" && pwd)
programs=${PROGRAMS:-$project/target/release}
site=$(mktemp -d)
started=()
end() {
    kill "${started[@]}" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$site"
}
trap end EXIT
cp -r "$project/webroot/index.html" "$project/webroot/player" "$site"
"$programs/livedir-publisher" live test --size 1280x720 --bitrate 3M --low-latency --no-sound --webroot "$site" >"$site/.log" 2>&1 &
started+=($!)
"$programs/livedir-server" --listen 127.0.0.1:0 --access-log off --webroot "$site" >"$site/.address" 2>>"$site/.log" &
started+=($!)
until grep -q http "$site/.address"; do sleep 0.1; done

cd "$project/publisher/tests/browser"
node --input-type=module - "$(grep -o 'http://[^ ]*' "$site/.address" | head -n 1)" "$to/player.png" <<'END'
import { launchBrowser } from './browser.mjs';
const [url, file] = process.argv.slice(2);
const browser = await launchBrowser();
const page = await browser.newPage({ viewport: { width: 1000, height: 640 } });
await page.goto(url);
await page.waitForFunction(() => window.livedir?.state === 'live' && window.livedir.fps !== null, null, { timeout: 90_000 });
await page.waitForTimeout(8000);
await page.mouse.move(500, 600);
await page.waitForTimeout(500);
await page.screenshot({ path: file });
await browser.close();
END
