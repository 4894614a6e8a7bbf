// Decides from what the page shows, look by look, whether it plays as it should.
// In: samples of the page ({now_ms, wallClock_ms, currentTime, stalls, state, mode, width, height, decoded, shownDate, filmedDate?}), the news
// of a restart. Out: lines to report, and in the end a verdict. Pure: the samples carry the time.

// A picture of 20 frames a second moves between any two looks; this long is a freeze that a viewer sees.
const FREEZE_MS = 1000;
// The player may speed up or slow down a little to keep its distance from the live edge, and more so when that is near.
const SLOWEST = 0.9;
const FASTEST = { smooth: 1.1, fast: 1.5 };
// The first second belongs to the start: engines fill their buffers.
const SETTLE_MS = 1000;
const PLAYS_ON_FOR_MS = 5000;

export class Judge {
  /** The last line to say, once it is known: {event: 'ok'} or {event: 'failed', reason}. */
  verdict = null;
  #asked;
  #stage = 'starting';
  #before = null;
  #opened_ms = null;
  #moved_ms = null;
  #settling_ms = null;
  #reported_ms = -Infinity;
  #start = null;
  #restart = null;
  #resumed = null;
  #latencies_s = [];

  /**
   * @param {{seconds: number, startWithin_s: number, resumeWithin_s: number, untilRestart: boolean,
   *          mode: 'hls.js'|'native', pace: 'fast'|'smooth', size: ?{width: number, height: number}, patience_s: number,
   *          medianLatency_s: number, leastFps: number}} asked
   *   leastFps: so many frames have to be decoded in each second of picture
   *   patience_s: so long after the page was opened, playback that was disturbed may begin again
   */
  constructor(asked) {
    this.#asked = asked;
  }

