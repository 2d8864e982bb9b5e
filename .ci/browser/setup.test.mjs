// Settings, connection and the first run in Chromium: every page in every state, and the paths of who sets an organisation up.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { inChromium, inOrder, press, reach, widths } from "./browser.mjs";
import { becomes, journal, payment, site } from "./system.mjs";

const ana = "Ana Diaz"; // willow-creek, connected
const dan = "Dan Reyes"; // maple-hill, connected
const ben = "Ben Okafor"; // may see the log, and not set it up
const nora = "Nora Lind"; // cedar-hall, which nothing is connected to
const cedarHall = { org: "cedar-hall", realm: "4620816365000000003", person: "nora" };

const { open } = inChromium();

// everywhere shows pages at every size, in light and dark; go leads from the page of the path to what is wanted.
async function everywhere(person, pages) {
  for (const [width, size] of Object.entries(widths)) {
    for (const colorScheme of ["light", "dark"]) {
      await open(person, { size, colorScheme }, "/console/notices", async (page, faults) => {
        for (const { name, path, go, refused } of pages) {
          await page.goto(path);
          await go?.(page);
          if (refused) faults.length = 0; // the browser itself complains of every answer that is none of 200
          await inOrder(page, faults, `setup-${name}-${width}-${colorScheme}`);
        }
      });
    }
  }
}

