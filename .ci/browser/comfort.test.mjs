// What script adds to the console: a list that refreshes itself under a person's hands, sums of what is ticked, keys, forms that are sent once; and that nothing is missing without.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { focused, inChromium, inOrder, widths } from "./browser.mjs";
import { becomes, mapleHill, payment, refuseNext, willowCreek } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, where everything syncs by itself
const dan = "Dan Reyes"; // maple-hill, which reviews every entry

const chromium = inChromium();

// What the page on which a person is chosen complains of is no part of the console.
const open = (name, options, path, use) =>
  chromium.open(name, options, path, (page, faults) => {
    faults.length = 0;
    return use(page, faults);
  });

// only is the list of those whose names have a word: of one test, whatever others leave in the log.
const only = (word, tab = "pending") => `/console?q=${word}&tab=${tab}`;
const row = (page, last) => page.getByRole("row").filter({ hasText: last });
const box = (page, last) => row(page, last).getByRole("checkbox");
const menu = (page, last) => row(page, last).locator("details.menu > summary");
const news = (page) => page.locator("#news");
const said = (page, text) => news(page).filter({ hasText: text }).waitFor();
const ticked = (page) => page.locator("[data-ticked]").innerText();

// asking counts how often a page asks for its list again.
function asking(page) {
  const asked = [];
  page.on("request", (r) => r.headers()["hx-request"] && asked.push(r.url()));
  return asked;
}

// lookAgain is what a browser does when its window gets the focus.
const lookAgain = (page) => page.evaluate(() => dispatchEvent(new Event("focus")));

// refreshed waits until the list is another one.
async function refreshed(page) {
  await page.locator("#list").evaluate((e) => (e.dataset.old = "yes"));
  await lookAgain(page);
  await page.locator("#list:not([data-old])").waitFor();
}

describe("comfort: every state, at every size, in light and dark", () => {
  before(async () => {
    for (const last of ["LookOne", "LookTwo", "LookThree"]) await payment(mapleHill, last, "1250.00");
  });
  for (const [width, size] of Object.entries(widths))
    for (const colorScheme of ["light", "dark"])
      test(`${width}, ${colorScheme}`, async () => {
        await open(dan, { size, colorScheme }, only("Look"), async (page, faults) => {
          const look = (state, complaints = faults) => inOrder(page, complaints, `comfort-${state}-${width}-${colorScheme}`);
          await box(page, "LookOne").check();
          await page.keyboard.press("j");
          await page.keyboard.press("r");
          await said(page, "not possible");
          await look("ticked");
          await page.keyboard.press("?");
          await page.getByRole("dialog").waitFor();
          await look("sheet");
          await page.keyboard.press("Escape");
          await page.route("**/console?*", (route) => route.abort());
          await lookAgain(page);
          await page.getByText("Not live").waitFor();
          await look("not-live", []); // the browser complains of each request that fails, as it should
          await page.unroute("**/console?*");
          await page.context().clearCookies();
          await lookAgain(page);
          await page.getByRole("link", { name: "Sign in again" }).waitFor();
          await look("session-ended", []);
        });
      });
});

