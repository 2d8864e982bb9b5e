"""Drives the simulator with python-quickbooks and intuit-oauth, unchanged: only the addresses are the simulator's."""

import datetime
import os

from intuitlib.client import AuthClient
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.batch import batch_create, batch_delete
from quickbooks.cdc import change_data_capture
from quickbooks.exceptions import QuickbooksException, ValidationException
from quickbooks.objects.account import Account
from quickbooks.objects.customer import Customer
from quickbooks.objects.journalentry import Entity, JournalEntry, JournalEntryLine, JournalEntryLineDetail
from quickbooks.objects.vendor import Vendor

URL, REALM, REFRESH = os.environ["QBO_URL"], os.environ["QBO_REALM"], os.environ["QBO_REFRESH_TOKEN"]


class Simulated(QuickBooks):
    api_url_v3 = URL + "/v3"
    sandbox_api_url_v3 = URL + "/v3"


def same(what, got, want):
    if got != want:
        raise SystemExit(f"{what}: {got!r}, want {want!r}")
    print("ok", what)


def raises(what, kind, call, code=None):
    try:
        call()
    except kind as e:
        if code is None or getattr(e, "error_code", None) == code:
            print("ok", what)
            return
        raise SystemExit(f"{what}: code {e.error_code}, want {code}")
    raise SystemExit(f"{what}: nothing was raised")


auth = AuthClient(client_id="id", client_secret="secret", environment=URL + "/.well-known/openid_configuration/", redirect_uri="http://127.0.0.1/callback")
qb = Simulated(auth_client=auth, refresh_token=REFRESH, company_id=REALM, minorversion=75)
same("a token by refresh", bool(auth.access_token and auth.refresh_token), True)
wrong = AuthClient(client_id="id", client_secret="secret", environment=URL + "/.well-known/openid_configuration/", redirect_uri="http://127.0.0.1/callback")
raises("a refused refresh", AuthClientError, lambda: wrong.refresh(refresh_token="AB11nonsense"))

bank = Account(); bank.Name = "Operating"; bank.AccountType = "Bank"; bank.save(qb=qb)
income = Account(); income.Name = "Services"; income.AccountType = "Income"; income.save(qb=qb)
owed = Account(); owed.Name = "Owed"; owed.AccountType = "Accounts Receivable"; owed.save(qb=qb)
same("an account's detail type", Account.get(bank.Id, qb=qb).AccountSubType, "CashOnHand")

john = Customer(); john.DisplayName = "Sean O'Brien"; john.GivenName = "Sean"; john.FamilyName = "O'Brien"; john.save(qb=qb)
same("a customer by name", Customer.filter(DisplayName="Sean O'Brien", qb=qb)[0].Id, john.Id)
acme = Vendor(); acme.DisplayName = "Acme"; acme.save(qb=qb)
twin = Vendor(); twin.DisplayName = "acme"
raises("a name in use", QuickbooksException, lambda: twin.save(qb=qb), 6240)
john.Notes = "changed"; john.save(qb=qb)
same("an update moves the token", Customer.get(john.Id, qb=qb).SyncToken, "1")


def line(side, account, amount, customer=None):
    detail = JournalEntryLineDetail()
    detail.PostingType = side
    detail.AccountRef = account.to_ref()
    if customer is not None:
        detail.Entity = Entity()
        detail.Entity.Type = "Customer"
        detail.Entity.EntityRef = customer.to_ref()
    x = JournalEntryLine()
    x.Amount, x.Description, x.JournalEntryLineDetail = amount, "by a client", detail
    return x


def entry(number, amount):
    e = JournalEntry()
    e.DocNumber, e.TxnDate = number, "2026-05-05"
    e.Line = [line("Debit", owed, amount, john), line("Credit", income, amount)]
    return e


first = entry("JE-1", 12.5)
first.save(qb=qb)
read = JournalEntry.get(first.Id, qb=qb)
same("an entry as read", (read.DocNumber, read.TotalAmt, read.Line[0].Amount, read.Line[0].JournalEntryLineDetail.Entity.EntityRef.name), ("JE-1", 0, 12.5, "Sean O'Brien"))
same("the customer's balance", Customer.get(john.Id, qb=qb).Balance, 12.5)
read.PrivateNote = "seen"; read.save(qb=qb)
same("what was read can be sent back", JournalEntry.get(first.Id, qb=qb).PrivateNote, "seen")


def unbalanced():
    e = entry("JE-X", 1)
    e.Line[0].Amount = 2
    return e


raises("an unbalanced entry", ValidationException, lambda: unbalanced().save(qb=qb), 2300)

batch = batch_create([entry(f"B-{i}", i + 1) for i in range(35)], qb=qb)
same("a batch of 35 goes in two", (len(batch.successes), len(batch.faults)), (35, 0))
same("a query", [e.DocNumber for e in JournalEntry.query("select * from JournalEntry where DocNumber = 'B-7'", qb=qb)], ["B-7"])
same("a count", JournalEntry.count("DocNumber LIKE 'B-%'", qb=qb), 35)
same("a page", len(JournalEntry.all(start_position=31, max_results=10, order_by="DocNumber", qb=qb)), 6)
same("some of them by choice", len(JournalEntry.choose(["B-1", "B-2"], field="DocNumber", qb=qb)), 2)
removed = batch_delete(JournalEntry.where("DocNumber LIKE 'B-1%'", qb=qb), qb=qb)
same("a batch of deletes", (len(removed.successes), len(removed.faults)), (11, 0))
JournalEntry.get(first.Id, qb=qb).delete(qb=qb)
raises("a deleted entry", QuickbooksException, lambda: JournalEntry.get(first.Id, qb=qb), 610)
changed = change_data_capture([Customer, JournalEntry], datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1), qb=qb)
same("change data", (len(changed.Customer), sum(1 for e in changed.JournalEntry if getattr(e, "status", None) == "Deleted")), (1, 12))
same("a report", qb.get_report("TrialBalance", {"start_date": "2026-05-01", "end_date": "2026-05-31"})["Header"]["ReportName"], "TrialBalance")
acme.Active = False; acme.save(qb=qb)
same("a vendor made inactive", Vendor.where("Active = false", qb=qb)[0].DisplayName, "Acme (deleted)")
auth.revoke(token=auth.refresh_token)
raises("after the grant was revoked", Exception, lambda: Customer.get(john.Id, qb=qb))
print("python-quickbooks: all well")