  /** @returns {object[]} lines to report */
  see(sample) {
    this.#opened_ms ??= sample.now_ms;
    const moved = this.#before !== null && sample.currentTime > this.#before.currentTime;
    if (moved) this.#moved_ms = sample.now_ms;
    const lines = this.#report(sample);
    if (this.#stage === 'starting') lines.push(...this.#seeStart(sample, moved));
    else if (this.#stage === 'playing') lines.push(...this.#seePlayback(sample));
    else if (this.#stage === 'restarting') lines.push(...this.#seeRestart(sample, moved));
    this.#before = sample;
    return lines;
  }

  /** The publisher has been started again: pictures filmed from now on are new ones. */
  restarted(sample) {
    this.#restart ??= sample;
  }

  /** Nobody is left who could tell of a restart. */
  noMoreNews(sample) {
    if (this.#asked.untilRestart && this.#restart === null) this.#fail('stdin was closed before restart-done came', sample);
  }

  /** For someone who cannot wait: good if everything asked for so far was seen. */
  verdictNow() {
    if (this.verdict) return this.verdict;
    const through = this.#stage === 'restarting' && this.#restart === null;
    return through ? { event: 'ok' } : { event: 'failed', reason: `asked to quit while ${this.#stage}` };
  }

  #report(sample) {
    if (sample.now_ms - this.#reported_ms < 1000) return [];
    this.#reported_ms = sample.now_ms;
    return [{ event: 'sample', ...sample }];
  }

  #seeStart(sample, moved) {
    if (moved) {
      this.#stage = 'playing';
      return [{ event: 'playing', ...sample }];
    }
    if (sample.now_ms - this.#opened_ms > this.#asked.startWithin_s * 1000) {
      this.#fail(`the picture did not move within ${this.#asked.startWithin_s} s; the page says ${sample.state}`, sample);
    }
    return [];
  }

  #seePlayback(sample) {
    const { mode, pace, size, seconds, untilRestart, medianLatency_s, leastFps } = this.#asked;
    if (sample.mode !== mode) this.#fail(`the page plays through ${sample.mode}, not ${mode}`, sample);
    if (this.#start === null) {
      this.#settling_ms ??= sample.now_ms;
      if (sample.now_ms - this.#settling_ms >= SETTLE_MS) this.#start = sample;
      this.#latencies_s = [];
      return [];
    }
    this.#latencies_s.push(sample.latency_s);
    if (sample.pace !== pace) this.#fail(`the page plays the ${sample.pace} list, not the ${pace} one`, sample);
    if (sample.stalls > this.#start.stalls) this.#fail(`the picture stalled at ${sample.currentTime} s`, sample);
    if (sample.now_ms - this.#moved_ms > FREEZE_MS) this.#fail(`the picture froze at ${sample.currentTime} s`, sample);
    if (size && (sample.width !== size.width || sample.height !== size.height)) {
      this.#fail(`the picture is ${sample.width}x${sample.height}, not ${size.width}x${size.height}`, sample);
    }
    const elapsed_s = (sample.now_ms - this.#start.now_ms) / 1000;
    if (this.verdict) return this.#beginAgain(sample);
    if (elapsed_s < seconds) return [];
    const advanced_s = sample.currentTime - this.#start.currentTime;
    const speed = advanced_s / elapsed_s;
    const latency_s = median(this.#latencies_s);
    const decoded_fps = (sample.decoded - this.#start.decoded) / advanced_s;
    if (speed < SLOWEST || speed > FASTEST[pace]) {
      this.#fail(`${advanced_s.toFixed(1)} s of picture in ${elapsed_s.toFixed(1)} s`, sample);
    } else if (!(latency_s <= medianLatency_s)) {
      this.#fail(`${latency_s} s behind the camera, not at most ${medianLatency_s} s`, sample);
    } else if (leastFps > 0 && !(decoded_fps >= leastFps)) {
      this.#fail(`${decoded_fps.toFixed(1)} frames were decoded for a second of picture, not ${leastFps}`, sample);
    } else if (untilRestart) {
      this.#stage = 'restarting';
    } else {
      this.verdict = { event: 'ok' };
    }
    if (this.verdict?.event === 'failed') return this.#beginAgain(sample);
    const played = { event: 'played', seconds: round(elapsed_s), advanced_s: round(advanced_s), median_latency_s: latency_s, decoded_fps: round(decoded_fps) };
    return untilRestart && !this.verdict ? [played, { event: 'ready-for-restart' }] : [played];
  }

  /** A machine that is busy with other things disturbs, and not for long. */
  #beginAgain(sample) {
    if (sample.now_ms - this.#opened_ms >= this.#asked.patience_s * 1000) return [];
    const { reason } = this.verdict;
    this.verdict = null;
    this.#start = null;
    this.#settling_ms = null;
    this.#moved_ms = sample.now_ms;
    return [{ event: 'disturbed', reason }];
  }

  #seeRestart(sample, moved) {
    if (this.#restart === null) return [];
    // What stands in the picture is surer than what the page says.
    const filmed_ms = Date.parse(sample.filmedDate ?? sample.shownDate ?? '');
    if (moved && filmed_ms > this.#restart.wallClock_ms) this.#resumed ??= sample;
    if (this.#resumed && sample.now_ms - this.#resumed.now_ms >= PLAYS_ON_FOR_MS && moved) {
      const advanced_s = sample.currentTime - this.#resumed.currentTime;
      // A player that was built anew counts its time from the start again: movement is what was asked for.
      if (advanced_s > 0) this.verdict = { event: 'ok' };
      const after_s = round((this.#resumed.now_ms - this.#restart.now_ms) / 1000);
      return this.verdict ? [{ event: 'went-on', after_s, ...sample }] : [];
    }
    if (sample.now_ms - this.#restart.now_ms > this.#asked.resumeWithin_s * 1000 + PLAYS_ON_FOR_MS) {
      this.#fail(`no picture filmed after the restart within ${this.#asked.resumeWithin_s} s; the page says ${sample.state}`, sample);
    }
    return [];
  }

  #fail(reason, sample) {
    this.verdict ??= { event: 'failed', reason, ...sample };
  }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

function round(seconds) {
  return Number(seconds.toFixed(2));
}
