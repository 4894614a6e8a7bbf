// One picture of a stream, as it is now.
// In: the address of its playlist, and a canvas. Out: whether it was drawn. Loads one segment, and gives up after 10 s.

const GIVE_UP_AFTER_MS = 10_000;

/**
 * @param {?object} Hls hls.js, where the browser can use it
 * @param {string} url @param {HTMLCanvasElement} canvas
 * @returns {Promise<boolean>}
 */
export async function drawThumbnail(Hls, url, canvas) {
  const video = document.createElement('video');
  Object.assign(video, { muted: true, playsInline: true, preload: 'auto' });
  let player = null;
  try {
    const isShown = shown(video);
    if (Hls?.isSupported()) {
      player = new Hls({ maxBufferLength: 1, maxMaxBufferLength: 1, capLevelToPlayerSize: false, startLevel: 0, enableWorker: false });
      player.loadSource(url);
      player.attachMedia(video);
    } else {
      video.src = url;
    }
    // Without playing some browsers decode nothing.
    video.play().catch(() => {});
    await isShown;
    Object.assign(canvas, { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext('2d').drawImage(video, 0, 0);
    return true;
  } catch {
    return false;
  } finally {
    player?.destroy();
    video.removeAttribute('src');
    video.load();
  }
}

function shown(video) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing to show')), GIVE_UP_AFTER_MS);
    const settle = (end) => () => { clearTimeout(timer); end(); };
    video.addEventListener('loadeddata', settle(() => (video.videoWidth > 0 ? resolve() : reject(new Error('no picture')))), { once: true });
    video.addEventListener('error', settle(() => reject(new Error('not playable'))), { once: true });
  });
}
