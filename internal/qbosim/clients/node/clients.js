// Drives the simulator with node-quickbooks and intuit-oauth, unchanged: only the addresses are the simulator's.
'use strict';

const assert = require('node:assert/strict');
const { promisify } = require('node:util');
const OAuthClient = require('intuit-oauth');
const QuickBooks = require('node-quickbooks');

const { QBO_URL: address, QBO_REALM: realm, QBO_REFRESH_TOKEN: refreshToken } = process.env;

OAuthClient.tokenEndpoint = QuickBooks.TOKEN_URL = `${address}/oauth2/v1/tokens/bearer`;
OAuthClient.revokeEndpoint = QuickBooks.REVOKE_URL = `${address}/v2/oauth2/tokens/revoke`;
OAuthClient.authorizeEndpoint = `${address}/connect/oauth2`;
OAuthClient.userinfo_endpoint_sandbox = `${address}/v1/openid_connect/userinfo`;
OAuthClient.jwks_uri = `${address}/op/v1/jwks`;
OAuthClient.environment.sandbox = `${address}/`;
QuickBooks.V3_ENDPOINT_BASE_URL = `${address}/v3/company/`;

function same(what, got, want) {
  assert.deepStrictEqual(got, want, what);
  console.log('ok', what);
}

// faulty is the code of the fault that a call is refused with.
async function faulty(what, call, code) {
  const err = await call().then(() => assert.fail(`${what}: nothing was refused`), (e) => e);
  const body = (err.response && err.response.data) || err;
  same(what, body.Fault ? body.Fault.Error[0].code : body.fault ? body.fault.error[0].code : err.message, code);
}

function client(token) {
  const qbo = new QuickBooks('id', 'secret', token, false, realm, true, false, 75, '2.0', refreshToken);
  // Every call takes a callback; promises are easier to read.
  return new Proxy(qbo, { get: (target, name) => (typeof target[name] === 'function' ? promisify(target[name].bind(target)) : target[name]) });
}

function line(side, account, amount, customer) {
  const detail = { PostingType: side, AccountRef: { value: account.Id } };
  if (customer) {
    detail.Entity = { Type: 'Customer', EntityRef: { value: customer.Id } };
  }
  return { DetailType: 'JournalEntryLineDetail', Amount: amount, Description: 'by a client', JournalEntryLineDetail: detail };
}

async function signIn() {
  const oauth = new OAuthClient({ clientId: 'id', clientSecret: 'secret', environment: 'sandbox', redirectUri: 'http://127.0.0.1/callback', includeRefreshTokenHardExpiresIn: true });
  const to = oauth.authorizeUri({ scope: [OAuthClient.scopes.Accounting, OAuthClient.scopes.OpenId], state: 's1' });
  const page = await fetch(`${to}&auto=true&realm=${realm}`, { redirect: 'manual' });
  await oauth.createToken(page.headers.get('location'));
  same('a token by consent', [oauth.getToken().token_type, oauth.getToken().realmId, oauth.isAccessTokenValid()], ['bearer', realm, true]);
  same('an id_token', await oauth.validateIdToken(), true);
  const user = await oauth.getUserInfo();
  same('who consented', user.json.emailVerified, true);
  const refreshed = await oauth.refresh();
  same('a token by refresh', [refreshed.status(), refreshed.json.expires_in, typeof refreshed.getIntuitTid() === 'string' && refreshed.getIntuitTid() !== ''], [200, 3600, true]);
  const company = await oauth.makeApiCall({ url: `v3/company/${realm}/companyinfo/${realm}` });
  same('a call of its own', company.json.CompanyInfo.CompanyName, 'Sandbox');
  await assert.rejects(oauth.makeApiCall({ url: `v3/company/${realm}/customer/1.5` }), /Invalid ID/);
  await oauth.revoke();
  await assert.rejects(oauth.refreshUsingToken(refreshed.json.refresh_token));
  console.log('ok a revoked grant');
}

