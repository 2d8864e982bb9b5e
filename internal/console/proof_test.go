package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/passare/qbo-sync/internal/console"
	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// proofs are a proof as a test says it is.
type proofs struct {
	nights   []reconcile.Night
	open     []reconcile.Difference
	clearing reconcile.Clearing
	advances reconcile.CashAdvances
	packet   reconcile.Packet
	cases    map[string]reconcile.CaseProof
	refuse   error // of acts
	asked    []reconcile.Request
	acted    []reconcile.Act
	closed   []bool
}

func (p *proofs) Nights(_ context.Context, id string, _ date.Date, limit int) ([]reconcile.Night, error) {
	if id != "a" {
		return nil, nil
	}
	return p.nights[:min(len(p.nights), limit)], nil
}

func (p *proofs) Night(_ context.Context, id string, on date.Date) (reconcile.Night, error) {
	for _, n := range p.nights {
		if n.Date == on && id == "a" {
			return n, nil
		}
	}
	return reconcile.Night{}, fault.New(fault.NotFound, "There was no proof for that day.")
}

func (p *proofs) Ask(_ context.Context, r reconcile.Request) error {
	if p.refuse == nil {
		p.asked = append(p.asked, r)
	}
	return p.refuse
}

func (p *proofs) Differences(_ context.Context, id, _ string, limit int) ([]reconcile.Difference, string, error) {
	if id != "a" {
		return nil, "", nil
	}
	if len(p.open) > limit {
		return p.open[:limit], "more", nil
	}
	return p.open, "", nil
}

func (p *proofs) Difference(_ context.Context, id, name string) (reconcile.Difference, error) {
	for _, d := range p.open {
		if d.ID == name && id == "a" {
			return d, nil
		}
	}
	return reconcile.Difference{}, fault.New(fault.NotFound, "There is no such difference.")
}

func (p *proofs) Act(ctx context.Context, id, name string, a reconcile.Act) (reconcile.Difference, error) {
	d, err := p.Difference(ctx, id, name)
	if err != nil || p.refuse != nil {
		return d, cmpOr(err, p.refuse)
	}
	p.acted = append(p.acted, a)
	if a.Action == reconcile.Ignore {
		d.Settled, d.How = now(), "It is ignored."
	}
	return d, nil
}

func cmpOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

func (p *proofs) Case(_ context.Context, id, caseID string) (reconcile.CaseProof, error) {
	c, found := p.cases[caseID]
	if !found || id != "a" {
		return c, fault.New(fault.NotFound, "No proof has seen this case yet.")
	}
	return c, nil
}

func (p *proofs) Clearing(context.Context, string) (reconcile.Clearing, error) {
	return p.clearing, nil
}

func (p *proofs) CashAdvances(context.Context, string) (reconcile.CashAdvances, error) {
	return p.advances, nil
}

func (p *proofs) Packet(_ context.Context, _, month string) (reconcile.Packet, error) {
	if len(month) != len("2006-01") {
		return reconcile.Packet{}, &fault.Error{Code: fault.Invalid, Message: "There is no close packet for that month.", Fields: []fault.Field{{Field: "month", Problem: "must be a month such as 2026-03"}}}
	}
	x := p.packet
	x.Month = month
	return x, nil
}

func (p *proofs) PacketRows(context.Context, string, string, string, int) ([]reconcile.PacketRow, string, error) {
	return nil, "", nil
}

func (p *proofs) CloseMonth(ctx context.Context, id, month, _ string, closed bool) (reconcile.Packet, error) {
	p.closed = append(p.closed, closed)
	return p.Packet(ctx, id, month)
}

// openProof opens a console over a proof.
func openProof(t *testing.T, p *proofs) *house {
	t.Helper()
	return open(t, func(_ *house, o *console.Options) { o.Proof = p })
}

func night(on date.Date, state reconcile.NightState, says string) reconcile.Night {
	return reconcile.Night{Date: on, State: state, Began: now(), Ended: now(), Says: says, Entries: 214, Amount: 18233010, Reads: 2}
}

// changed is a difference with every remedy.
func changed() reconcile.Difference {
	customer := &journal.Name{Kind: journal.Customer, ID: "12", Display: "John Smith"}
	return reconcile.Difference{
		ID: "d1", Class: reconcile.Changed, Sentence: "Journal entry 26-1-ABC of 3/3/2026, $400.00 (payment p1, John Smith) was changed in QuickBooks.", Entry: "payment.p1.1", Posting: 1, Case: "c1",
		CaseNo: "26-001", Name: "John Smith", QuickBooksID: "147", Doc: "26-1-ABC", Date: "2026-03-03", Amount: 5000, Found: now(), Seen: "s1",
		Fields: []reconcile.Field{{Name: "amount", Ours: "400.00 debit", Theirs: "450.00 debit"}},
		Remedies: []reconcile.Remedy{
			{Action: reconcile.Correct, Says: "A journal entry is posted.", Date: "2026-03-03", Lines: []journal.Line{
				{Side: journal.Debit, Amount: 5000, Place: journal.Place{Account: "9", Name: customer}}, {Side: journal.Credit, Amount: 5000, Place: journal.Place{Account: "4"}},
			}},
			{Action: reconcile.Accept, Says: "QuickBooks is right."},
			{Action: reconcile.Link, Says: "Another one is this one."},
			{Action: reconcile.Ignore, Says: "Not told of again.", Reason: true},
		},
		History: []reconcile.Done{{At: now(), Who: "Passare sync", What: "Found."}},
	}
}

