// What Playwright's and Puppeteer's pages tell in the same words.
// In: such a page. Out: calls of hear.console and hear.trouble, as long as the page lives.

export function listen(page, hear) {
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
