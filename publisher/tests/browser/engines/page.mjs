// Playwright's and Puppeteer's pages have the same words for what is asked of them here.
// In: such a page and its browser. Out: see engines.mjs; calls of hear.console and hear.trouble, as long as the page lives.

export function asPage(browser, page, hear) {
  listen(page, hear);
  return {
    goto: (url) => page.goto(url, { timeout: 20_000 }),
    evaluate: (run, argument) => page.evaluate(run, argument),
    screenshot: (path) => page.screenshot({ path }),
    close: () => browser.close(),
  };
}

function listen(page, hear) {
  let origin = null;
  page.on('console', (message) => hear.console(message.text()));
  page.on('pageerror', (error) => hear.trouble(`error in the page: ${error.message}`));
  page.on('request', (request) => {
    const address = new URL(request.url());
    // The first one is that of the page itself.
    origin ??= address.origin;
    const isInside = address.origin === origin || ['blob:', 'data:'].includes(address.protocol);
    if (!isInside) hear.trouble(`the page loads from elsewhere: ${request.url()}`);
  });
}