func TestTheProofSaysHowTheNightsWere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		proofs proofs
		path   string
		has    []string
		not    []string
	}{
		"before the first night": {proofs{}, "/console/reconciliation", []string{"No proof yet", "Prove now", "Prove everything"}, []string{"Open differences", "hx-get", "<svg class=\"calendar\""}},
		"all agrees": {
			proofs{nights: []reconcile.Night{night("2026-03-04", reconcile.Agrees, "All agrees: 214 entries, $182,330.10.")}},
			"/console/reconciliation",
			[]string{"All agrees: 214 entries, $182,330.10.", "Both books agree.", "✓", "The last five weeks"},
			[]string{"hx-get"},
		},
		"a difference": {
			proofs{nights: []reconcile.Night{night("2026-03-04", reconcile.Differs, "1 difference.")}, open: []reconcile.Difference{changed()}},
			"/console/reconciliation",
			[]string{"1 difference.", `href="/console/differences/d1"`, "$50.00", "≠"},
			[]string{"hx-get", "Both books agree."},
		},
		"while it runs": {
			proofs{nights: []reconcile.Night{{Date: "2026-03-04", State: reconcile.Running, Began: now(), Done: 120}}},
			"/console/reconciliation",
			[]string{"120 records so far", `hx-trigger="every 5s"`, "Look again"},
			nil,
		},
		"it could not be done": {
			proofs{nights: []reconcile.Night{night("2026-03-04", reconcile.Failed, "The books could not be compared: QuickBooks is not connected.")}},
			"/console/reconciliation",
			[]string{"The books could not be compared", "Not done"},
			[]string{"hx-get"},
		},
		"an older night": {
			proofs{nights: []reconcile.Night{night("2026-03-04", reconcile.Running, ""), night("2026-03-03", reconcile.Agrees, "All agreed then.")}},
			"/console/reconciliation/2026-03-03",
			[]string{"All agreed then.", "Show the newest"},
			[]string{"hx-get"},
		},
		"one was asked for": {
			proofs{nights: []reconcile.Night{night("2026-03-03", reconcile.Agrees, "All agreed then.")}},
			"/console/reconciliation?asked=" + url.QueryEscape(now().Add(time.Second).Format(time.RFC3339Nano)),
			[]string{"about to be compared", "hx-get"},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openProof(t, &test.proofs)
			body := h.body(h.call(http.MethodGet, test.path, "ana", nil, nil), http.StatusOK)
			for _, want := range test.has {
				if !strings.Contains(body, want) {
					t.Errorf("without %q: %s", want, body)
				}
			}
			for _, bad := range test.not {
				if strings.Contains(body, bad) {
					t.Errorf("with %q", bad)
				}
			}
		})
	}
}

