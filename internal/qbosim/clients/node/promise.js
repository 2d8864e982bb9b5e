// Drives the simulator with quickbooks-node-promise, unchanged: only the addresses are the simulator's.
'use strict';

const assert = require('node:assert/strict');
const { Quickbooks } = require('quickbooks-node-promise');

const { QBO_URL: address, QBO_REALM: realm, QBO_REFRESH_TOKEN: refreshToken } = process.env;

Quickbooks.AUTHORIZATION_URL = `${address}/connect/oauth2`;
Quickbooks.TOKEN_URL = `${address}/oauth2/v1/tokens/bearer`;
Quickbooks.REVOKE_URL = `${address}/v2/oauth2/tokens/revoke`;
Quickbooks.USER_INFO_URL = `${address}/v1/openid_connect/userinfo`;
Quickbooks.V3_ENDPOINT_BASE_URL = `${address}/v3/company/`;

function same(what, got, want) {
  assert.deepStrictEqual(got, want, what);
  console.log('ok', what);
}

// faulty is the code of the fault that a call is refused with.
async function faulty(what, call, code) {
  const err = await call().then(() => assert.fail(`${what}: nothing was refused`), (e) => e);
  same(what, err.errorResponse ? err.errorResponse.Fault.Error[0].code : err.message, code);
}

function line(side, account, amount, customer) {
  const detail = { PostingType: side, AccountRef: { value: account.Id } };
  if (customer) {
    detail.Entity = { Type: 'Customer', EntityRef: { value: customer.Id } };
  }
  return { DetailType: 'JournalEntryLineDetail', Amount: amount, JournalEntryLineDetail: detail };
}

async function main() {
  const config = {
    appKey: 'id', appSecret: 'secret', redirectUrl: 'http://127.0.0.1/callback', accessToken: 'none', refreshToken, storeMethod: 'Internal',
    useProduction: false, minorversion: 75, autoRefresh: false, scope: [Quickbooks.scopes.Accounting, Quickbooks.scopes.OpenId],
  };
  const qbo = new Quickbooks(config, realm);
  await faulty('no token', () => qbo.getPreferences(), 'Unauthorized');
  await qbo.refreshAccessToken();
  same('who is asked', [(await qbo.getCompanyInfo(realm)).CompanyInfo.CompanyName, (await qbo.getPreferences()).Preferences.CurrencyPrefs.HomeCurrency.value], ['Sandbox', 'USD']);

  const bank = (await qbo.createAccount({ Name: 'Operating', AccountType: 'Bank' })).Account;
  const owed = (await qbo.createAccount({ Name: 'Owed', AccountType: 'Accounts Receivable' })).Account;
  const sean = (await qbo.createCustomer({ DisplayName: "Sean O'Brien", GivenName: 'Sean' })).Customer;
  await faulty('a name in use', () => qbo.createVendor({ DisplayName: "SEAN O'BRIEN" }), '6240');
  same('a customer by name', (await qbo.findCustomers({ DisplayName: "Sean O'Brien" })).QueryResponse.Customer.map((c) => c.Id), [sean.Id]);
  const noted = (await qbo.updateCustomer({ ...sean, Notes: 'changed' })).Customer;
  same('a customer changed', [noted.Notes, noted.GivenName, noted.SyncToken], ['changed', 'Sean', '1']);
  await faulty('a stale customer', () => qbo.updateCustomer({ ...sean, Notes: 'again' }), '5010');

  const entry = { DocNumber: 'JE-1', TxnDate: '2026-05-05', Line: [line('Debit', owed, 12.5, sean), line('Credit', bank, 12.5)] };
  const made = (await qbo.createJournalEntry(entry)).JournalEntry;
  await faulty('an unbalanced entry', () => qbo.createJournalEntry({ Line: [line('Debit', bank, 2), line('Credit', bank, 1)] }), '2300');
  const seen = (await qbo.updateJournalEntry({ ...made, PrivateNote: 'seen' })).JournalEntry;
  same('what was read can be sent back', [seen.PrivateNote, seen.SyncToken, seen.Line], ['seen', '1', made.Line]);
  same('an entry as read', (await qbo.getJournalEntry(made.Id)).JournalEntry.DocNumber, 'JE-1');
  const answers = (await qbo.batch([{ bId: '1', operation: 'create', JournalEntry: { ...entry, DocNumber: 'JE-2' } }, { bId: '2', Query: 'select count(*) from JournalEntry' }])).BatchItemResponse;
  same('a batch', [answers[0].JournalEntry.DocNumber, answers[1].QueryResponse.totalCount], ['JE-2', 2]);
  same('page after page', (await qbo.findAccounts({ fetchAll: true, limit: 1, asc: 'Name' })).QueryResponse.Account.map((a) => a.Name), ['Operating', 'Owed']);
  same('a report', (await qbo.reportTrialBalance({ start_date: '2026-05-01', end_date: '2026-05-31' })).Rows.Row.length, 3);
  same('a deleted entry', (await qbo.deleteJournalEntry(seen)).JournalEntry.status, 'Deleted');
  const changed = (await qbo.changeDataCapture(['JournalEntry'], new Date(Date.now() - 24 * 3600 * 1000))).CDCResponse[0].QueryResponse[0];
  same('change data', changed.JournalEntry.map((e) => e.status), [undefined, 'Deleted']);
  same('an empty count', (await qbo.countTerms()).QueryResponse.totalCount, 0);

  const page = await fetch(`${Quickbooks.authorizeUrl(config)}&auto=true&realm=${realm}`, { redirect: 'manual' });
  await qbo.createToken(new URL(page.headers.get('location')).searchParams.get('code'), realm);
  same('who consented', (await qbo.getUserInfo()).emailVerified, true);
  await qbo.revokeAccess(true);
  await faulty('after the grant was revoked', () => qbo.getPreferences(), 'Unauthorized');
  console.log('quickbooks-node-promise: all well');
}

main().catch((err) => {
  console.error(err.stack, err.errorResponse || '');
  process.exit(1);
});
