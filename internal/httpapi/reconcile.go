package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// Proofs serves the nightly proof that both books say the same.
type Proofs struct {
	Reader reconcile.Reader
	Charts Charts
	Books  Books
	Now    func() time.Time
}

const proofTag = "Reconciliation"

// Register adds the calls.
func (h *Proofs) Register(a *API) {
	register(a, call{
		id: "list-reconciliations", method: http.MethodGet, path: "/v1/reconciliations", tag: proofTag, needs: org.SeeLog,
		summary: "Lists the nights whose books were compared, newest first",
		about:   "Each night the organisation's entries here and in QuickBooks are compared; a proof that was asked for takes the place of that day's.",
		answer:  nightList{Nights: []reconcile.Night{exampleNight()}},
	}, h.nights)
	register(a, call{
		id: "get-reconciliation", method: http.MethodGet, path: "/v1/reconciliations/{date}", tag: proofTag, needs: org.SeeLog,
		summary: "What one night's proof found", answer: exampleNight(),
	}, h.night)
	register(a, call{
		id: "ask-reconciliation", method: http.MethodPost, path: "/v1/reconciliations", tag: proofTag, needs: org.SeeLog, status: http.StatusAccepted,
		summary: "Asks for both books to be compared now",
		about: "It begins a moment later; the day's night is `running` until it is done. With `full` everything is compared, not only what changed: that reads " +
			"each thousand entries and customers of the company once, and Intuit meters reads. While one is running another one is not begun.",
		fails: []fault.Code{fault.Conflict, fault.NotFound}, request: askBody{Full: true}, answer: asked{Night: "2026-03-04", AskedAt: *exampleAt(), Full: true},
	}, h.ask)
	register(a, call{
		id: "list-differences", method: http.MethodGet, path: "/v1/differences", tag: proofTag, needs: org.SeeLog,
		summary: "Lists the differences that are open, oldest and largest first", answer: differenceList{Differences: []reconcile.Difference{exampleDifference()}},
	}, h.differences)
	register(a, call{
		id: "get-difference", method: http.MethodGet, path: "/v1/differences/{id}", tag: proofTag, needs: org.SeeLog,
		summary: "One difference, with what can be done about it and what would be posted then", answer: exampleDifference(),
	}, h.difference)
	register(a, call{
		id: "act-on-difference", method: http.MethodPost, path: "/v1/differences/{id}/actions", tag: proofTag, needs: org.SeeLog,
		summary: "Does one of the things that a difference offers",
		about: "`repost`, `correct` and `reverse` post a journal entry by the rules that post everything; nothing in QuickBooks is edited or deleted. `accept`: QuickBooks is right. " +
			"`link` names another journal entry of QuickBooks. `ignore` needs a reason. QuickBooks is asked first whether it still has what was compared; if not, 412.",
		fails:   []fault.Code{fault.Conflict, fault.Stale, fault.Disconnected},
		request: actBody{Action: reconcile.Correct, Reason: "Typed over by mistake.", Seen: "78cf6a9e4ce4c4f9"}, answer: exampleDifference(),
	}, h.act)
	register(a, call{
		id: "get-case-proof", method: http.MethodGet, path: "/v1/cases/{id}/proof", tag: proofTag, needs: org.SeeLog,
		summary: "What a family owes by Passare, by our entries and by QuickBooks, record by record", answer: exampleCaseProof(),
	}, h.caseProof)
	register(a, call{
		id: "get-clearing", method: http.MethodGet, path: "/v1/clearing", tag: proofTag, needs: org.SeeLog,
		summary: "What stands on the clearing accounts, by member and age, and who has paid more than they owe",
		about:   "Each list has its 250 oldest; sums count all.", answer: reconcile.Clearing{Accounts: []reconcile.ClearingAccount{}, Credits: []reconcile.Credit{}},
	}, h.clearing)
	register(a, call{
		id: "get-cash-advances", method: http.MethodGet, path: "/v1/cash-advances", tag: proofTag, needs: org.SeeLog,
		summary: "What was collected for others and not paid to them, by case and item",
		about:   "The list has its 250 oldest; the sum counts all.", answer: reconcile.CashAdvances{Items: []reconcile.Advance{}, Ages: []reconcile.Age{}},
	}, h.advances)
	h.registerPackets(a)
}

