// The nightly proof: every page and state of it, what is done about differences by mouse, by keyboard alone and without script, and the close packet on paper.
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { inChromium, inOrder, picture, press, reach, widths } from "./browser.mjs";
import { becomes, bookedAs, byHand, differences, journal, payment, proved, willowCreek } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, where everything syncs by itself
const dan = "Dan Reyes"; // maple-hill, whose books nobody has proved yet

const { open } = inChromium();
const main = (page) => page.locator("main");

// posted is a payment that is in QuickBooks, and its number there.
async function posted(last, amount = "400.00") {
  const id = await payment(willowCreek, last, amount);
  await becomes(willowCreek, id, "synced");
  return bookedAs(willowCreek, id);
}

// differs is a payment that somebody has deleted in QuickBooks, and the address of the difference.
async function differs(last) {
  await byHand(willowCreek, { action: "delete", id: await posted(last) });
  await proved(willowCreek);
  const found = (await differences(willowCreek)).find((d) => d.name?.includes(last));
  return `/console/differences/${found.id}`;
}

describe("proof: every page, at every size, in light and dark", () => {
  let at = {};
  before(async () => {
    await proved(willowCreek);
    const moved = await posted("ProofMoved");
    const changed = await posted("ProofChanged");
    const settled = await differs("ProofSettled");
    await byHand(willowCreek, { action: "edit", id: moved, entry: { date: "2026-02-27" } });
    const lines = (await journal(willowCreek)).find((j) => j.id === changed).lines;
    await byHand(willowCreek, {
      action: "edit", id: changed,
      entry: { lines: lines.map((l) => ({ side: l.side, account: l.account, amount: "450.00", entity_type: l.entity?.type ?? "", entity_id: l.entity?.name ?? "" })) },
    });
    await byHand(willowCreek, {
      action: "type", entry: { date: "2026-03-04", doc_number: "GJ-1", lines: [{ side: "Debit", account: "Deposits Clearing", amount: "25.00" }, { side: "Credit", account: "Operating Checking", amount: "25.00" }] },
    });
    await proved(willowCreek);
    for (const d of await differences(willowCreek)) at[d.class] = `/console/differences/${d.id}`;
    at.settled = settled;
    await open(ana, {}, settled, async (page) => {
      await page.getByRole("button", { name: "Accept what QuickBooks has" }).click();
      await page.locator(".flash.good").waitFor();
    });
  });
  const states = [
    ["nights", ana, () => "/console/reconciliation"],
    ["moved", ana, () => at["moved date"]],
    ["changed", ana, () => at.changed],
    ["unknown", ana, () => at.unknown],
    ["settled", ana, () => at.settled],
    ["case", ana, () => "/console/cases/case-24-0113/proof"],
    ["clearing", ana, () => "/console/clearing"],
    ["advances", ana, () => "/console/cash-advances"],
    ["packet", ana, () => "/console/close-packets/2026-03"],
    ["no-packet", ana, () => "/console/close-packets/2025-01"],
    ["no-night", dan, () => "/console/reconciliation"],
    ["no-clearing", dan, () => "/console/clearing"],
    ["no-advances", dan, () => "/console/cash-advances"],
  ];
  for (const [width, size] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      test(`proof: ${width}, ${colorScheme}`, async (t) => {
        for (const person of [ana, dan]) {
          await open(person, { size, colorScheme }, "/console/notices", async (page, faults) => {
            for (const [name, , path] of states.filter((s) => s[1] === person)) {
              await t.test(`proof: ${name}`, async () => {
                assert.ok(path(), `${name} is there`);
                await page.goto(path());
                await inOrder(page, faults, `proof-${name}-${width}-${colorScheme}`);
              });
            }
          });
        }
      });
    }
  }
  test("proof: the figures that were worked out by hand", async () => {
    await open(ana, {}, "/console/cases/case-24-0113/proof", async (page) => {
      const text = await main(page).innerText();
      assert.match(text, /All agrees: the family owes \$0\.00 by Passare, by our entries and by QuickBooks\./);
      for (const [item, amount] of [["Certified death certificates", "135.00"], ["Clergy honorarium", "100.00"], ["Flowers", "200.00"]]) assert.match(text, new RegExp(`${item}[^]*?\\$${amount}`));
    });
  });
});

