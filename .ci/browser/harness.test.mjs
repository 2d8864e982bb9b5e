// What the other tests rely on: a page that is not in order is told from one that is.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inOrder, launch, visitor, widths } from "./browser.mjs";
import { site } from "./system.mjs";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const page = (body) => `<!doctype html><html lang="en-US"><title>A page</title><main><h1>A page</h1>${body}</main></html>`;

async function visit(body) {
  const v = await visitor(browser, { size: widths.phone });
  try {
    await v.page.route(`${site}/a-page`, (route) => route.fulfill({ contentType: "text/html", body: page(body) }));
    await v.page.goto("/a-page");
    await inOrder(v.page, v.faults, "harness");
  } finally {
    await v.close();
  }
}

describe("a page is refused", () => {
  for (const [fault, body, says] of [
    ["whose text is too faint", '<p style="color:#bbb">faint</p>', /color-contrast/],
    ["with a field without a name", "<input>", /label/],
    ["that scrolls sideways", '<div style="width:400px">wide</div>', /ends at 4\d\d px of 320/],
    ["with a word that does not fit", `<p>${"m".repeat(60)}</p>`, /scrolls sideways/],
    ["whose script fails", "<script>throw new Error('broken')</script>", /broken/],
    ["that loads what is elsewhere", '<img alt="" src="http://127.0.0.2:9/x.png">', /leaves the product/],
  ])
    test(fault, () => assert.rejects(visit(body), says));
  test("and not one that is in order", () => visit("<p>All is well.</p>"));
});
