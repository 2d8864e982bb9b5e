// The console in Chromium: what every page must be, and the help page's paths as a bookkeeper goes them.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { closed, focused, inChromium, inOrder, picture, press, reach, widths } from "./browser.mjs";
import { becomes, journal, mapleHill, payment, record, refuseNext, willowCreek } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, where everything syncs by itself
const dan = "Dan Reyes"; // maple-hill, which reviews every entry
const cleo = "Cleo Park"; // may not see the log
const longName = `Featherstonehaugh-Cholmondeley-${"Wolfeschlegelstein".repeat(3)}`;

const { open, alone } = inChromium();

const list = (tab) => `/console?tab=${tab}`;
const row = (page, last) => page.getByRole("row").filter({ hasText: last });
const menu = (page, last) => row(page, last).locator("details.menu > summary");

// done waits for the green message that says that it worked.
const done = (page) => page.locator(".flash.good[role=status]").waitFor();

// choose opens the menu of a row and takes what is named.
async function choose(page, last, action) {
  await menu(page, last).click();
  const item = { name: action, exact: true };
  await row(page, last).getByRole("button", item).click();
}

// confirm gives the reason on the page that asks for one.
async function confirm(page, action, reason) {
  if (reason) await page.getByLabel(/reason|why/i).fill(reason);
  await page.locator("main").getByRole("button", { name: action }).click();
}

// bulk takes one of the actions for what is ticked.
const bulk = (page, action) => page.locator("form.bulk").getByRole("button", { name: action, exact: true }).click();

// link is the address of a row's entry.
async function link(page, tab, last) {
  await page.goto(list(tab));
  return row(page, last).getByRole("link").first().getAttribute("href");
}

// failed makes an entry that QuickBooks refused.
async function failed(last) {
  await refuseNext(willowCreek, "One of the accounts that this transaction uses is no longer there, or it was made inactive by somebody: make it active again, or map another");
  const id = await payment(willowCreek, last);
  await becomes(willowCreek, id, "failed");
  return id;
}

const goods = {
  signed_on: "2026-03-02",
  items: [
    { id: "i1", kind: "service", gl_account: "4000", description: "Services of the funeral director and staff", amount: "3500.00" },
    { id: "i2", kind: "merchandise", gl_account: "4100", description: "Oak casket", amount: "12400.00" },
  ],
  total: "15900.00",
};

describe("every page, at every size, in light and dark", () => {
  const pages = [];
  before(async () => {
    await failed("Failing");
    await payment(mapleHill, "Pending");
    await payment(mapleHill, longName, "1234567.89");
    await record(mapleHill, "goods_and_services.signed", "Goods", goods);
    for (const tab of ["pending", "errors", "held", "synced", "all"]) pages.push([`list-${tab}`, ana, list(tab)], [`list-${tab}-review`, dan, list(tab)]);
    pages.push(["filtered-to-nothing", ana, `${list("all")}&q=nobody`], ["notices", ana, "/console/notices"], ["nothing-in-the-bell", dan, "/console/notices"]);
    pages.push(["not-found", ana, "/console/entries/payment.nowhere.1"], ["not-allowed", cleo, "/console"]);
    await open(ana, {}, "/console", async (page) => {
      const synced = await link(page, "synced", "Smith");
      pages.push(["entry-failed", ana, await link(page, "errors", "Failing")], ["entry-synced", ana, synced], ["undo", ana, `${synced}/undo`]);
    });
    await open(dan, {}, "/console", async (page) => {
      for (const [name, last] of [["entry-pending", "Goods"], ["entry-long", "Featherstonehaugh"]]) pages.push([name, dan, await link(page, "pending", last)]);
      pages.push(["delete", dan, `${await link(page, "pending", "Goods")}/delete`]);
    });
  });
  for (const [width, size] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`${width}, ${colorScheme}`, async (t) => {
        for (const person of [ana, dan, cleo]) {
          await open(person, { size, colorScheme }, "/console", async (page, faults) => {
            for (const [name, , path] of pages.filter((p) => p[1] === person)) {
              await t.test(name, async () => {
                const wanted = { "not-found": 404, "not-allowed": 403 }[name] ?? 200;
                faults.length = 0;
                assert.equal((await page.goto(path)).status(), wanted, path);
                if (wanted !== 200) faults.length = 0; // the browser itself complains of every answer that is none of 200
                await inOrder(page, faults, `${name}-${width}-${colorScheme}`);
              });
            }
          });
        }
      });
      test(`${width}, ${colorScheme}: the page to sign in`, async () => {
        await alone({ size, colorScheme }, async (page, faults) => {
          await page.goto("/console");
          await inOrder(page, faults, `sign-in-${width}-${colorScheme}`);
        });
      });
      test(`${width}, ${colorScheme}: a sign-in that ran out`, async () => {
        await open(dan, { size, colorScheme }, list("pending"), async (page, faults) => {
          await page.goto(`${await link(page, "pending", "Goods")}/delete`);
          await page.getByLabel("Reason").fill("typed before the end");
          await page.context().clearCookies();
          await page.locator("main").getByRole("button", { name: /delete/i }).click();
          await page.getByRole("link", { name: "Sign in again" }).waitFor();
          faults.length = 0; // the browser itself complains of every answer that is none of 200
          await inOrder(page, faults, `sign-in-ran-out-${width}-${colorScheme}`);
        });
      });
    }
  }
});

