// Links, the history of a case, and what the log does to many entries: every page and state of them, by mouse, by keyboard alone, and without script.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { inChromium, inOrder, picture, press, reach, widths } from "./browser.mjs";
import { becomes, customer, mapleHill, payment, record, settings, willowCreek } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, where everything syncs by itself
const dan = "Dan Reyes"; // maple-hill, which reviews every entry

const { open } = inChromium();

const caseOf = (last) => `case-payment-${last}`;
const formOf = (last) => `/console/links/customers/${encodeURIComponent(`case:${caseOf(last)}`)}`;
const found = (last) => `/console/links?kind=customers&id=${caseOf(last)}`;
const row = (page, last) => page.getByRole("row").filter({ hasText: last });
const main = (page) => page.locator("main");

// linked is a case that has its customer in QuickBooks.
async function linked(last) {
  await becomes(willowCreek, await payment(willowCreek, last), "synced");
}

// many deletes what fits a filter, up to the page that asks why.
async function many(page, filter) {
  await page.goto(`/console?tab=pending&q=${filter}`);
  await page.getByLabel(/All that fit/).check();
  await page.locator("form.bulk").getByRole("button", { name: "Delete" }).click();
  await page.getByLabel("Reason").fill("Only a test");
}

describe("links: every page, at every size, in light and dark", () => {
  // Each state of a page: who sees it, and how they get there.
  const states = [
    ["list", ana, (page) => page.goto("/console/links")],
    ["never-linked", ana, (page) => page.goto("/console/links?id=case-unheard")],
    ["wrong", ana, async (page) => {
      await page.goto(formOf("LinkOther"));
      await page.getByLabel(/Number of the customer/).fill("999999");
      await page.getByRole("button", { name: "Link to this customer" }).click();
      await page.getByText("is not in QuickBooks").waitFor();
    }],
    ["case", ana, (page) => page.goto(`/console/cases/${caseOf("LinkShown")}`)],
    ["empty", dan, (page) => page.goto("/console/links?kind=vendors")],
    ["case-button", dan, (page) => page.goto(`/console/cases/${caseOf("LinkHeld")}`)],
    ["confirm", dan, async (page) => {
      await many(page, "LinkMany");
      assert.match(await main(page).innerText(), /and 2 more/);
    }],
  ];
  before(async () => {
    await linked("LinkShown");
    await linked("LinkOther");
    const free = await customer(willowCreek, `Relinked ${"Featherstonehaugh-Cholmondeley ".repeat(2)}`.trim());
    await open(ana, {}, formOf("LinkShown"), async (page) => {
      await page.getByLabel(/Number of the customer/).fill(free);
      await page.getByRole("button", { name: "Link to this customer" }).click();
      await page.locator(".flash.good").waitFor();
    });
    await record(willowCreek, "payment.created", "LinkShown", { method: "cash", amount: "1250.00", date: "2026-03-04" }, 2);
    for (let n = 1; n <= 52; n++) await payment(mapleHill, `LinkMany${n}`, "1000.00");
  });
  for (const [width, size] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`links: ${width}, ${colorScheme}`, async (t) => {
        await withButton(async () => {
          await payment(mapleHill, "LinkHeld");
          for (const person of [ana, dan]) {
            await open(person, { size, colorScheme }, "/console/notices", async (page, faults) => {
              for (const [name, , go] of states.filter((s) => s[1] === person)) {
                await t.test(`links: ${name}`, async () => {
                  await go(page);
                  faults.length = 0; // the browser itself complains of every answer that is none of 200
                  await inOrder(page, faults, `links-${name}-${width}-${colorScheme}`);
                });
              }
            });
          }
        });
      });
    }
  }
  test("links: who may not change them is told so", async () => {
    await open("Ben Okafor", {}, "/console/links", async (page) => assert.match(await main(page).innerText(), /You may not set up the integration/));
  });
  test("links: what was deleted is named, and Undo restores exactly that", async () => {
    await open(dan, {}, "/console/notices", async (page, faults) => {
      await many(page, "LinkMany");
      await page.getByRole("button", { name: "Delete 52 entries" }).click();
      await page.getByText("52 done").waitFor();
      await inOrder(page, faults, "links-results");
      await page.getByRole("button", { name: /^Undo/ }).click();
      await page.getByRole("heading", { name: "Restore: what became of it" }).waitFor();
      assert.match(await main(page).innerText(), /52 done/);
      await many(page, "LinkMany");
      await page.getByRole("button", { name: "Delete 52 entries" }).click();
      await page.getByText("52 done").waitFor();
    });
  });
});