describe("comfort: the list refreshes itself", () => {
  test("what comes and leaves is said, and ticks, focus, an open error, the filter and the place on the page stay", async () => {
    const text = "One of the accounts that this transaction uses is no longer there, or it was made inactive by somebody: make it active again, or map another";
    const lasts = ["StayOne", "StayTwo", "StaySix"];
    const ids = {};
    for (const last of lasts) {
      await refuseNext(willowCreek, text);
      ids[last] = await payment(willowCreek, last, "10.00");
      await becomes(willowCreek, ids[last], "failed");
    }
    await open(ana, { size: { width: 1280, height: 500 } }, only("Stay", "errors"), async (page, faults) => {
      await box(page, "StayTwo").check();
      await row(page, "StayOne").locator("details.why > summary").click();
      await box(page, "StayOne").focus();
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight - innerHeight - 60));
      const top = await row(page, "StayOne").evaluate((e) => e.getBoundingClientRect().top);
      await refuseNext(willowCreek, text);
      await becomes(willowCreek, await payment(willowCreek, "StayNew", "10.00"), "failed");
      await open(ana, {}, only("StaySix", "errors"), async (other) => {
        await menu(other, "StaySix").click();
        await row(other, "StaySix").getByRole("button", { name: "Retry sync" }).click();
        await becomes(willowCreek, ids.StaySix, "synced");
      });
      const count = () => page.locator("#tab-errors .count").innerText();
      await refreshed(page);
      await row(page, "StayNew").waitFor();
      assert.equal(await news(page).innerText(), "1 entry came, 1 entry left.");
      assert.equal(await row(page, "StaySix").count(), 0);
      assert.ok(await box(page, "StayTwo").isChecked(), "the tick stays");
      assert.ok(!(await box(page, "StayNew").isChecked()));
      assert.equal(await ticked(page), "1 ticked, $10.00");
      assert.ok(await row(page, "StayOne").locator("details.why").evaluate((e) => e.open), "the error that is being read stays open");
      assert.ok(await box(page, "StayOne").evaluate((e) => e === document.activeElement), "the focus stays");
      const now = await row(page, "StayOne").evaluate((e) => e.getBoundingClientRect().top);
      assert.ok(Math.abs(now - top) < 2, `the row stays where it is on the screen: at ${now}, it was at ${top}`);
      assert.ok(await page.locator("details.filter").evaluate((e) => e.open), "the filter stays open");
      const before = await count();
      await refuseNext(willowCreek, text);
      await becomes(willowCreek, await payment(willowCreek, "Elsewhere", "10.00"), "failed");
      await refreshed(page);
      assert.equal(Number(await count()), Number(before) + 1, "the tab counts what the filter does not show");
      assert.deepEqual(faults, []);
    });
  });

  test("where the row with the focus leaves, no other gets it: the next key acts on nothing", async () => {
    const ids = [];
    for (const last of ["LeaveOne", "LeaveTwo"]) ids.push(await payment(mapleHill, last));
    await open(dan, {}, only("Leave"), async (page) => {
      await page.keyboard.press("j");
      const first = await page.evaluate(() => document.activeElement.closest("tr").textContent.includes("LeaveOne"));
      const [leaves, stays] = first ? ["LeaveOne", "LeaveTwo"] : ["LeaveTwo", "LeaveOne"];
      await open(dan, {}, only(leaves), async (other) => {
        await menu(other, leaves).click();
        await row(other, leaves).getByRole("button", { name: "Sync" }).click();
        await becomes(mapleHill, ids[first ? 0 : 1], "synced");
      });
      await refreshed(page);
      assert.equal(await row(page, leaves).count(), 0);
      assert.equal(await page.evaluate(() => document.activeElement.id), "list");
      await page.keyboard.press("s");
      await said(page, "Go to a row first");
      await becomes(mapleHill, ids[first ? 1 : 0], "pending");
      await page.keyboard.press("j");
      assert.ok(await row(page, stays).getByRole("link").first().evaluate((e) => e === document.activeElement), "j goes on where the row was");
    });
  });

  test("by itself every 15 seconds, and not while it is paused", async () => {
    await payment(mapleHill, "Clock");
    await open(dan, {}, only("Clock"), async (page) => {
      await page.clock.install();
      await page.reload();
      const asked = asking(page);
      await payment(mapleHill, "ClockNew");
      await page.clock.runFor(14_000);
      assert.equal(asked.length, 0);
      await page.clock.runFor(2_000);
      await row(page, "ClockNew").waitFor();
      assert.equal(asked.length, 1);
      assert.ok(asked[0].endsWith(only("Clock")), asked[0]);
      await page.getByRole("button", { name: "Pause" }).click();
      await page.clock.runFor(60_000);
      assert.match(await page.locator("[data-live]").innerText(), /^Paused, as of \d+:\d\d:\d\d [AP]M UTC$/);
      await page.reload();
      await page.clock.runFor(60_000);
      assert.equal(asked.length, 1, "it is remembered");
      await page.getByRole("button", { name: "Go live" }).click();
      await page.clock.runFor(1);
      await page.getByText("Live, as of").waitFor();
      assert.equal(asked.length, 2, "and begins at once when it is wanted again");
    });
  });

  test("nothing moves while a menu is open, something is typed, text is selected, or the sheet is open", async () => {
    await payment(mapleHill, "Still");
    await open(dan, {}, only("Still"), async (page) => {
      const asked = asking(page);
      const quiet = async (begin, end) => {
        await begin();
        await lookAgain(page);
        await end();
      };
      await quiet(() => menu(page, "Still").click(), () => page.keyboard.press("Escape"));
      assert.ok(await menu(page, "Still").evaluate((e) => e === document.activeElement), "Escape closes the menu, and the focus is on it");
      await quiet(() => page.getByLabel("Words").fill("Sti"), () => page.getByLabel("Words").blur());
      await quiet(() => page.getByRole("heading", { level: 1 }).selectText(), () => page.evaluate(() => getSelection().removeAllRanges()));
      await quiet(() => page.keyboard.press("?"), () => page.keyboard.press("Escape"));
      assert.equal(await page.getByLabel("Words").inputValue(), "Sti", "what is typed stays");
      await refreshed(page);
      assert.equal(asked.length, 1);
    });
  });

  test("an answer that comes while a menu is open is not put under it", async () => {
    await payment(mapleHill, "Late");
    await open(dan, {}, only("Late"), async (page) => {
      let answer;
      const held = new Promise((go) => (answer = go));
      await page.route("**/console?*", async (route) => {
        await held;
        await route.continue();
      });
      await payment(mapleHill, "LateNew");
      await lookAgain(page);
      await menu(page, "Late").first().click();
      await page.evaluate(() => document.addEventListener("htmx:afterOnLoad", () => (document.body.dataset.answered = "yes")));
      answer();
      await page.locator("body[data-answered]").waitFor();
      assert.ok(await row(page, "Late").getByRole("button", { name: "Sync" }).isVisible());
      assert.equal(await row(page, "LateNew").count(), 0);
      await page.keyboard.press("Escape");
      await refreshed(page);
      await row(page, "LateNew").waitFor();
    });
  });

  test("when the session has ended it stops, says so, and leads to sign in and back", async () => {
    await payment(mapleHill, "Ended");
    await open(dan, {}, only("Ended"), async (page) => {
      const asked = asking(page);
      await page.context().clearCookies();
      await lookAgain(page);
      await said(page, "Your sign-in has run out");
      await lookAgain(page);
      await lookAgain(page);
      assert.equal(await row(page, "Ended").count(), 1, "what was shown stays");
      await page.getByRole("link", { name: "Sign in again" }).click();
      await page.getByRole("link", { name: dan }).click();
      await page.waitForURL((url) => url.pathname + url.search === only("Ended"));
      assert.equal(asked.length, 1);
    });
  });

  test("a message after an act is not taken by a list in another window", async () => {
    await payment(mapleHill, "Message");
    await open(dan, {}, only("Message"), async (page) => {
      const other = await page.context().newPage();
      await other.goto(only("nobody"));
      await page.route("**/console/act", async (route) => {
        const answer = await route.fetch({ maxRedirects: 0 });
        await refreshed(other); // between the act and the page that shows its message
        await route.fulfill({ response: answer });
      });
      await menu(page, "Message").click();
      await row(page, "Message").getByRole("button", { name: "Sync" }).click();
      await page.locator(".flash.good").waitFor();
    });
  });
});

