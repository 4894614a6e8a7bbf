// Which channels there are: `channels.json`, which the publisher writes.
// In: the address of the page. Out: names and titles. Gives up after 5 s.

const GIVE_UP_AFTER_MS = 5000;

/** @returns {Promise<?{name: string, title: string}[]>} null where there is no such list */
export async function readChannels(page) {
  try {
    const answer = await fetch(new URL('channels.json', page), { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
    return answer.ok ? channelsOf(await answer.text()) : null;
  } catch {
    return null;
  }
}

/** @param {string} text @returns {?{name: string, title: string}[]} null for what is no list; what is no channel is left out */
export function channelsOf(text) {
  let list;
  try {
    list = JSON.parse(text)?.channels;
  } catch {
    return null;
  }
  if (!Array.isArray(list)) return null;
  const isChannel = (it) => typeof it?.name === 'string' && /^[A-Za-z0-9][\w-]{0,63}$/.test(it.name);
  return list.filter(isChannel).map(({ name, title }) => ({ name, title: typeof title === 'string' && title ? title : name }));
}