// withButton is with automatic add to accounting exports off at maple-hill.
async function withButton(use) {
  await settings(mapleHill, { auto_add_to_exports: false });
  try {
    await use();
  } finally {
    await settings(mapleHill, { auto_add_to_exports: true, held: "release" });
  }
}

for (const script of [true, false]) {
  const mark = script ? "Scripted" : "Plain";
  const options = { script };
  describe(script ? "links: the paths" : "links: the paths without script", () => {
    test(`links: a case is linked to another customer, ${mark}`, async () => {
      const last = `LinkPath${mark}`;
      await linked(last);
      const free = await customer(willowCreek, `Right Person ${mark}`);
      await open(ana, options, "/console/links", async (page) => {
        await page.getByLabel(/Name or number/).fill(last);
        await page.getByRole("button", { name: "Find" }).click();
        await row(page, last).getByRole("link", { name: /Link to another customer/ }).click();
        await page.getByLabel(/Number of the customer/).fill("999999");
        await page.getByRole("button", { name: "Link to this customer" }).click();
        assert.equal(await page.getByLabel(/Number of the customer/).inputValue(), "999999", "what was typed is kept");
        await page.getByLabel(/Number of the customer/).fill(`https://app.qbo.intuit.com/app/customerdetail?nameId=${free}`);
        await page.getByRole("button", { name: "Link to this customer" }).click();
        await page.getByText(`New records go to Right Person ${mark}`).waitFor();
        assert.match(await row(page, last).innerText(), new RegExp(`Right Person ${mark}[^]*Vera ${last}`), "what it is, and what it was before");
      });
    });

    test(`links: Add to Accounting Export on the page of a case, ${mark}`, async () => {
      await withButton(async () => {
        const last = `LinkButton${mark}`;
        const id = await payment(mapleHill, last);
        await becomes(mapleHill, id, "held");
        await open(dan, options, "/console?tab=held", async (page) => {
          await row(page, last).getByRole("link").nth(1).click();
          await page.getByRole("button", { name: /Add to Accounting Export.*Payments/ }).click();
          await page.getByText("1 entry that waited goes on now").waitFor();
          assert.equal(await page.getByRole("button", { name: /Add to Accounting Export.*Payments/ }).count(), 0, "the button has gone");
        });
        await becomes(mapleHill, id, "pending");
      });
    });

    test(`links: a deletion is undone from its message, ${mark}`, async () => {
      const last = `LinkUndo${mark}`;
      const id = await payment(mapleHill, last);
      await open(dan, options, "/console?tab=pending", async (page) => {
        await row(page, last).locator("details.menu > summary").click();
        await row(page, last).getByRole("button", { name: "Delete" }).click();
        await page.getByLabel("Reason").fill("too soon");
        await main(page).getByRole("button", { name: "Delete" }).click();
        await picture(page, `links-undo-${mark}`);
        await page.locator(".flash.good").getByRole("button", { name: /Undo/ }).click();
        await page.getByText("is restored").waitFor();
        assert.equal(await row(page, last).count(), 1);
      });
      await becomes(mapleHill, id, "pending");
    });
  });
}