describe("comfort: what is ticked", () => {
  test("is counted and summed; all of the page; a range with the Shift key", async () => {
    for (const n of [1, 2, 3, 4]) await payment(mapleHill, `Range${n}`, `${n}250.50`);
    await open(dan, {}, only("Range"), async (page) => {
      assert.equal(await ticked(page), "Nothing ticked");
      await box(page, "Range4").click();
      assert.equal(await ticked(page), "1 ticked, $4,250.50");
      const whole = page.getByLabel("All rows of this page");
      assert.ok(await whole.evaluate((e) => e.indeterminate));
      await box(page, "Range2").click({ modifiers: ["Shift"] });
      assert.equal(await ticked(page), "3 ticked, $9,751.50");
      await whole.check();
      assert.equal(await ticked(page), "4 ticked, $11,002.00");
      await box(page, "Range4").click();
      assert.ok(!(await whole.isChecked()));
      await whole.check();
      await whole.uncheck();
      assert.equal(await ticked(page), "Nothing ticked");
      await whole.check();
      await page.locator("form.bulk").getByRole("button", { name: "Sync", exact: true }).click();
      assert.match(await page.locator("main").innerText(), /4 entries.*\$11,002\.00/s, "the page that asks counts the same");
    });
  });
});

describe("comfort: keys", () => {
  const at = (page) => page.evaluate(() => document.activeElement.closest("tr")?.textContent ?? document.activeElement.tagName);

  test("j, k, x, o, s and # do what the row's own buttons do", async () => {
    const ids = {};
    for (const last of ["KeyA", "KeyB", "KeyC"]) ids[last] = await payment(mapleHill, last);
    await open(dan, {}, only("Key"), async (page) => {
      for (const [key, there] of [["j", "KeyC"], ["j", "KeyB"], ["j", "KeyA"], ["j", "KeyA"], ["k", "KeyB"]]) {
        await page.keyboard.press(key);
        assert.match(await at(page), new RegExp(there), key);
        assert.ok((await focused(page)).ring, "the focus is seen");
      }
      await page.keyboard.press("x");
      assert.ok(await box(page, "KeyB").isChecked());
      await page.keyboard.press("x");
      assert.ok(!(await box(page, "KeyB").isChecked()));
      await page.keyboard.press("o");
      await page.getByRole("heading", { name: "Payment created" }).waitFor();
      await page.goBack();
      await page.keyboard.press("j");
      await page.keyboard.press("Enter");
      await page.getByRole("heading", { name: "Payment created" }).waitFor();
      await page.goto(only("KeyB"));
      await page.keyboard.press("j");
      await page.keyboard.press("s");
      await page.locator(".flash.good").waitFor();
      await becomes(mapleHill, ids.KeyB, "synced");
      await page.goto(only("KeyA"));
      await page.keyboard.press("j");
      await page.keyboard.press("r");
      await said(page, "not possible");
      await page.keyboard.press("#");
      await page.getByRole("heading", { name: "Delete this entry?" }).waitFor();
      await page.getByRole("link", { name: "Keep it" }).click();
      await page.goto(`/console/entries/${ids.KeyC}`);
      await page.keyboard.press("s");
      await page.locator(".flash.good").waitFor();
      await becomes(mapleHill, ids.KeyC, "synced");
      await becomes(mapleHill, ids.KeyA, "pending");
    });
  });

  test("r tries a sync error again", async () => {
    await refuseNext(willowCreek, "no");
    const id = await payment(willowCreek, "AgainByKey");
    await becomes(willowCreek, id, "failed");
    await open(ana, {}, only("AgainByKey", "errors"), async (page) => {
      await page.keyboard.press("j");
      await page.keyboard.press("r");
      await page.locator(".flash.good").waitFor();
    });
    await becomes(willowCreek, id, "synced");
  });

  test("g and a letter goes to the tabs and the notices; / to the words of the filter", async () => {
    await open(dan, {}, "/console/notices", async (page) => {
      for (const [key, path] of [["p", "pending"], ["e", "errors"], ["h", "held"], ["s", "synced"], ["a", "all"]]) {
        await page.keyboard.press("g");
        await page.keyboard.press(key);
        await page.waitForURL(`**/console?tab=${path}`);
      }
      await page.keyboard.press("/");
      await page.keyboard.type("gpx?j/");
      assert.equal(await page.getByLabel("Words").inputValue(), "gpx?j/", "keys are letters while somebody types");
      assert.equal(await page.getByRole("dialog").count(), 0);
      await page.getByLabel("Words").blur();
      for (const key of ["Control+g", "Alt+g", "Meta+g"]) {
        await page.keyboard.press(key);
        await page.keyboard.press("p");
      }
      await page.keyboard.press("g");
      await page.keyboard.press("n");
      await page.waitForURL("**/console/notices");
    });
  });

  test("the sheet is opened by ? and by its button, and switches them off for good", async () => {
    await open(dan, {}, "/console", async (page) => {
      await page.keyboard.press("?");
      assert.match(await page.getByRole("dialog").innerText(), /Next row.*Sync errors/s);
      await page.keyboard.press("Escape");
      await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
      await page.getByLabel("Use these shortcuts").uncheck();
      await page.getByRole("button", { name: "Close" }).click();
      for (const load of [() => {}, () => page.reload()]) {
        await load();
        await page.keyboard.press("?");
        await page.keyboard.press("g");
        await page.keyboard.press("e");
        assert.equal(await page.getByRole("dialog").count(), 0);
        assert.ok(!page.url().includes("errors"));
      }
      await page.getByRole("button", { name: "Keyboard shortcuts" }).click();
      assert.ok(!(await page.getByLabel("Use these shortcuts").isChecked()));
      await page.getByLabel("Use these shortcuts").check();
      await page.keyboard.press("Escape");
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    });
  });
});

