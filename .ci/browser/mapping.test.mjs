// Mapping and Needs you in Chromium: each page in each of its states, and the paths by which entries that wait are let go.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { inChromium, inOrder, picture, press, reach, widths } from "./browser.mjs";
import { becomes, record, willowCreek } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, may manage
const ben = "Ben Okafor"; // willow-creek, may not

const { open } = inChromium();

// signed is a contract with a cash advance on a GL account that nobody has mapped.
const signed = (last, gl, description = "flowers", amount = "200.00") =>
  record(willowCreek, "goods_and_services.signed", last, {
    signed_on: "2026-03-02",
    items: [{ id: "i1", kind: "cash_advance", gl_account: gl, description, amount }],
    total: amount,
  });

// waits is an entry that waits for the mapping of its GL account.
async function waits(last, gl, description) {
  const id = await signed(last, gl, description);
  await becomes(willowCreek, id, "failed");
  return id;
}

const pick = (page, gl) => page.getByLabel(`QuickBooks account for GL account ${gl}`, { exact: true });
const good = (page) => page.locator(".flash.good[role=status]");
const look = (page) => page.getByRole("button", { name: "See what it would do" });
const save = (page) => page.locator("form.do").getByRole("button", { name: "Save" });

// stands says on which account a GL account stands now.
async function stands(page, gl) {
  await page.goto(`/console/mapping?q=gl_accounts.${gl}`);
  return pick(page, gl).locator("option:checked").innerText();
}

// unmapped takes a GL account out of the mapping again.
async function unmapped(page, gl) {
  if ((await stands(page, gl)) === "Not mapped") return;
  await pick(page, gl).selectOption("");
  await look(page).click();
  await save(page).click();
  await good(page).waitFor();
}

const long = `${"Wolfeschlegelstein".repeat(3)} and flowers of the season from the market on the corner of Main Street`;

describe("mapping: every page, at every size, in light and dark", () => {
  const pages = [
    ["mapping-full", "/console/mapping"],
    ["mapping-nothing-fits", "/console/mapping?q=zzz"],
    ["mapping-versions", "/console/mapping/versions"],
    ["mapping-version", "/console/mapping/versions/1"],
    ["mapping-needs", "/console/needs-you"],
  ];
  let left; // the entry that waits while pages are looked at
  after(async () => {
    await open(ana, {}, `/console/entries/${left}/delete`, async (page) => {
      await page.getByLabel("Reason").fill("of a test");
      await page.getByRole("button", { name: "Delete", exact: true }).click();
      await becomes(willowCreek, left, "deleted");
    });
  });
  before(async () => {
    left = await waits("MapLong", "4490-long", long);
    await open(ana, {}, "/console/mapping", async (page) => {
      await waits("MapVersions", "4491");
      await page.goto("/console/mapping?q=4491");
      await pick(page, 4491).selectOption({ index: 1 });
      await look(page).click();
      await save(page).click();
      await good(page).waitFor();
      await unmapped(page, 4491);
    });
  });
  for (const [width, size] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      const name = (of) => `${of}-${width}-${colorScheme}`;
      test(`${width}, ${colorScheme}`, async () => {
        await open(ana, { size, colorScheme }, "/console", async (page, faults) => {
          for (const [of, path] of pages) {
            assert.equal((await page.goto(path)).status(), 200, path);
            await inOrder(page, faults, name(of));
          }
          await page.goto("/console/mapping?q=4490-long");
          await pick(page, "4490-long").selectOption({ index: 1 });
          await look(page).click();
          await inOrder(page, faults, name("mapping-effect"));

          await page.goto("/console/mapping?q=4000");
          await page.locator("input[name=version]").evaluate((e) => (e.value = "999"));
          await pick(page, 4000).selectOption({ index: 1 });
          await look(page).click();
          await page.getByText("Changed meanwhile").waitFor();
          faults.length = 0; // the browser itself complains of every answer that is none of 200
          await inOrder(page, faults, name("mapping-changed-meanwhile"));

          await page.goto("/console/mapping?q=sales+tax");
          await page.locator("select[name='pick.roles.sales_tax']").evaluate((e) => (e.options[1].value = "1"));
          await page.locator("select[name='pick.roles.sales_tax']").selectOption({ index: 1 });
          await look(page).click();
          await page.locator(".wrong").waitFor();
          faults.length = 0;
          await inOrder(page, faults, name("mapping-wrong"));
        });
        await open(ben, { size, colorScheme }, "/console/needs-you", async (page, faults) => {
          await inOrder(page, faults, name("mapping-needs-others"));
          assert.equal(await page.locator("main select").count(), 0);
          assert.equal((await page.goto("/console/mapping")).status(), 403);
        });
        await open("Dan Reyes", { size, colorScheme }, "/console/needs-you", async (page, faults) => inOrder(page, faults, name("mapping-needs-nobody")));
      });
    }
  }
});