for (const script of [true, false]) {
  const mark = script ? "Scripted" : "Plain";
  const options = { script };
  describe(script ? "proof: the paths" : "proof: the paths without script", () => {
    test(`proof: what was deleted in QuickBooks is posted again, ${mark}`, async () => {
      const path = await differs(`ProofAgain${mark}`);
      await open(ana, options, "/console/reconciliation", async (page) => {
        await page.getByRole("link", { name: new RegExp(`ProofAgain${mark}.*was deleted in QuickBooks`) }).click();
        assert.match(await main(page).innerText(), /It is posted again as a new journal entry, dated 3\/4\/2026/);
        await page.getByRole("button", { name: "Post it again" }).click();
        await page.locator(".flash.good").getByText("It is on its way to QuickBooks").waitFor();
        await becomes(willowCreek, `payment.payment-ProofAgain${mark}.1`, "synced");
        await proved(willowCreek);
        await page.goto(path);
        assert.match(await main(page).innerText(), /Settled[^]*Both books agree on it\./);
      });
    });

    test(`proof: a reason is asked for, and what was typed is kept, ${mark}`, async () => {
      const path = await differs(`ProofIgnored${mark}`);
      await open(ana, options, path, async (page) => {
        const link = page.locator("form", { has: page.getByRole("button", { name: "Link it" }) });
        await link.getByLabel(/Number of the journal entry/).fill("999999");
        await link.getByRole("button").click();
        await page.getByText("is no journal entry of this company").waitFor();
        assert.equal(await link.getByLabel(/Number of the journal entry/).inputValue(), "999999");
        const ignore = page.locator("form", { has: page.getByRole("button", { name: "Ignore it" }) });
        await ignore.getByLabel(/Reason/).fill("Known to the accountant");
        await ignore.getByRole("button").click();
        await page.getByText("Done. It is ignored.").waitFor();
        assert.match(await main(page).innerText(), /Known to the accountant/);
      });
    });

    test(`proof: both books are compared now, ${mark}`, async () => {
      await open(ana, options, "/console/reconciliation", async (page, faults) => {
        await page.getByRole("button", { name: "Prove everything" }).click();
        await page.getByText("Both books are being compared.").waitFor();
        for (let left = 100; left > 0 && !/asked for everything to be compared/.test(await main(page).innerText()); left--) {
          if (script) await new Promise((go) => setTimeout(go, 100));
          else await page.goto("/console/reconciliation");
        }
        assert.match(await main(page).innerText(), /Ana Diaz asked for everything to be compared\./);
        assert.deepEqual(faults, []);
      });
    });

    test(`proof: a month is closed and opened again, ${mark}`, async () => {
      await open(ana, options, "/console/close-packets/2025-02", async (page) => {
        await page.getByRole("button", { name: "Mark the month as closed" }).click();
        await page.getByText("The month is marked as closed.").waitFor();
        assert.match(await main(page).innerText(), /Marked as closed by Ana Diaz/);
        await page.getByRole("button", { name: "Open the month again" }).click();
        await page.getByText("The month is open again.").waitFor();
      });
    });
  });
}

describe("proof: by keyboard alone", () => {
  test("proof: a difference is found and put right", async () => {
    await differs("ProofKeys");
    await open(ana, {}, "/console/reconciliation", async (page) => {
      await press(page, 'a[href^="/console/differences/"]', { within: "ProofKeys" });
      await reach(page, "button", { text: "Post it again" });
      await page.keyboard.press("Enter");
      await page.locator(".flash.good").getByText("It is on its way to QuickBooks").waitFor();
    });
  });
});

describe("proof: on paper", () => {
  test("proof: the close packet is one or two sheets, without what is to be clicked", async () => {
    await open(ana, {}, "/console/close-packets/2026-03", async (page) => {
      await page.emulateMedia({ media: "print" });
      await picture(page, "proof-print-packet");
      for (const gone of [".top nav", ".subnav", ".who", "footer", "main button", ".pages"]) assert.equal(await page.locator(gone).filter({ visible: true }).count(), 0, `${gone} is not printed`);
      const pdf = (await page.pdf({ format: "Letter" })).toString("latin1");
      const sheets = pdf.match(/\/Type\s*\/Page\b/g).length;
      assert.ok(sheets <= 2, `${sheets} sheets`);
    });
  });
  test("proof: the month's file has its headers and lines", async () => {
    await open(ana, {}, "/console/close-packets/2026-03", async (page) => {
      const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download as CSV" }).click()]);
      assert.equal(file.suggestedFilename(), "close-packet-2026-03.csv");
    });
  });
});