describe("comfort: forms", () => {
  test("a double click sends once, and who comes back may send again", async () => {
    const id = await payment(mapleHill, "Double");
    await open(dan, {}, `/console/entries/${id}`, async (page, faults) => {
      const sent = [];
      page.on("request", (r) => r.method() === "POST" && sent.push(r.postData()));
      await page.route("**/console/act", (route) => route.fulfill({ status: 204 })); // the page stays, as when an answer is long in coming
      const sync = page.getByRole("button", { name: "Sync", exact: true });
      await sync.dblclick();
      await sync.focus();
      await page.keyboard.press("Enter");
      assert.equal(await sync.getAttribute("aria-disabled"), "true");
      await page.evaluate(() => dispatchEvent(new Event("pageshow")));
      assert.equal(await sync.getAttribute("aria-disabled"), null);
      await sync.click();
      assert.equal(sent.length, 2);
      assert.match(sent[0], /^back=.*&do=sync\+1\+payment/, "with all that the form has");
      assert.deepEqual(faults, []);
    });
  });

  test("a file may be fetched again and again", async () => {
    await payment(mapleHill, "FileTwice");
    await open(dan, {}, only("FileTwice"), async (page) => {
      await box(page, "FileTwice").check();
      for (const time of [1, 2]) {
        const file = page.waitForEvent("download");
        await page.locator("form.bulk").getByRole("button", { name: "Download CSV" }).click();
        assert.match((await file).suggestedFilename(), /\.csv$/, `${time}`);
      }
    });
  });

  test("work in portions goes on by itself, and not for who comes back to look", async () => {
    await open(dan, {}, "/console", async (page) => {
      const script = await page.locator('script[src*="console.js"]').getAttribute("src");
      let portions = 0;
      await page.route("**/console/portions", (route) => {
        portions++;
        const form = portions < 3 ? '<form method="post" action="/console/portions" data-continue><button>Continue</button></form>' : '<a href="/console">Done</a>';
        return route.fulfill({ contentType: "text/html", body: `<!doctype html><html lang="en"><title>Portions</title><h1>Portion ${portions}</h1><p id="news"></p>${form}<script src="${script}" defer></script>` });
      });
      await page.goto("/console/portions");
      await page.getByRole("link", { name: "Done" }).waitFor();
      assert.equal(portions, 3);
      portions = 0;
      await page.goto("/console");
      await page.route("**/console/portions?once", (route) => route.fulfill({ contentType: "text/html", body: `<!doctype html><html lang="en"><title>Portions</title><p id="news"></p><form method="post" action="/console/portions"><button>Continue</button></form><script src="${script}" defer></script>` }));
      await page.goto("/console/portions?once");
      await page.waitForLoadState("load");
      assert.equal(portions, 0, "a form that does not say so is left alone");
    });
  });
});

describe("comfort: without script", () => {
  test("nothing shows that would do nothing", async () => {
    await payment(mapleHill, "Bare");
    for (const [width, size] of Object.entries(widths))
      await open(dan, { size, script: false }, only("Bare"), async (page, faults) => {
        await inOrder(page, faults, `comfort-bare-${width}`, { script: false });
        for (const gone of [page.locator("[data-live]"), page.getByLabel("All rows of this page"), page.locator("[data-sheet]"), page.locator("#keys")]) assert.ok(!(await gone.isVisible()));
        assert.ok(await page.getByLabel("All that fit this filter").isVisible());
      });
  });
});