for (const script of [true, false]) {
  const mark = script ? "Scripted" : "Plain";
  describe(script ? "mapping: the paths" : "mapping: the paths without script", () => {
    test("mapping: choose the account in Needs you, save, and what waited goes by itself", async () => {
      const gl = script ? "4401" : "4402";
      const ids = [await waits(`NeedOne${mark}`, gl), await waits(`NeedTwo${mark}`, gl)];
      await open(ana, { script }, `/console/entries/${ids[0]}`, async (page, faults) => {
        await page.getByRole("link", { name: "Map it" }).click();
        assert.match(page.url(), /needs-you#at-/);
        await pick(page, gl).selectOption({ label: "Cash Advances Payable" });
        await picture(page, `mapping-fix-${mark}`);
        await page.locator(".need").filter({ has: pick(page, gl) }).getByRole("button", { name: /^Save/ }).click();
        assert.match(await good(page).innerText(), /2 entries \(\$400\.00\) that waited for it go to QuickBooks now/);
        for (const id of ids) await becomes(willowCreek, id, "synced");
        await page.reload();
        assert.equal(await pick(page, gl).count(), 0, "its cause has left");
        await unmapped(page, gl);
        assert.deepEqual(faults, []);
      });
    });

    test("mapping: search, choose, see what it would do, save; bring the version before back", async () => {
      const gl = script ? "4403" : "4404";
      const id = await waits(`Searched${mark}`, gl);
      await open(ana, { script }, "/console/mapping", async (page, faults) => {
        await page.getByLabel("Search the mapping").fill(gl);
        await page.getByRole("button", { name: "Search" }).click();
        assert.equal(await page.locator(".map > li").count(), 1, "only what fits");
        await pick(page, gl).selectOption({ label: "Cash Advances Payable" });
        await look(page).click();
        const text = await page.locator("main").innerText();
        for (const shown of [`GL account ${gl}`, "Not mapped", "Cash Advances Payable", "1 entry ($200.00) that waits for this mapping goes to QuickBooks."]) assert.ok(text.includes(shown), shown);
        await becomes(willowCreek, id, "failed"); // looking has let nothing go
        await save(page).click();
        assert.match(await good(page).innerText(), /1 entry \(\$200\.00\)/);
        await becomes(willowCreek, id, "synced");
        assert.equal(await stands(page, gl), "Cash Advances Payable");
        await page.getByRole("link", { name: "Versions" }).click();
        assert.match(await page.locator(".plain li").first().innerText(), /Ana Diaz/);
        await page.locator(".plain li h2 a").nth(1).click();
        await page.getByRole("button", { name: "See what it would do" }).click();
        await picture(page, `mapping-bring-back-${mark}`);
        await save(page).click();
        await good(page).waitFor();
        assert.equal(await stands(page, gl), "Not mapped");
        assert.deepEqual(faults, []);
      });
    });

    test("mapping: the accounts of QuickBooks are read again", async () => {
      await open(ana, { script }, "/console/mapping?q=tax", async (page) => {
        await page.getByRole("button", { name: /Read the accounts/ }).click();
        assert.match(await good(page).innerText(), /read again/);
        assert.match(page.url(), /q=tax/);
      });
    });
  });
}

describe("mapping: by keyboard alone", () => {
  test("mapping: choose by its first letters, see what it would do, save", async () => {
    const id = await waits("KeyboardMap", "4405");
    await open(ana, {}, "/console/mapping?q=4405", async (page) => {
      await reach(page, "select");
      await page.keyboard.type("Cash Adv");
      assert.equal(await pick(page, "4405").locator("option:checked").innerText(), "Cash Advances Payable");
      await press(page, "main form[action='/console/mapping'] button");
      await press(page, "form.do button");
      assert.match(await good(page).innerText(), /The mapping is saved/);
      await becomes(willowCreek, id, "synced");
      await unmapped(page, "4405");
    });
  });
});