func (h *Proofs) registerPackets(a *API) {
	packet := reconcile.Packet{Month: "2026-03", Kinds: []reconcile.PacketKind{}, Open: []reconcile.Told{}, Changes: []reconcile.Late{}, Proofs: []reconcile.PacketSum{{Name: "Deposits clearing", Open: 40000}}}
	register(a, call{
		id: "get-close-packet", method: http.MethodGet, path: "/v1/close-packets/{month}", tag: proofTag, needs: org.SeeLog,
		summary: "A month for the accountant: its entries in sum, open differences, and what came into it after it was closed", answer: packet,
	}, h.packet)
	register(a, call{
		id: "close-month", method: http.MethodPost, path: "/v1/close-packets/{month}", tag: proofTag, needs: org.SeeLog,
		summary: "Marks a month as closed, or opens it again", about: "Nothing is blocked by that: what comes into the month later is shown as such. QuickBooks' own close date is another thing.",
		fails: []fault.Code{fault.Conflict}, request: closeBody{Closed: true}, answer: packet,
	}, h.closeMonth)
	const path = "/v1/close-packets/{month}/entries.csv"
	register(a, call{
		id: "download-close-packet", method: http.MethodGet, path: path, tag: proofTag, needs: org.SeeLog,
		summary: "A month's journal lines as a CSV file", about: "At most about 25,000 rows or 5 MB are answered at once: then X-More is true and Link leads to the rest.",
		answer: "month\r\n",
	}, h.rows)
	answer := a.huma.OpenAPI().Paths[path].Get.Responses["200"]
	answer.Content = map[string]*huma.MediaType{csvType: {Schema: &huma.Schema{Type: "string"}, Example: "entry id,DocNumber\r\n"}}
}

type nightsInput struct {
	Limit  int    `query:"limit" default:"35" minimum:"1" maximum:"400" doc:"How many a page has."`
	Before string `query:"before" format:"date" doc:"Only nights before this one."`
}

type nightList struct {
	Nights []reconcile.Night `json:"nights" nullable:"false"`
}

type nightsOutput struct{ Body nightList }

func (h *Proofs) nights(ctx context.Context, p org.Person, in *nightsInput) (*nightsOutput, error) {
	list, err := h.Reader.Nights(ctx, p.Org, date.Date(in.Before), in.Limit)
	if err != nil {
		return nil, err
	}
	return &nightsOutput{nightList{append([]reconcile.Night{}, list...)}}, nil
}

type nightInput struct {
	Date string `path:"date" format:"date" example:"2026-03-04" doc:"The day whose books were compared."`
}

type nightOutput struct{ Body reconcile.Night }

func (h *Proofs) night(ctx context.Context, p org.Person, in *nightInput) (*nightOutput, error) {
	n, err := h.Reader.Night(ctx, p.Org, date.Date(in.Date))
	return &nightOutput{n}, err
}

type askBody struct {
	Full bool `json:"full,omitempty" doc:"Everything is compared, not only what changed."`
}

type askInput struct{ Body askBody }

type asked struct {
	Night   date.Date `json:"night" doc:"Under which it is found."`
	AskedAt time.Time `json:"asked_at"`
	Full    bool      `json:"full"`
}

type askOutput struct{ Body asked }

func (h *Proofs) ask(ctx context.Context, p org.Person, in *askInput) (*askOutput, error) {
	now := h.Now()
	if err := h.Reader.Ask(ctx, reconcile.Request{Org: p.Org, Full: in.Body.Full, Who: cmp.Or(p.Name, p.Subject)}); err != nil {
		return nil, err
	}
	return &askOutput{asked{reconcile.NightOf(now), now, in.Body.Full}}, nil
}

