// Levels of sound, band by band.
// In: a spectrum as Web Audio has it (0 to 255 for each frequency), the levels before. Out: levels from 0 to 1. Pure.

/** A level falls so much from one picture to the next, so that eyes can follow. */
const FALL = 0.04;
/** The lowest frequency of the spectrum that is shown, by its place: below it is hum. */
const FIRST = 1;

/** @param {{spectrum: ?Uint8Array, before: number[], isStill: boolean}} at isStill: one level for all bands, for those who want no motion */
export function levels({ spectrum, before, isStill }) {
  const heard = spectrum ? bands(spectrum, before.length) : before.map(() => 0);
  const mean = heard.reduce((sum, level) => sum + level, 0) / heard.length;
  return heard.map((level, band) => Math.max(isStill ? mean : level, before[band] - FALL, 0));
}

/** As ears hear pitch, each band is as much wider than the one before. */
function bands(spectrum, count) {
  const span = Math.log(spectrum.length / FIRST);
  const edge = (band) => Math.round(FIRST * Math.exp((span * band) / count));
  return Array.from({ length: count }, (_, band) => {
    const from = Math.min(edge(band), spectrum.length - 1);
    const loudest = spectrum.slice(from, Math.max(from + 1, edge(band + 1))).reduce((most, level) => Math.max(most, level), 0);
    return loudest / 255;
  });
}
