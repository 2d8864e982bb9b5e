// What the tests do beside the browser: events as Passare's backend sends them, faults of the QuickBooks simulator, and the log as the REST API shows it.
import { createHmac, randomUUID } from "node:crypto";

export const site = process.env.CONSOLE_URL;
const quickbooks = process.env.QUICKBOOKS_URL;
const secret = Buffer.from(process.env.EVENTS_SECRET.replace("whsec_", ""), "base64");

export const willowCreek = { org: "willow-creek", realm: "4620816365000000001", person: "ana" }; // syncs by itself
export const mapleHill = { org: "maple-hill", realm: "4620816365000000002", person: "dan" }; // reviews every entry

async function answered(res) {
  if (!res.ok) throw new Error(`${res.url} was answered ${res.status}: ${await res.text()}`);
  return res.headers.get("content-type")?.includes("json") ? res.json() : undefined;
}

// deliver signs an event and sends it (Standard Webhooks, as events.md says), and answers the id of its entry.
async function deliver(event) {
  const body = JSON.stringify(event);
  const id = `msg_${randomUUID()}`;
  const time = Math.floor(Date.now() / 1000);
  const signature = createHmac("sha256", secret).update(`${id}.${time}.${body}`).digest("base64");
  const headers = { "content-type": "application/cloudevents+json", "webhook-id": id, "webhook-timestamp": `${time}`, "webhook-signature": `v1,${signature}` };
  const answer = await answered(await fetch(`${site}/v1/events`, { method: "POST", headers, body }));
  return answer.results[0].entry;
}

// record sends a version of a record of a case, and answers its entry's id. The decedent's last name is how a test finds its row.
export function record(company, kind, last, fields, version = 1) {
  const type = kind.split(".")[0];
  const id = `${type}-${last}`.replaceAll(/[^\w-]/g, "");
  return deliver({
    specversion: "1.0",
    id: `evt-${id}-${version}`,
    source: `/organizations/${company.org}`,
    type: `com.passare.${kind}`,
    time: "2026-03-04T15:00:00Z",
    data: {
      record: { type, id, version },
      case: { id: `case-${id}`, number: `no-${id}`.slice(0, 20), decedent: { first: "Vera", last } },
      branch: { id: "main", name: "Main" },
      actor: { id: "u1", name: "Ana Diaz" },
      ...fields,
    },
  });
}

// payment is a cash payment of 3/4/2026.
export const payment = (company, last, amount = "1000.00") =>
  record(company, "payment.created", last, { method: "cash", amount, date: "2026-03-04" });

// refuseNext has QuickBooks refuse the next journal entry of a company, once.
export async function refuseNext(company, text) {
  const refusal = { Fault: { Error: [{ Message: "x", Detail: `Business Validation Error: ${text}`, code: "6000", element: "" }], type: "ValidationFault" } };
  const fault = { realm: company.realm, path_contains: "journalentry", times: 1, kind: "status", status: 400, body: JSON.stringify(refusal) };
  await answered(await fetch(`${quickbooks}/_sim/faults`, { method: "POST", body: JSON.stringify(fault) }));
}

// get asks the REST API, as a person of the company.
async function get(company, path) {
  const signIn = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user: company.person }) };
  const { access_token: token } = await answered(await fetch(`${site}/dev/token`, signIn));
  return answered(await fetch(`${site}/v1/${path}`, { headers: { authorization: `Bearer ${token}` } }));
}

// readChart has the names of the company's accounts read from QuickBooks.
export const readChart = (company) => get(company, "quickbooks/accounts?refresh=true");

// becomes waits until an entry is in a state. It polls, since the product works beside the tests; the bound only ends a test that has failed.
export async function becomes(company, id, state) {
  let last;
  for (let left = 400; left > 0; left--) {
    last = await get(company, `entries/${id}`);
    if (last.state === state) return last;
    await new Promise((go) => setTimeout(go, 25));
  }
  throw new Error(`${id} is ${last.state} (${last.why}), not ${state}`);
}

// journal is what a company has in QuickBooks.
export const journal = async (company) => (await answered(await fetch(`${quickbooks}/_sim/realms/${company.realm}/journal`))).entries;

// customer makes a customer in a company of QuickBooks, as somebody does there, and answers its number.
export async function customer(company, name) {
  const { refresh_token } = await answered(await fetch(`${quickbooks}/_sim/realms/${company.realm}`));
  const client = { authorization: `Basic ${Buffer.from("demo-client:demo-secret").toString("base64")}`, "content-type": "application/x-www-form-urlencoded", accept: "application/json" };
  const form = new URLSearchParams({ grant_type: "refresh_token", refresh_token });
  const { access_token } = await answered(await fetch(`${quickbooks}/oauth2/v1/tokens/bearer`, { method: "POST", headers: client, body: form }));
  const headers = { authorization: `Bearer ${access_token}`, "content-type": "application/json", accept: "application/json" };
  const made = await answered(await fetch(`${quickbooks}/v3/company/${company.realm}/customer?minorversion=75`, { method: "POST", headers, body: JSON.stringify({ DisplayName: name }) }));
  return made.Customer.Id;
}

// settings changes settings of an organisation.
export async function settings(company, changes) {
  const signIn = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user: company.person }) };
  const { access_token: token } = await answered(await fetch(`${site}/dev/token`, signIn));
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  return answered(await fetch(`${site}/v1/settings`, { method: "PATCH", headers, body: JSON.stringify(changes) }));
}

// send changes something through the REST API, as a person of the company.
async function send(company, path, body) {
  const signIn = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user: company.person }) };
  const { access_token: token } = await answered(await fetch(`${site}/dev/token`, signIn));
  return answered(await fetch(`${site}/v1/${path}`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify(body) }));
}

// proved has both books of a company compared, and answers what the night found.
export async function proved(company, body = {}) {
  const { asked_at: asked, night } = await send(company, "reconciliations", body);
  for (let left = 400; left > 0; left--) {
    const found = (await get(company, "reconciliations?limit=1")).nights[0];
    if (found?.date === night && found.state !== "running" && new Date(found.began) >= new Date(asked)) return found;
    await new Promise((go) => setTimeout(go, 25));
  }
  throw new Error("the books are not proved");
}

// differences are what is open.
export const differences = async (company) => (await get(company, "differences?limit=200")).differences;

// byHand does something in QuickBooks' own screens.
export async function byHand(company, action) {
  return answered(await fetch(`${quickbooks}/_sim/realms/${company.realm}/hand`, { method: "POST", body: JSON.stringify(action) }));
}

// bookedAs is the id in QuickBooks of what an entry posted: the journal entry has its mark.
export async function bookedAs(company, id) {
  const [, type, record, version] = id.match(/^([^.]+)\.(.+)\.(\d+)$/);
  return (await journal(company)).find((j) => j.private_note.includes(` ${type}/${record} v${version} p`)).id;
}