describe("links: by keyboard alone", () => {
  test("links: link another customer", async () => {
    await linked("LinkKeys");
    const free = await customer(willowCreek, "Keyboard Person");
    await open(ana, {}, found("LinkKeys"), async (page) => {
      await press(page, 'a[href^="/console/links/customers/"]');
      await reach(page, '[name="number"]');
      await page.keyboard.type(free);
      await page.keyboard.press("Enter");
      await page.getByText("New records go to Keyboard Person").waitFor();
    });
  });

  test("links: a row's menu that opens moves no row and no column", async () => {
    await payment(mapleHill, "LinkMenu");
    for (const size of Object.values(widths)) {
      await open(dan, { size }, "/console?tab=pending", async (page) => {
        // place is where something is on the page, wherever that is scrolled to.
        const place = (e) => e.evaluate((e) => [e.offsetTop, e.offsetLeft, e.offsetWidth, e.offsetHeight]);
        const at = () => place(row(page, "LinkMenu"));
        const cell = () => place(row(page, "LinkMenu").locator("td.m"));
        const before = [await at(), await cell()];
        await row(page, "LinkMenu").locator("details.menu > summary").focus();
        await page.keyboard.press("Enter");
        await row(page, "LinkMenu").getByRole("button", { name: "Sync" }).waitFor();
        await picture(page, `links-menu-${size.width}`);
        assert.deepEqual([await at(), await cell()], before);
      });
    }
  });
});

describe("links: more than 200 entries", () => {
  // pays makes more entries than a portion has, and gives what fits them all.
  const pays = async (name) => {
    await Promise.all(Array.from({ length: 10 }, async (_, ten) => {
      for (let n = 0; n < 21; n++) await payment(mapleHill, `${name}${ten}x${n}`, "1000.00");
    }));
    return name;
  };

  test("links: they go in portions by themselves", async () => {
    const all = await pays("LinkByThemselves");
    await open(dan, {}, "/console/notices", async (page) => {
      await many(page, all);
      await page.getByRole("button", { name: "Delete 210 entries" }).click();
      await page.getByText("210 done").waitFor();
    });
  });

  test("links: they go in portions, each by a click, where there is no script", async () => {
    const all = await pays("LinkPortion");
    await open(dan, {}, "/console/notices", async (page, faults) => {
      const inOrderEverywhere = async (name) => {
        for (const [width, size] of Object.entries(widths)) {
          for (const colorScheme of ["light", "dark"]) {
            await page.setViewportSize(size);
            await page.emulateMedia({ colorScheme });
            await inOrder(page, faults, `links-${name}-${width}-${colorScheme}`);
          }
        }
      };
      await page.route("**/console.js*", (route) => route.fulfill({ body: "" })); // axe needs script, and ours would go on
      await many(page, all);
      await page.getByRole("button", { name: "Delete 210 entries" }).click();
      await page.getByRole("heading", { name: "Delete: 200 of 210 done" }).waitFor();
      await inOrderEverywhere("portions");
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByText("210 done").waitFor();
      await inOrderEverywhere("portions-end");
      assert.equal(await page.getByRole("button", { name: /Undo/ }).count(), 0, "so many are not restored by one click");
    });
  });
});

describe("links: on paper", () => {
  test("links: the log and an entry print without what is to be clicked, dark on white", async () => {
    for (const [name, path] of [["log", "/console?tab=all"], ["entry", null]]) {
      await open(ana, { colorScheme: "dark" }, "/console?tab=synced", async (page) => {
        await page.goto(path ?? (await page.locator("td.k a").first().getAttribute("href")));
        await page.emulateMedia({ media: "print", colorScheme: "dark" });
        await picture(page, `links-print-${name}`);
        for (const gone of [".top nav", ".who", ".menu", ".bulk", ".filter", "footer", "main button"]) assert.equal(await page.locator(gone).filter({ visible: true }).count(), 0, `${gone} is not printed`);
        if (name === "log") {
          const lefts = await page.evaluate(() => ["thead th", "tbody td"].map((s) => [...document.querySelector(s).parentElement.children].filter((e) => e.offsetWidth > 0).map((e) => e.offsetLeft)));
          assert.deepEqual(lefts[0], lefts[1], "each heading stands over its column");
        }
        assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
        assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".state")).color), "rgb(0, 0, 0)");
      });
    }
  });
});