async function main() {
  const first = client('none');
  const tokens = await first.refreshAccessToken();
  const qbo = client(tokens.access_token);
  await faulty('no token', () => client('none').findAccounts({}), '3200');

  const bank = await qbo.createAccount({ Name: 'Operating', AccountType: 'Bank' });
  const income = await qbo.createAccount({ Name: 'Services', AccountType: 'Income' });
  const owed = await qbo.createAccount({ Name: 'Owed', AccountType: 'Accounts Receivable' });
  const renamed = await qbo.updateAccount({ ...(await qbo.getAccount(bank.Id)), Description: 'changed' });
  same('an account changed', [renamed.Name, renamed.Description, renamed.SyncToken], ['Operating', 'changed', '1']);

  const sean = await qbo.createCustomer({ DisplayName: "Sean O'Brien", GivenName: 'Sean', BillAddr: { Line1: '4581 Finch St.' } });
  const found = await qbo.findCustomers({ DisplayName: "Sean O'Brien" });
  same('a customer by name', found.QueryResponse.Customer.map((c) => c.Id), [sean.Id]);
  same('a customer by a part of the name', (await qbo.findCustomers([{ field: 'DisplayName', value: '%Brien', operator: 'LIKE' }])).QueryResponse.Customer.length, 1);
  const noted = await qbo.updateCustomer({ Id: sean.Id, SyncToken: sean.SyncToken, Notes: 'changed' });
  same('a customer changed', [noted.Notes, noted.GivenName, noted.SyncToken], ['changed', 'Sean', '1']);
  await faulty('a stale customer', () => qbo.updateCustomer({ Id: sean.Id, SyncToken: '0', Notes: 'again' }), '5010');
  const acme = await qbo.createVendor({ DisplayName: 'Acme & Co' });
  await faulty('a name in use', () => qbo.createVendor({ DisplayName: 'acme & co' }), '6240');
  same('a vendor by name', (await qbo.findVendors({ DisplayName: 'Acme & Co' })).QueryResponse.Vendor[0].Id, acme.Id);
  same('a vendor read', (await qbo.getVendor(acme.Id)).DisplayName, 'Acme & Co');

  const entry = (number, amount) => ({ DocNumber: number, TxnDate: '2026-05-05', Line: [line('Debit', owed, amount, sean), line('Credit', income, amount)] });
  const made = await qbo.createJournalEntry({ ...entry('JE-1', 12.5), requestId: 'one' });
  same('a repeated entry', (await qbo.createJournalEntry({ ...entry('JE-1', 12.5), requestId: 'one' })).Id, made.Id);
  const read = await qbo.getJournalEntry(made.Id);
  same('an entry as read', [read.DocNumber, read.TotalAmt, read.Line[0].Amount, read.Line[0].JournalEntryLineDetail.Entity.EntityRef.name], ['JE-1', 0, 12.5, "Sean O'Brien"]);
  const seen = await qbo.updateJournalEntry({ ...read, PrivateNote: 'seen' });
  same('what was read can be sent back', [seen.PrivateNote, seen.SyncToken, seen.Line], ['seen', '1', read.Line]);
  await faulty('an unbalanced entry', () => qbo.createJournalEntry({ ...entry('JE-X', 1), Line: [line('Debit', bank, 2), line('Credit', income, 1)] }), '2300');

  const items = [];
  for (let i = 0; i < 29; i += 1) {
    items.push({ bId: String(i), operation: 'create', JournalEntry: entry(`B-${i}`, i + 1) });
  }
  items.push({ bId: 'q', Query: "select * from JournalEntry where DocNumber = 'B-7'" });
  const answers = (await qbo.batch(items)).BatchItemResponse;
  same('a batch', [answers.length, answers.filter((a) => a.JournalEntry).length, answers[29].QueryResponse.JournalEntry[0].DocNumber], [30, 29, 'B-7']);
  await faulty('a batch that is too large', () => qbo.batch([...items, ...items]), '1040');
  same('a count', (await qbo.findJournalEntries([{ field: 'DocNumber', value: 'B-%', operator: 'LIKE' }, { count: true }])).QueryResponse.totalCount, 29);
  const pages = await qbo.findJournalEntries([{ field: 'fetchAll', value: true }, { field: 'limit', value: 10 }, { field: 'asc', value: 'DocNumber' }]);
  same('page after page', [pages.QueryResponse.JournalEntry.length, pages.QueryResponse.maxResults], [30, 30]);
  same('some by choice', (await qbo.findJournalEntries([{ field: 'DocNumber', value: ['B-1', 'B-2'], operator: 'IN' }, { desc: 'DocNumber' }])).QueryResponse.JournalEntry.map((e) => e.DocNumber), ['B-2', 'B-1']);
  same('an empty page', (await qbo.findJournalEntries({ DocNumber: 'none' })).QueryResponse, {});

  same('a deleted entry', (await qbo.deleteJournalEntry(made.Id)).JournalEntry.status, 'Deleted');
  await faulty('a deleted entry read', () => qbo.getJournalEntry(made.Id), '610');
  const changed = (await qbo.changeDataCapture(['Customer', 'JournalEntry'], new Date(Date.now() - 24 * 3600 * 1000))).CDCResponse[0].QueryResponse;
  same('change data', [changed[0].Customer.length, changed[1].JournalEntry.filter((e) => e.status === 'Deleted').length], [1, 1]);
  for (const name of ['TrialBalance', 'BalanceSheet', 'ProfitAndLoss', 'JournalReport', 'GeneralLedgerDetail', 'TransactionList']) {
    const report = await qbo[`report${name}`]({ start_date: '2026-05-01', end_date: '2026-05-31' });
    same(`a report: ${name}`, [report.Header.StartPeriod, report.Rows.Row.length > 0], ['2026-05-01', true]);
  }
  const off = await qbo.updateVendor({ Id: acme.Id, SyncToken: acme.SyncToken, Active: false });
  same('a vendor made inactive', [off.DisplayName, (await qbo.findVendors({})).QueryResponse.Vendor], ['Acme & Co (deleted)', undefined]);
  same('who is asked', [(await qbo.getCompanyInfo(realm)).CompanyName, (await qbo.getPreferences()).CurrencyPrefs.HomeCurrency.value], ['Sandbox', 'USD']);
  await first.revokeAccess(true);
  await faulty('after the grant was revoked', () => qbo.getCustomer(sean.Id), '3200');
  await signIn();
  console.log('node-quickbooks and intuit-oauth: all well');
}

main().catch((err) => {
  console.error(err.stack, (err.response && err.response.data) || '');
  process.exit(1);
});