type differencesInput struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"How many a page has."`
	Cursor string `query:"cursor" maxLength:"100" doc:"The place after which the page begins: next of the page before."`
}

type differenceList struct {
	Differences []reconcile.Difference `json:"differences" nullable:"false"`
	Next        string                 `json:"next,omitempty" doc:"The cursor of the next page; absent on the last."`
}

type differencesOutput struct {
	Link string `header:"Link"`
	Body differenceList
}

func (h *Proofs) differences(ctx context.Context, p org.Person, in *differencesInput) (*differencesOutput, error) {
	list, next, err := h.Reader.Differences(ctx, p.Org, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &differencesOutput{Body: differenceList{append([]reconcile.Difference{}, list...), next}}
	if next != "" {
		out.Link = nextLink("/v1/differences", url.Values{"limit": {strconv.Itoa(in.Limit)}, "cursor": {next}})
	}
	return out, nil
}

// DifferenceName names a difference.
type DifferenceName struct {
	ID string `path:"id" maxLength:"100" example:"78cf6a9e4ce4c4f9" doc:"The id of a difference."`
}

type differenceOutput struct{ Body reconcile.Difference }

func (h *Proofs) difference(ctx context.Context, p org.Person, in *DifferenceName) (*differenceOutput, error) {
	d, err := h.Reader.Difference(ctx, p.Org, in.ID)
	return &differenceOutput{d}, err
}

type actBody struct {
	Action reconcile.Action `json:"action" enum:"repost,correct,reverse,accept,link,ignore"`
	Reason string           `json:"reason,omitempty" maxLength:"500"`
	Link   string           `json:"quickbooks_id,omitempty" maxLength:"50" doc:"Of link: the number of the journal entry in QuickBooks."`
	Seen   string           `json:"seen,omitempty" maxLength:"100" doc:"seen of the difference that was looked at; when it is another by now, 412."`
}

type actInput struct {
	DifferenceName
	Body actBody
}

func (h *Proofs) act(ctx context.Context, p org.Person, in *actInput) (*differenceOutput, error) {
	d, err := h.Reader.Act(ctx, p.Org, in.ID, reconcile.Act{
		Action: in.Body.Action, Reason: in.Body.Reason, Link: in.Body.Link, Seen: in.Body.Seen, Who: cmp.Or(p.Name, p.Subject),
	})
	return &differenceOutput{d}, err
}

type caseProofInput struct {
	ID string `path:"id" maxLength:"500" example:"case-24-0113" doc:"Passare's id of a case."`
}

type caseProofOutput struct{ Body reconcile.CaseProof }

func (h *Proofs) caseProof(ctx context.Context, p org.Person, in *caseProofInput) (*caseProofOutput, error) {
	c, err := h.Reader.Case(ctx, p.Org, in.ID)
	return &caseProofOutput{c}, err
}

type clearingOutput struct{ Body reconcile.Clearing }

func (h *Proofs) clearing(ctx context.Context, p org.Person, _ *struct{}) (*clearingOutput, error) {
	c, err := h.Reader.Clearing(ctx, p.Org)
	return &clearingOutput{c}, err
}

type advancesOutput struct{ Body reconcile.CashAdvances }

func (h *Proofs) advances(ctx context.Context, p org.Person, _ *struct{}) (*advancesOutput, error) {
	c, err := h.Reader.CashAdvances(ctx, p.Org)
	return &advancesOutput{c}, err
}

// Month is the month of an address.
type Month struct {
	Month string `path:"month" maxLength:"7" pattern:"^[0-9]{4}-[0-9]{2}$" example:"2026-03" doc:"A month."`
}

type packetOutput struct{ Body reconcile.Packet }

func (h *Proofs) packet(ctx context.Context, p org.Person, in *Month) (*packetOutput, error) {
	packet, err := h.Reader.Packet(ctx, p.Org, in.Month)
	return &packetOutput{packet}, err
}

type closeBody struct {
	Closed bool `json:"closed"`
}

type closeInput struct {
	Month
	Body closeBody
}

func (h *Proofs) closeMonth(ctx context.Context, p org.Person, in *closeInput) (*packetOutput, error) {
	packet, err := h.Reader.CloseMonth(ctx, p.Org, in.Month.Month, cmp.Or(p.Name, p.Subject), in.Body.Closed)
	return &packetOutput{packet}, err
}

type rowsInput struct {
	Month
	Cursor string `query:"cursor" maxLength:"1000" doc:"The place after which the rest begins: in Link of the answer before."`
}

type rowsOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Link        string `header:"Link"`
	More        string `header:"X-More" doc:"true when the rest is at Link."`
	Body        []byte
}

// Bounds of one answer with a month's rows: with the rows that are read at once, whatever is in them, it is below what Lambda carries.
const (
	rowsAtOnce = 100
	mostPacket = 2_500_000 // bytes, as a JSON string has them
)

func (h *Proofs) rows(ctx context.Context, p org.Person, in *rowsInput) (*rowsOutput, error) {
	accounts, err := h.Charts.AccountNames(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	written := counted{to: &file}
	cells := csv.NewWriter(&written)
	cells.UseCRLF = true
	_ = cells.Write([]string{
		"entry id", "transaction type", "case number", "decedent", "date", "DocNumber", "QuickBooks account", "debit", "credit", "name", "class", "location", "description", "QuickBooks id", "link", "in QuickBooks",
	})
	out := &rowsOutput{Type: csvType, Disposition: `attachment; filename="close-packet-` + in.Month.Month + `.csv"`}
	next, total := in.Cursor, 0
	for {
		var list []reconcile.PacketRow
		if list, next, err = h.Reader.PacketRows(ctx, p.Org, in.Month.Month, next, rowsAtOnce); err != nil {
			return nil, err
		}
		for _, r := range list {
			_ = cells.Write(h.rowOf(r, accounts))
		}
		cells.Flush() // what goes wrong is told at the end
		if total += len(list); next == "" || total >= mostRows || written.bytes > mostPacket {
			break
		}
	}
	if next != "" {
		out.More, out.Link = "true", nextLink("/v1/close-packets/"+in.Month.Month+"/entries.csv", url.Values{"cursor": {next}})
	}
	out.Body = file.Bytes()
	return out, cells.Error()
}

func (h *Proofs) rowOf(r reconcile.PacketRow, accounts map[string]string) []string {
	debit, credit, name := r.Line.Amount.String(), "", ""
	if r.Line.Side == journal.Credit {
		debit, credit = "", debit
	}
	if n := r.Line.Place.Name; n != nil {
		name = n.Display
	}
	row := []string{
		r.Entry, r.What, r.CaseNo, r.Name, string(r.Date), r.Doc, cmp.Or(accounts[r.Line.Place.Account], r.Line.Place.Account), debit, credit, name,
		r.Line.Place.Class, r.Line.Place.Location, r.Line.Description, r.QuickBooksID, h.Books.entry(r.QuickBooksID), r.InQuickBooks,
	}
	for i, cell := range row {
		row[i] = defused(cell)
	}
	return row
}

func exampleNight() reconcile.Night {
	return reconcile.Night{
		Date: "2026-03-04", State: reconcile.Differs, Began: *exampleAt(), Ended: *exampleAt(), Entries: 214, Amount: 18233010, Done: 180, Reads: 2, Found: 1, Open: 1, AtStake: 40000, Newest: *exampleAt(),
		Says:  "1 difference, $400.00. Compared: 214 entries, $182,330.10.",
		First: []reconcile.Told{{ID: "78cf6a9e4ce4c4f9", Class: reconcile.Deleted, Sentence: exampleDifference().Sentence, Amount: 40000, Found: *exampleAt()}},
	}
}

func exampleDifference() reconcile.Difference {
	return reconcile.Difference{
		ID: "78cf6a9e4ce4c4f9", Class: reconcile.Deleted, Entry: "payment.p1.1", Posting: 1, Case: "case-24-0113", CaseNo: "24-0113", Name: "John Smith", QuickBooksID: "147",
		Doc: "24-0113-YGO4II444M", Date: "2026-03-03", Amount: 40000, Found: *exampleAt(), Seen: "0afe01a32065a3ad",
		Sentence: "Journal entry 24-0113-YGO4II444M of 3/3/2026, $400.00 (payment p1, John Smith) was deleted in QuickBooks.",
		Fields:   []reconcile.Field{}, History: []reconcile.Done{{At: *exampleAt(), Who: "Passare sync", What: "Found."}},
		Remedies: []reconcile.Remedy{{Action: reconcile.Accept, Says: "It is right that QuickBooks does not have it: nothing is posted."}},
	}
}

func exampleCaseProof() reconcile.CaseProof {
	owed := reconcile.Figures{Passare: 60000, Posted: 60000, QuickBooks: 60000}
	return reconcile.CaseProof{
		Case: "case-24-0113", CaseNo: "24-0113", Name: "John Smith", Proved: *exampleAt(), Owed: owed, Agrees: true,
		Rows:      []reconcile.CaseRow{{Record: "goods_and_services/g1", What: "contract g1", Date: "2026-03-03", Entry: "goods_and_services.g1.1", Owed: owed}},
		Says:      "All agrees: the family owes $600.00 by Passare, by our entries and by QuickBooks.",
		Customers: []reconcile.CustomerBalance{}, Clearing: []reconcile.Member{}, Advances: []reconcile.Advance{},
	}
}