// call asks the REST API as a person of an organisation.
async function call(person, method, path, body) {
  const headers = { "content-type": "application/json" };
  const token = await (await fetch(`${site}/dev/token`, { method: "POST", headers, body: JSON.stringify({ user: person }) })).json();
  const answer = await fetch(site + path, { method, headers: { ...headers, authorization: `Bearer ${token.access_token}` }, body: body && JSON.stringify(body) });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

// mapByName maps what a cash payment needs.
async function mapByName(person) {
  const { accounts } = await call(person, "GET", "/v1/quickbooks/accounts");
  const id = (name) => accounts.find((a) => a.name === name).id;
  await call(person, "PUT", "/v1/mapping", { roles: { accounts_receivable: id("Accounts Receivable (A/R)"), deposits_clearing: id("Deposits Clearing") }, gl_accounts: {}, branches: {} });
}

const main = (page) => page.locator("main");
const button = (page, name) => main(page).getByRole("button", { name, exact: true });
const choose = (page, group, way) => page.getByRole("group", { name: group }).getByRole("radio", { name: way }).check();
const look = (page) => button(page, "See what it would do").click();
const saved = (page) => page.locator(".flash.good[role=status]").waitFor();

// consent goes through QuickBooks' page of consent, and shows how it went.
async function consent(page, company) {
  await page.getByRole("link", { name: company }).click();
  await page.getByRole("link", { name: "Go on in the console" }).waitFor();
}

// stop is a link or a button that is pressed by its text.
const stop = (page, text) => press(page, "a, button", { text });

describe("setup", () => {
  test("setup: an organisation that nothing is connected to is helped, and not told of an error", async () => {
    await everywhere(nora, [
      { name: "never-log", path: "/console" },
      { name: "never-settings", path: "/console/settings" },
      { name: "never-connection", path: "/console/connection" },
      { name: "never-start", path: "/console/start" },
    ]);
  });

  test("setup: the first run begins by keyboard alone", async () => {
    await open(nora, {}, "/console", async (page) => {
      await stop(page, "Set up the integration");
      await stop(page, "Connect QuickBooks");
      await page.getByRole("link", { name: "Cedar Hall Chapel" }).waitFor();
    });
  });

  test("setup: the first run from the log to the first entry in QuickBooks, without script", async () => {
    const script = { script: false };
    await open(nora, script, "/console", async (page, faults) => {
      await main(page).getByRole("link", { name: "Set up the integration" }).click();
      await button(page, "Connect QuickBooks").click();
      await consent(page, "Cedar Hall Chapel");
      faults.length = 0; // the request to QuickBooks leaves the product
      assert.match(await main(page).innerText(), /Connected to Cedar Hall Chapel/);
      await inOrder(page, faults, "setup-callback", script);
      await page.getByRole("link", { name: "Go on in the console" }).click();
      await page.getByText("Entries go to Cedar Hall Chapel").waitFor();
      await main(page).getByRole("link", { name: "The steps of setting up" }).click();
      const held = await payment(cedarHall, "First", "250.00");
      await page.reload();
      assert.match(await main(page).innerText(), /Still without an account:\s*Accounts receivable\s*Deposits clearing/);
      await everywhere(nora, [{ name: "connected-start", path: "/console/start" }]);

      await mapByName("nora");
      await page.goto("/console/start");
      await page.getByLabel("Cut-over date").fill("2026-01-01");
      await choose(page, "Automatic add to accounting exports", /^On/);
      await look(page);
      await page.getByRole("radio", { name: /^Release/ }).check();
      await button(page, "Save").click();
      await saved(page);
      assert.equal(new URL(page.url()).pathname, "/console/start");
      assert.match(await main(page).innerText(), /the family owes|owes/i);
      await everywhere(nora, [{ name: "preview-start", path: "/console/start" }]);
      await becomes(cedarHall, held, "pending");
      assert.equal((await journal(cedarHall)).length, 0, "nothing is posted before the last step");

      await button(page, "Turn on auto-sync…").click();
      await page.getByRole("radio", { name: /^Sync/ }).check();
      await button(page, "Save").click();
      await saved(page);
      await page.getByText("The integration is set up").waitFor();
      await becomes(cedarHall, held, "synced");
      const [entry] = await journal(cedarHall);
      assert.ok(entry, "it is in QuickBooks");
      await everywhere(nora, [{ name: "done-start", path: "/console/start" }]);
    });
  });

  test("setup: each page of settings and connection is in order", async () => {
    await everywhere(dan, [
      { name: "settings", path: "/console/settings" },
      {
        name: "settings-wrong",
        path: "/console/settings",
        refused: true,
        go: async (page) => {
          await page.getByLabel("Cut-over date").fill("1800-01-01");
          await look(page);
          await page.getByRole("alert").getByText("must be a day that exists").waitFor();
        },
      },
      {
        name: "settings-look",
        path: "/console/settings",
        go: async (page) => {
          await choose(page, "Enable auto-sync", /^On/);
          await choose(page, "Leave out checks", /^On/);
          await look(page);
          await page.getByRole("heading", { name: "What that means" }).waitFor();
        },
      },
      {
        name: "settings-nothing",
        path: "/console/settings",
        go: async (page) => {
          await look(page);
          await page.getByText("Nothing would change").waitFor();
        },
      },
      { name: "connection", path: "/console/connection" },
      { name: "callback-of-nobody", path: "/oauth/callback?state=unknown&code=unknown", refused: true },
      { name: "connection-other", path: "/console/connection/other" },
      { name: "connection-disconnect", path: "/console/connection/disconnect" },
    ]);
  });

  test("setup: who may not set up is told whom to ask", async () => {
    await open(ben, { size: widths.phone }, "/console", async (page, faults) => {
      assert.equal(await page.getByRole("link", { name: "Settings" }).count(), 0);
      await page.goto("/console/settings");
      faults.length = 0;
      await inOrder(page, faults, "setup-forbidden");
      await page.getByText("You need the permission integrations_admin").waitFor();
    });
  });

  test("setup: settings by mouse; what somebody else changed meanwhile is said, and nothing typed is lost", async () => {
    await open(ana, {}, "/console/settings", async (page, faults) => {
      await open(ana, {}, "/console/settings", async (other) => {
        await choose(other, "Reprinted checks", /^A void/);
        await look(other);
        await button(other, "Save").click();
        await saved(other);
        await other.getByText("Ana Diaz").nth(1).waitFor();
      });
      await choose(page, "Leave out the ledger", /^On/);
      await look(page);
      await page.getByText("Somebody changed the settings since you looked").waitFor();
      faults.length = 0;
      await inOrder(page, faults, "setup-settings-stale");
      assert.ok(await page.getByRole("group", { name: "Leave out the ledger" }).getByRole("radio", { name: /^On/ }).isChecked());
      await choose(page, "Leave out the ledger", /^Off/);
      await choose(page, "Reprinted checks", /^Nothing/);
      await look(page);
      await button(page, "Change something").click();
      await look(page);
      await button(page, "Save").click();
      await saved(page);
      await inOrder(page, faults, "setup-settings-history");
    });
  });

  test("setup: settings by keyboard alone", async () => {
    await open(dan, {}, "/console/settings", async (page) => {
      for (const [key, state] of [["ArrowUp", "on"], ["ArrowDown", "off"]]) {
        await reach(page, '[name="exclude.ledger"]');
        await page.keyboard.press(key);
        await stop(page, "See what it would do");
        await stop(page, "Save");
        await saved(page);
        assert.equal((await call("dan", "GET", "/v1/settings")).exclude.ledger, state === "on");
      }
    });
  });

  test("setup: disconnect and connect again, by keyboard alone", async () => {
    await open(dan, {}, "/console/connection", async (page) => {
      await stop(page, "Disconnect…");
      await stop(page, "Disconnect");
      await saved(page);
      for (const text of ["Reconnect QuickBooks", "Maple Hill Memorial", "Go on in the console"]) await stop(page, text);
      await page.getByText("Entries go to Maple Hill Memorial").waitFor();
    });
  });

  for (const script of [true, false]) {
    test(`setup: disconnect, choose a wrong company, and connect again${script ? "" : ", without script"}`, async () => {
      await open(dan, { script }, "/console/connection", async (page, faults) => {
        await main(page).getByRole("link", { name: "Disconnect…" }).click();
        await button(page, "Disconnect").click();
        await saved(page);
        await inOrder(page, faults, `setup-disconnected-${script}`, { script });
        await button(page, "Reconnect QuickBooks").click();
        await consent(page, "Cedar Hall Chapel");
        assert.match(await main(page).innerText(), /not connected\s[\s\S]*another QuickBooks company/);
        faults.length = 0;
        await inOrder(page, faults, `setup-callback-refused-${script}`, { script });
        await page.getByRole("link", { name: "Go on in the console" }).click();
        await button(page, "Reconnect QuickBooks").click();
        await consent(page, "Maple Hill Memorial");
        assert.match(await main(page).innerText(), /Connected to Maple Hill Memorial/);
        await page.getByRole("link", { name: "Go on in the console" }).click();
        await page.getByText("Entries go to Maple Hill Memorial").waitFor();
      });
    });
  }

  test("setup: connecting another company asks first, and declining changes nothing", async () => {
    await open(dan, {}, "/console/connection", async (page) => {
      await main(page).getByRole("link", { name: "Another company…" }).click();
      await page.getByText("The mapping is emptied").waitFor();
      await button(page, "Connect another company").click();
      await page.getByRole("link", { name: "Do not share" }).click();
      await page.getByText("You declined at QuickBooks").waitFor();
      await page.getByRole("link", { name: "Go on in the console" }).click();
      await page.getByText("Entries go to Maple Hill Memorial").waitFor();
    });
  });
});
