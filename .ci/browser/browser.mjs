// Chromium as the tests use it, and what must be so on every page.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import { site } from "./system.mjs";

const tools = createRequire(join(process.env.BROWSER_TOOLS, "node_modules", "x.js"));
const { chromium } = tools("playwright-core");
const { AxeBuilder } = tools("@axe-core/playwright");

export const widths = { phone: { width: 320, height: 720 }, desktop: { width: 1280, height: 900 } };

// launch starts Chromium. Without the sandbox, which needs rights that a container does not give; it opens nothing but the tests' own pages.
export const launch = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });

// visitor is a window of its own, as of a person who is not signed in. faults collects what the console of the browser complains of.
export async function visitor(browser, { size = widths.desktop, colorScheme = "light", script = true } = {}) {
  const context = await browser.newContext({ baseURL: site, viewport: size, colorScheme, javaScriptEnabled: script, locale: "en-US", reducedMotion: "reduce" });
  context.setDefaultTimeout(5_000);
  const page = await context.newPage();
  const faults = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && faults.push(`${page.url()}: ${m.text()}`));
  page.on("pageerror", (e) => faults.push(`${page.url()}: ${e}`));
  const leaving = "net::ERR_ABORTED"; // the page was left, or its answer was a download
  page.on("requestfailed", (r) => r.failure()?.errorText !== leaving && faults.push(`${r.url()}: ${r.failure()?.errorText}`));
  page.on("request", (r) => r.url().startsWith(site) || r.url().startsWith("data:") || faults.push(`a request leaves the product: ${r.url()}`));
  return { page, faults, close: () => closed(page, context) };
}

// closed closes a window or a page. Once in some thousand times Chromium never answers that it has (Target.disposeBrowserContext, Target.closeTarget), and
// Playwright waits for that without end; so nobody waits longer than a moment. What is left of it goes with the browser.
export async function closed(...things) {
  for (const thing of things) {
    let bound;
    const enough = new Promise((go) => (bound = setTimeout(go, 5_000)));
    await Promise.race([thing.close(), enough]);
    clearTimeout(bound);
  }
}

// signIn goes through the issuer's page, on which a person is chosen, and comes back to where it began.
export async function signIn(page, name, path = "/console") {
  await page.goto(path);
  await page.getByRole("link", { name }).click();
  await page.waitForURL((url) => url.pathname + url.search === path);
}

// inChromium is the browser of a file of tests. open signs a person in, in a window of their own that is closed afterwards whatever happens, and goes on there;
// alone opens a window in which nobody is signed in.
export function inChromium() {
  let browser;
  before(async () => {
    browser = await launch();
  });
  after(() => browser?.close());
  const alone = async (options, use) => {
    const v = await visitor(browser, options);
    try {
      return await use(v.page, v.faults);
    } finally {
      await v.close();
    }
  };
  const open = (name, options, path, use) =>
    alone(options, async (page, faults) => {
      await signIn(page, name, path);
      return use(page, faults);
    });
  return { open, alone };
}

// reach goes forward by the Tab key until what has the focus matches a selector, with a text of its own or in a row (or card) with one; each stop must be
// seen to have it.
export async function reach(page, selector, { text, within } = {}) {
  const stops = [];
  for (let left = 200; left > 0; left--) {
    await page.keyboard.press("Tab");
    const at = await focused(page);
    assert.ok(at.ring || at.tag === "body", `the focus shows on ${at.tag} “${at.text.slice(0, 40)}”`);
    stops.push(`${at.tag} ${at.text.slice(0, 20)}`);
    const there = ([selector, text, within]) => {
      const e = document.activeElement;
      return e.matches(selector) && (!text || e.textContent.trim() === text) && (!within || !!e.closest("tr, li")?.textContent.includes(within));
    };
    if (await page.evaluate(there, [selector, text, within])) return;
  }
  throw new Error(`Tab never reaches ${selector} ${text ?? ""} ${within ?? ""}; it stops at ${stops.join(" · ")}`);
}

// press reaches something by the Tab key and presses it by Enter, which leads to another page.
export async function press(page, selector, which) {
  await reach(page, selector, which);
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
}

// grave are the findings of axe that a page may not have: by the rules of WCAG 2.2 AA, serious or critical; each names the rule and the elements.
export async function grave(page) {
  const { violations } = await new AxeBuilder({ page }).withTags(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]).analyze();
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.impact} ${v.id}: ${v.help}\n${v.nodes.slice(0, 5).map((n) => `    ${n.target} ${n.html.slice(0, 160)}\n    ${n.any[0]?.message ?? ""}`).join("\n")}`);
}

// outside are the elements that stick out of the window at the right, when the page scrolls sideways.
export const outside = (page) =>
  page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    const scrolls = (e) => e && (["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    return [...document.body.querySelectorAll("*")]
      .filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
      .slice(0, 5)
      .map((e) => `${e.tagName.toLowerCase()}.${e.className} ends at ${Math.round(e.getBoundingClientRect().right)} px of ${width}: ${e.textContent.trim().slice(0, 60)}`)
      .concat("the page scrolls sideways");
  });

// cutOff are the texts of the log's rows that are not to be seen unless somebody scrolls sideways within the table: a row is read and acted on as a whole.
const cutOff = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll("table.log td:not(.m), table.log td.m summary")]
      .map((e) => {
        const text = document.createRange(); // text may end beyond its cell
        text.selectNodeContents(e);
        return { e, end: text.getBoundingClientRect().right, edge: e.closest(".scroll").getBoundingClientRect().right };
      })
      .filter(({ end, edge }) => end > edge + 1)
      .map(({ e, end, edge }) => `${e.className} ends at ${Math.round(end)} px, the list at ${Math.round(edge)}: ${e.textContent.trim().slice(0, 40)}`)
      .slice(0, 5),
  );

// picture keeps what the page looks like.
export const picture = (page, name) => page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });

// inOrder holds a page to what every page must be, and keeps its picture. axe is a script itself: without, only the rest is looked at.
export async function inOrder(page, faults, name, { script = true } = {}) {
  await picture(page, name);
  if (script) assert.deepEqual(await grave(page), [], `axe, ${name} (${page.url()})`);
  assert.deepEqual(await outside(page), [], `nothing sticks out, ${name} (${page.url()})`);
  assert.deepEqual(await cutOff(page), [], `rows are seen whole, ${name} (${page.url()})`);
  assert.deepEqual(faults.splice(0), [], `no complaint of the browser, ${name}`);
}

// focused says what has the focus.
export const focused = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    return { tag: e.tagName.toLowerCase(), text: (e.getAttribute("aria-label") ?? e.textContent).trim(), ring: style.outlineStyle !== "none" || style.boxShadow !== "none" };
  });
