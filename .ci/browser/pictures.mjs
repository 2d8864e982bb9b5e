// The pictures of README: the log and an entry, as the demo company's bookkeeper sees them in the morning.
import { join } from "node:path";
import { launch, signIn, visitor } from "./browser.mjs";
import { becomes, readChart, record, refuseNext, willowCreek } from "./system.mjs";

const take = (page, name) => page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
const decedent = (id, number, first, last) => ({ case: { id, number, decedent: { first, last } } });

const ellen = decedent("case-24-0117", "24-0117", "Ellen", "Marsh");
const goods = { signed_on: "2026-03-12", items: [{ id: "i1", kind: "service", gl_account: "4000", description: "Professional services", amount: "3500.00" }], total: "3500.00" };
await becomes(willowCreek, await record(willowCreek, "goods_and_services.signed", "Marsh", { ...goods, ...ellen }), "synced");
await refuseNext(willowCreek, "The account Undeposited Funds was made inactive");
const check = { method: "check", check_number: "2218", amount: "1250.00", date: "2026-03-12", ...ellen };
await becomes(willowCreek, await record(willowCreek, "payment.created", "Marsh", check), "failed");
const cash = { method: "cash", amount: "600.00", date: "2026-03-13", ...decedent("case-24-0121", "24-0121", "Robert", "Lane") };
await becomes(willowCreek, await record(willowCreek, "payment.created", "Lane", cash), "synced");
await readChart(willowCreek);

const browser = await launch();
const { page } = await visitor(browser, { size: { width: 1280, height: 800 } });
await signIn(page, "Ana Diaz", "/console?tab=all");
for (const name of ["Lane", "Marsh"]) await page.getByRole("row").filter({ hasText: name }).first().getByRole("checkbox").check();
await page.mouse.move(0, 0);
await take(page, "log");
await page.getByRole("row").filter({ hasText: "re-signed" }).getByRole("link").first().click();
await take(page, "entry");
await browser.close();
