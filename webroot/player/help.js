// The list of keys, as a dialog over the page.
// In: the dialog's element. Out: toggle(). The browser closes it at Escape, and gives the focus back. Lives as long as the page.

import { KEYS, keyName } from './keys.js';

/** @param {HTMLDialogElement} dialog with a `dl`, and a button that closes it */
export function fillHelp(dialog) {
  dialog.querySelector('dl').replaceChildren(...KEYS.flatMap(row));
  dialog.querySelector('button').addEventListener('click', () => dialog.close());
  // A click beside the list is one on the dialog itself.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  return {
    toggle() {
      if (dialog.open) dialog.close();
      else dialog.showModal();
    },
  };
}

function row({ keys, what }) {
  const term = document.createElement('dt');
  term.append(...keys.map(keyCap));
  const description = document.createElement('dd');
  description.textContent = what;
  return [term, description];
}

function keyCap(key) {
  const cap = document.createElement('kbd');
  cap.textContent = keyName(key);
  return cap;
}