for (const [mark, how, options] of [
  ["Scripted", "", {}],
  ["Plain", " without script", { script: false }],
  ["Narrow", " on a phone", { size: widths.phone }],
]) {
  describe(`the help page's paths${how}`, () => {
    test("sign in comes back to the page that was wanted, and sign out ends it", async () => {
      await open(ana, options, "/console/notices", async (page) => {
        assert.equal(new URL(page.url()).pathname, "/console/notices");
        await page.getByRole("button", { name: "Sign out" }).click();
        await page.goto("/console");
        await page.getByRole("link", { name: ana }).waitFor();
      });
    });

    test("review a pending entry and sync it: click the transaction type, see the lines, Sync, and the row leaves", async () => {
      const last = `Reviewed${mark}`;
      const id = await payment(mapleHill, last, "1000.00");
      await open(dan, options, list("pending"), async (page, faults) => {
        await row(page, last).getByRole("link").first().click();
        const text = await page.locator("main").innerText();
        for (const shown of [last, "$1,000.00", "3/4/2026"]) assert.ok(text.includes(shown), `the entry shows ${shown}`);
        await page.locator("main").getByRole("button", { name: "Sync", exact: true }).click();
        await done(page);
        await picture(page, `synced-message-${mark}`);
        await becomes(mapleHill, id, "synced");
        await page.goto(list("pending"));
        assert.equal(await row(page, last).count(), 0, "the row has left");
        await page.goto(list("synced"));
        assert.equal(await row(page, last).count(), 1, "it is under Synced");
        assert.deepEqual(faults, []);
      });
      assert.equal((await journal(mapleHill)).filter((e) => JSON.stringify(e).includes(last)).length, 1, "it is in QuickBooks once");
    });

    test("click the ellipsis next to an entry to sync it", async () => {
      const last = `Ellipsis${mark}`;
      const id = await payment(mapleHill, last);
      await open(dan, options, list("pending"), async (page) => {
        await choose(page, last, "Sync");
        await done(page);
        assert.equal(new URL(page.url()).searchParams.get("tab"), "pending", "the list is where it was");
      });
      await becomes(mapleHill, id, "synced");
    });

    test("delete with a reason, and restore", async () => {
      const last = `Deleted${mark}`;
      const id = await payment(mapleHill, last);
      await open(dan, options, list("pending"), async (page) => {
        const entry = await link(page, "pending", last);
        await choose(page, last, "Delete");
        await picture(page, `delete-${mark}`);
        await confirm(page, /delete/i, "typed by mistake");
        const deleted = await becomes(mapleHill, id, "deleted");
        assert.equal(deleted.why, "typed by mistake");
        await page.goto(entry);
        assert.match(await page.locator("main").innerText(), /typed by mistake/, "the entry says why");
        await page.getByRole("button", { name: "Restore" }).click();
        await becomes(mapleHill, id, "pending");
        await page.goto(list("pending"));
        assert.equal(await row(page, last).count(), 1, "it is under Pending transactions again");
      });
    });

    test("bulk-select entries and delete them all at once with a reason; what is not ticked stays", async () => {
      const lasts = ["One", "Two", "Kept"].map((n) => `Bulk${mark}${n}`);
      const ids = [];
      for (const last of lasts) ids.push(await payment(mapleHill, last, "1000.00"));
      await open(dan, options, list("pending"), async (page) => {
        for (const last of lasts.slice(0, 2)) await row(page, last).getByRole("checkbox").check();
        await bulk(page, "Delete");
        const text = await page.locator("main").innerText();
        assert.match(text, /\b2\b/, "how many");
        assert.match(text, /\$2,000\.00/, "how much money");
        await inOrder(page, [], `bulk-confirm-${mark}`, options);
        await confirm(page, /delete/i, "entered twice");
        for (const id of ids.slice(0, 2)) assert.equal((await becomes(mapleHill, id, "deleted")).why, "entered twice");
        await inOrder(page, [], `bulk-result-${mark}`, options);
        await becomes(mapleHill, ids[2], "pending");
      });
    });

    test("bulk-select entries and sync them all at once", async () => {
      const lasts = ["One", "Two"].map((n) => `Sync${mark}${n}`);
      const ids = [];
      for (const last of lasts) ids.push(await payment(mapleHill, last));
      await open(dan, options, list("pending"), async (page) => {
        for (const last of lasts) await row(page, last).getByRole("checkbox").check();
        await bulk(page, "Sync");
        await confirm(page, /sync/i);
        for (const id of ids) await becomes(mapleHill, id, "synced");
      });
    });

    test("whose sign-in runs out while they type loses nothing: sign in beside it, Continue, and it is done", async () => {
      const last = `RunOut${mark}`;
      const id = await payment(mapleHill, last);
      await open(dan, options, list("pending"), async (page) => {
        await choose(page, last, "Delete");
        await page.getByLabel(/reason|why/i).fill("typed before the end");
        await page.context().clearCookies();
        await page.locator("main").getByRole("button", { name: /delete/i }).click();
        await inOrder(page, [], `sign-in-ran-out-${mark}`, options);
        const [beside] = await Promise.all([page.context().waitForEvent("page"), page.getByRole("link", { name: "Sign in again" }).click()]);
        await beside.getByRole("link", { name: dan }).click();
        await beside.getByText("You are signed in").waitFor();
        await closed(beside);
        await page.getByRole("button", { name: "Continue" }).click();
        assert.equal((await becomes(mapleHill, id, "deleted")).why, "typed before the end");
      });
    });

    test("what people typed into Passare is shown as text, never run", async () => {
      const last = `<b>Bold</b><script>alert(1)</script><img src=x onerror=alert(1)>${mark}`;
      await payment(mapleHill, last);
      await open(dan, options, list("pending"), async (page, faults) => {
        let dialogs = 0;
        page.on("dialog", (d) => (dialogs++, d.dismiss()));
        assert.equal(await row(page, last).count(), 1, "its row shows the text as it is");
        await row(page, last).getByRole("link").first().click();
        assert.ok((await page.locator("main").innerText()).includes(last));
        await page.goto(`${list("all")}&q=${encodeURIComponent(`"><script>alert(1)</script>`)}`);
        assert.equal(dialogs, 0);
        assert.deepEqual(faults, []);
      });
    });

    test("bulk without a tick says so, and does nothing", async () => {
      await payment(mapleHill, `Untouched${mark}`);
      await open(dan, options, list("pending"), async (page) => {
        await bulk(page, "Sync");
        await picture(page, `bulk-nothing-${mark}`);
        assert.match(await page.locator("main").innerText(), /tick|choose|select/i);
      });
    });

    test("a failed sync is in the bell; its notice leads to the error; Retry sync, and the error disappears", async () => {
      const last = `Retried${mark}`;
      const id = await failed(last);
      await open(ana, options, "/console/notices", async (page) => {
        await picture(page, `notices-${mark}`);
        await page.getByRole("link", { name: "Show what waits" }).first().click();
        assert.match(page.url(), /tab=errors|\/entries\//);
        await page.goto(list("errors"));
        assert.match(await row(page, last).innerText(), /One of the accounts/, "the row says what is wrong");
        await choose(page, last, "Retry sync");
        await done(page);
        await becomes(willowCreek, id, "synced");
        await page.goto(list("errors"));
        assert.equal(await row(page, last).count(), 0, "the error has disappeared");
      });
    });

    test("download gives a CSV with a header row", async () => {
      const last = `Csv${mark}`;
      await payment(mapleHill, last);
      await open(dan, options, list("pending"), async (page) => {
        await menu(page, last).click();
        const coming = page.waitForEvent("download");
        await row(page, last).getByText("Download").click();
        const file = await coming;
        assert.match(file.suggestedFilename(), /\.csv$/);
        let text = "";
        for await (const piece of await file.createReadStream()) text += piece;
        assert.match(text.split("\n")[0], /transaction type/i);
        assert.ok(text.includes(last));
      });
    });
  });
}

describe("by keyboard alone", () => {
  test("the first stop leads past the head to the content", async () => {
    await open(dan, {}, list("pending"), async (page) => {
      await page.keyboard.press("Tab");
      assert.match((await focused(page)).text, /skip/i);
      await page.keyboard.press("Enter");
      assert.match(page.url(), /#/);
    });
  });

  test("tab to a row's menu, open it, Sync", async () => {
    const last = "Keyboard";
    const id = await payment(mapleHill, last);
    await open(dan, {}, list("pending"), async (page) => {
      await reach(page, "details.menu > summary", { within: last });
      await page.keyboard.press("Enter");
      await picture(page, "keyboard-menu");
      await reach(page, "button", { within: last });
      assert.equal((await focused(page)).text, "Sync");
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    });
    await becomes(mapleHill, id, "synced");
  });

  test("see an entry's details, and Sync it there", async () => {
    const last = "KeyboardDetails";
    const id = await payment(mapleHill, last);
    await open(dan, {}, list("pending"), async (page) => {
      await press(page, "td.k a", { within: last });
      await press(page, 'main button[value^="sync "]');
    });
    await becomes(mapleHill, id, "synced");
  });

  test("delete with a reason, and take it back by the message's Undo", async () => {
    const last = "KeyboardDelete";
    const id = await payment(mapleHill, last);
    await open(dan, {}, list("pending"), async (page) => {
      await reach(page, "details.menu > summary", { within: last });
      await page.keyboard.press("Enter");
      await press(page, 'button[formaction$="/delete"]', { within: last });
      await reach(page, '[name="reason"]');
      await page.keyboard.type("typed by keyboard");
      await press(page, "main form button.danger");
      assert.equal((await becomes(mapleHill, id, "deleted")).why, "typed by keyboard");
      await press(page, ".flash button");
      await becomes(mapleHill, id, "pending");
    });
  });

  for (const [action, state] of [["sync", "synced"], ["delete", "deleted"]]) {
    test(`tick two, and ${action} them at once`, async () => {
      const lasts = ["One", "Two"].map((n) => `Keyboard${action}${n}`);
      const ids = [];
      for (const last of lasts) ids.push(await payment(mapleHill, last));
      await open(dan, {}, list("pending"), async (page) => {
        for (const last of lasts.toReversed()) {
          await reach(page, "input[type=checkbox]", { within: last }); // the newest is first
          await page.keyboard.press("Space");
        }
        await press(page, `form.bulk button[value="${action}"]`);
        if (action === "delete") {
          await reach(page, '[name="reason"]');
          await page.keyboard.type("typed by keyboard");
        }
        await press(page, 'form[action="/console/actions/confirmed"] button');
        for (const id of ids) await becomes(mapleHill, id, state);
      });
    });
  }

  test("from the bell to the error, and Retry sync", async () => {
    const last = "KeyboardBell";
    const id = await failed(last);
    await open(ana, {}, "/console", async (page) => {
      await press(page, '.top a[href="/console/notices"]');
      await press(page, "main a.button", { text: "Show what waits" });
      assert.match(page.url(), /tab=errors|\/entries\//);
      await page.goto(list("errors"));
      await press(page, "td.k a", { within: last });
      await press(page, 'main button[value^="retry "]');
    });
    await becomes(willowCreek, id, "synced");
  });

  test("undo what is in QuickBooks", async () => {
    const last = "KeyboardUndo";
    const id = await payment(willowCreek, last);
    await becomes(willowCreek, id, "synced");
    await open(ana, {}, list("synced"), async (page) => {
      await press(page, "td.k a", { within: last });
      await press(page, 'main a[href$="/undo"]');
      await reach(page, '[name="reason"]');
      await page.keyboard.type("typed by keyboard");
      await press(page, "main form button.danger");
      await page.getByText("The undo is on its way to QuickBooks.").waitFor();
    });
    await becomes(willowCreek, `${id}~1`, "synced");
  });

  test("filter, and download what is ticked", async () => {
    const last = "KeyboardFile";
    await payment(mapleHill, last);
    await open(dan, {}, list("pending"), async (page) => {
      await reach(page, ".filter summary");
      await page.keyboard.press("Enter");
      await reach(page, '.filter [name="q"]');
      await page.keyboard.type(last);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      await reach(page, "input[type=checkbox]", { within: last });
      await page.keyboard.press("Space");
      await reach(page, 'form.bulk button[value="download"]');
      const [file] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      assert.match(file.suggestedFilename(), /\.csv$/);
    });
  });

  test("sign out", async () => {
    await open(dan, {}, list("pending"), async (page) => {
      await press(page, ".who button");
      await page.goto("/console");
      await page.getByRole("link", { name: dan }).waitFor();
    });
  });

  test("tick with the space bar, and read an error whole", async () => {
    const last = "KeyboardError";
    await failed(last);
    await open(ana, {}, list("errors"), async (page) => {
      await reach(page, "input[type=checkbox]", { within: last });
      await page.keyboard.press("Space");
      assert.ok(await row(page, last).getByRole("checkbox").isChecked());
      await reach(page, "details:not(.menu) > summary", { within: last });
      const error = row(page, last).locator("details:not(.menu) > summary");
      const lines = () => error.evaluate((e) => e.clientHeight >= e.scrollHeight);
      assert.equal(await lines(), false, "a long error is cut at first");
      await page.keyboard.press("Enter");
      assert.match(await error.innerText(), /or map another/);
      assert.equal(await lines(), true, "opened, it is there as a whole");
    });
  });
});