func TestAProofIsAskedForAsWhoAsks(t *testing.T) {
	t.Parallel()
	p := &proofs{}
	h := openProof(t, p)
	for _, form := range []url.Values{{}, {"full": {"yes"}}} {
		if w := h.call(http.MethodPost, "/console/reconciliation", "ana", form, nil); w.Code != http.StatusSeeOther || !strings.HasPrefix(w.Header().Get("Location"), "/console/reconciliation?asked=") {
			t.Errorf("%d %s", w.Code, w.Header())
		}
	}
	who := `Ana <script>alert("ana")</script>`
	if diff := cmp.Diff([]reconcile.Request{{Org: "a", Who: who}, {Org: "a", Who: who, Full: true}}, p.asked); diff != "" {
		t.Error(diff)
	}
	p.refuse = fault.New(fault.Conflict, "QuickBooks is not connected.")
	if w := h.call(http.MethodPost, "/console/reconciliation", "ana", nil, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/reconciliation" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
}

func TestEachRemedyIsShownAsItWouldGoAndDoneAsItWasLookedAt(t *testing.T) {
	t.Parallel()
	p := &proofs{open: []reconcile.Difference{changed()}}
	h := openProof(t, p)
	body := h.body(h.call(http.MethodGet, "/console/differences/d1", "ana", nil, nil), http.StatusOK)
	for _, want := range []string{"was changed in QuickBooks.", "400.00 debit", "450.00 debit", "Post the correction", "Accept what QuickBooks has", "Link it", "Ignore it", "QuickBooks account 9", "John Smith", `name="seen" value="s1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("without %q: %s", want, body)
		}
	}
	w := h.call(http.MethodPost, "/console/differences/d1", "ana", url.Values{"action": {"correct"}, "seen": {"s1"}, "reason": {"A typing error."}}, nil)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/differences/d1" {
		t.Errorf("%d %s", w.Code, w.Header())
	}
	if diff := cmp.Diff([]reconcile.Act{{Action: reconcile.Correct, Reason: "A typing error.", Seen: "s1", Who: `Ana <script>alert("ana")</script>`}}, p.acted); diff != "" {
		t.Error(diff)
	}
	p.refuse = &fault.Error{Code: fault.Invalid, Message: "No.", Fields: []fault.Field{{Field: "quickbooks_id", Problem: "is no journal entry of this company"}}}
	body = h.body(h.call(http.MethodPost, "/console/differences/d1", "ana", url.Values{"action": {"link"}, "quickbooks_id": {"77"}, "reason": {"typed"}}, nil), http.StatusUnprocessableEntity)
	if !strings.Contains(body, "is no journal entry of this company") || !strings.Contains(body, `value="77"`) || !strings.Contains(body, ">typed</textarea>") {
		t.Error(body)
	}
	for _, code := range []fault.Code{fault.Stale, fault.Conflict} {
		p.refuse = fault.New(code, "It is another by now.")
		if w := h.call(http.MethodPost, "/console/differences/d1", "ana", url.Values{"action": {"correct"}}, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%s: %d", code, w.Code)
		}
	}
	h.body(h.call(http.MethodGet, "/console/differences/none", "ana", nil, nil), http.StatusNotFound)
	p.open[0].Remedies, p.open[0].Settled, p.open[0].How = nil, now(), "Both books agree on it."
	if body := h.body(h.call(http.MethodGet, "/console/differences/d1", "ana", nil, nil), http.StatusOK); !strings.Contains(body, "Both books agree on it.") || strings.Contains(body, "What can be done") {
		t.Error(body)
	}
}

// money of every kind, in which a person has written something up to no good.
func spitefulProofs() *proofs {
	d := changed()
	d.Sentence, d.Name, d.CaseNo, d.Doc, d.How = evil, evil, evil, evil, evil
	d.Fields = []reconcile.Field{{Name: evil, Ours: evil, Theirs: evil}}
	d.History = []reconcile.Done{{At: now(), Who: evil, What: evil, Why: evil}}
	for i := range d.Remedies {
		d.Remedies[i].Says = evil
	}
	d.Remedies[0].Lines[0].Place = journal.Place{Account: evil, Name: &journal.Name{Display: evil}}
	d.Remedies[0].Lines[0].Description = evil
	n := night("2026-03-04", reconcile.Differs, evil)
	n.By, n.Why = evil, evil
	member := reconcile.Member{Record: evil, Case: evil, CaseNo: evil, Name: evil, Since: "2026-02-01", Days: 31, In: 40000, Open: 40000, QuickBooks: 1}
	item := reconcile.Advance{Case: evil, CaseNo: evil, Name: evil, Item: evil, Vendor: evil, Since: "2026-02-01", Collected: 9000, Open: 9000, QuickBooks: 9000}
	ages := []reconcile.Age{{Label: "0–7 days"}, {Label: "8–30 days", Amount: 40000, Members: 1}}
	owed := reconcile.Figures{Passare: 1, Posted: 2, QuickBooks: 3, Accepted: 4}
	return &proofs{
		nights: []reconcile.Night{n}, open: []reconcile.Difference{d},
		clearing: reconcile.Clearing{Accounts: []reconcile.ClearingAccount{{Name: evil, Open: 40000, Ages: ages, Members: []reconcile.Member{member}, More: 3}}, Credits: []reconcile.Credit{{Case: evil, CaseNo: evil, Name: evil, Amount: 5}}},
		advances: reconcile.CashAdvances{Open: 9000, Items: []reconcile.Advance{item}, Ages: ages, More: 2},
		packet: reconcile.Packet{
			Entries: 1, Says: evil, Night: evil, Proofs: []reconcile.PacketSum{{Name: evil, Open: 5}}, Kinds: []reconcile.PacketKind{{What: evil, Entries: 1, Debits: 7}}, Open: []reconcile.Told{{ID: evil, Sentence: evil}}, Closed: true, ClosedBy: evil, ClosedAt: now(),
			Changes: []reconcile.Late{{Entry: evil, Doc: evil, Date: "2026-03-01", Posted: now()}},
		},
		cases: map[string]reconcile.CaseProof{"c1": {
			Case: evil, CaseNo: evil, Name: evil, Says: evil, Proved: now(), Rows: []reconcile.CaseRow{{Record: evil, What: evil, Date: "2026-03-01", Entry: evil, Owed: owed}}, Owed: owed,
			Customers: []reconcile.CustomerBalance{{ID: evil, Name: evil, Cases: 2, Read: now()}}, Clearing: []reconcile.Member{member}, Advances: []reconcile.Advance{item},
		}},
	}
}

func proofPages() []string {
	return []string{
		"/console/reconciliation", "/console/reconciliation/2026-03-04", "/console/differences/d1", "/console/cases/c1/proof", "/console/clearing", "/console/cash-advances", "/console/close-packets/2026-03",
	}
}

func TestThePagesOfTheProofShowWhatPeopleTypeAsText(t *testing.T) {
	t.Parallel()
	h := openProof(t, spitefulProofs())
	for _, path := range proofPages() {
		w := h.call(http.MethodGet, path, "ana", nil, nil)
		look(t, path, w)
		if body := h.body(w, http.StatusOK); strings.Contains(body, "ZgotmplZ") || len(body) > 100_000 {
			t.Errorf("%s: %d bytes", path, len(body))
		}
	}
	look(t, "asked", h.call(http.MethodGet, "/console/reconciliation?asked="+url.QueryEscape(evil), "ana", nil, nil))
	look(t, "act", h.call(http.MethodPost, "/console/differences/d1", "ana", url.Values{"action": {evil}, "reason": {evil}, "quickbooks_id": {evil}, "seen": {evil}}, nil))
	look(t, "month", h.call(http.MethodGet, "/console/close-packets/"+url.PathEscape(evil), "ana", nil, nil))
}

func TestThePagesOfTheProofAreForWhoMaySeeTheLog(t *testing.T) {
	t.Parallel()
	h := openProof(t, spitefulProofs())
	h.people.known["bob"] = org.Person{Subject: "bob", Name: "Bob", Org: "b", Permissions: []org.Permission{org.SeeLog, org.Manage}}
	for _, path := range append(proofPages(), "/console/close-packets/2026-03/entries.csv") {
		if w := h.call(http.MethodGet, path, "", nil, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%s to nobody: %d", path, w.Code)
		}
		if w := h.call(http.MethodGet, path, "cleo", nil, nil); w.Code != http.StatusForbidden {
			t.Errorf("%s without the permission: %d", path, w.Code)
		}
	}
	for _, path := range []string{"/console/reconciliation/2026-03-04", "/console/differences/d1", "/console/cases/c1/proof"} {
		if w := h.call(http.MethodGet, path, "bob", nil, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s of another organisation: %d", path, w.Code)
		}
	}
}

func TestAMonthIsClosedAndOpenedAgain(t *testing.T) {
	t.Parallel()
	p := &proofs{packet: reconcile.Packet{Says: "Nothing was posted in this month."}}
	h := openProof(t, p)
	if w := h.call(http.MethodGet, "/console/close-packets", "ana", nil, nil); w.Header().Get("Location") != "/console/close-packets/2026-03" {
		t.Error(w.Header())
	}
	body := h.body(h.call(http.MethodGet, "/console/close-packets/2026-03", "ana", nil, nil), http.StatusOK)
	if !strings.Contains(body, "March 2026") || !strings.Contains(body, "/console/close-packets/2026-02") || strings.Contains(body, "/console/close-packets/2026-04") || !strings.Contains(body, "Mark the month as closed") {
		t.Error(body)
	}
	for _, form := range []url.Values{{"closed": {"yes"}}, {"closed": {"no"}}} {
		if w := h.call(http.MethodPost, "/console/close-packets/2026-03", "ana", form, nil); w.Code != http.StatusSeeOther {
			t.Errorf("%d", w.Code)
		}
	}
	if diff := cmp.Diff([]bool{true, false}, p.closed); diff != "" {
		t.Error(diff)
	}
	h.body(h.call(http.MethodGet, "/console/close-packets/march", "ana", nil, nil), http.StatusUnprocessableEntity)
}

func TestTheAgeingIsDrawnToScaleWithTheSameFiguresAsATable(t *testing.T) {
	t.Parallel()
	p := spitefulProofs()
	p.clearing.Accounts[0].Ages = []reconcile.Age{{Label: "0–7 days", Amount: 10000, Members: 2}, {Label: "8–30 days", Amount: 20000, Members: 1}}
	h := openProof(t, p)
	body := h.body(h.call(http.MethodGet, "/console/clearing", "ana", nil, nil), http.StatusOK)
	for _, want := range []string{`width="150" height="22"`, `width="300" height="22"`, "<td>0–7 days</td><td class=\"num\">2</td><td class=\"num\">$100.00</td>"} {
		if !strings.Contains(body, want) {
			t.Errorf("without %s: %s", want, body)
		}
	}
}
