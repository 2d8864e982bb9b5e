package qbosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/passare/qbo-sync/internal/money"
)

// JournalDraft is a journal entry as a person writes it on QuickBooks' own screen.
type JournalDraft struct {
	Date      string      `json:"date"` // 2026-03-04
	DocNumber string      `json:"doc_number"`
	Note      string      `json:"private_note"`
	Lines     []DraftLine `json:"lines"`
}

// DraftLine is a line of it. Account, entity, class and department are ids, or names as they show.
type DraftLine struct {
	Side        string      `json:"side"` // Debit, Credit
	Account     string      `json:"account"`
	Amount      money.Cents `json:"amount"`
	EntityType  string      `json:"entity_type"` // Customer, Vendor, Employee; empty: no name
	EntityID    string      `json:"entity_id"`
	Class       string      `json:"class"`
	Department  string      `json:"department"`
	Description string      `json:"description"`
}

// What follows is what people do by hand in QuickBooks. It obeys the rules of the API, shows in change data and webhooks, and is no call: nothing is counted.
// Errors: a company, an entry or a customer that there is not, and what QuickBooks refuses, as it says it.

// TypeJournalEntry makes a new entry and gives its id.
func (s *Sim) TypeJournalEntry(realm string, draft JournalDraft) (id string, err error) {
	return s.byHand(realm, func(co *company) (string, error) { return s.typeEntry(co, draft) })
}

// EditJournalEntry changes an entry. An entry that is left as it was is not changed.
func (s *Sim) EditJournalEntry(realm, id string, change func(*JournalDraft)) error {
	_, err := s.byHand(realm, func(co *company) (string, error) {
		return s.editEntry(co, id, func(d *JournalDraft) error {
			change(d)
			return nil
		})
	})
	return err
}

// DeleteJournalEntry deletes an entry.
func (s *Sim) DeleteJournalEntry(realm, id string) error {
	_, err := s.byHand(realm, func(co *company) (string, error) { return s.deleteEntry(co, id) })
	return err
}

// CopyJournalEntry makes a second entry of the same date and lines, as the Copy button does, and gives its id. Its number has "-1" behind it, or is empty
// where that would be too long; its note is the first one's, and so has our mark, or is empty.
func (s *Sim) CopyJournalEntry(realm, id string, withMark bool) (newID string, err error) {
	return s.byHand(realm, func(co *company) (string, error) { return s.copyEntry(co, id, withMark) })
}

// MergeCustomers merges a customer into another: it is deleted, and its entries and its balance are the other's from then on. Whether the entries count as
// changed is a switch (Switches.MergeTouchesEntries). Both are ids, or names as they show.
func (s *Sim) MergeCustomers(realm, from, into string) error {
	_, err := s.byHand(realm, func(co *company) (string, error) { return s.merge(co, from, into) })
	return err
}

// Owe lets a customer (an id, or a name as it shows) owe an amount more, or less, by a transaction that is no journal entry, such as an invoice. The balances
// of accounts are kept from journal entries alone and stay.
func (s *Sim) Owe(realm, customer string, amount money.Cents) error {
	_, err := s.byHand(realm, func(co *company) (string, error) { return s.owe(co, customer, amount) })
	return err
}

// byHand does something in a company under the lock. It gives the id of what it was done to.
func (s *Sim) byHand(realm string, do func(*company) (string, error)) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	co, ok := s.companies[realm]
	if !ok {
		return "", fmt.Errorf("qbosim: there is no company %s", realm)
	}
	id, err := do(co)
	if err != nil {
		return "", fmt.Errorf("qbosim: %w", err)
	}
	return id, nil
}

// handwork is something done by hand, as POST /_sim/realms/{realm}/hand takes it.
type handwork struct {
	Action   string          `json:"action"` // type, edit, delete, copy, merge, owe
	ID       string          `json:"id"`     // of the entry, or the customer; not for type
	Into     string          `json:"into"`   // merge: the customer that stays
	Amount   money.Cents     `json:"amount"` // owe
	WithMark bool            `json:"with_mark"`
	Entry    json.RawMessage `json:"entry"` // type, edit: a JournalDraft; what an edit leaves out stays, lines as a whole
}

func (s *Sim) handiwork(co *company, h handwork) (id string, err error) {
	switch h.Action {
	case "type":
		var draft JournalDraft
		if err := strict(bytes.NewReader(h.Entry), &draft); err != nil {
			return "", fmt.Errorf("entry: %w", err)
		}
		return s.typeEntry(co, draft)
	case "edit":
		return s.editEntry(co, h.ID, func(d *JournalDraft) error {
			lines := d.Lines
			if d.Lines = nil; h.Entry == nil {
				return errors.New("entry is missing")
			}
			if err := strict(bytes.NewReader(h.Entry), d); err != nil {
				return fmt.Errorf("entry: %w", err)
			}
			if d.Lines == nil {
				d.Lines = lines
			}
			return nil
		})
	case "delete":
		return s.deleteEntry(co, h.ID)
	case "copy":
		return s.copyEntry(co, h.ID, h.WithMark)
	case "merge":
		return s.merge(co, h.ID, h.Into)
	case "owe":
		return s.owe(co, h.ID, h.Amount)
	}
	return "", errors.New("action must be type, edit, delete, copy, merge or owe")
}

func (s *Sim) registerHand(mux *http.ServeMux) {
	mux.HandleFunc("POST /_sim/realms/{realm}/hand", s.realm(func(realm string, r *http.Request) (any, error) {
		var h handwork
		if err := strict(r.Body, &h); err != nil {
			return nil, err
		}
		id, err := s.handiwork(s.companies[realm], h)
		return map[string]string{"id": id}, err
	}))
}

func (s *Sim) typeEntry(co *company, draft JournalDraft) (string, error) {
	return done(s.create(co, s.entityNamed("JournalEntry"), co.written(draft, ordered{{"CurrencyRef", usd()}}), ""))
}

func (s *Sim) editEntry(co *company, id string, change func(*JournalDraft) error) (string, error) {
	r, err := co.there("JournalEntry", id)
	if err != nil {
		return "", err
	}
	draft := r.draft()
	if err := change(&draft); err != nil {
		return "", err
	}
	return done(s.update(co, r.x, r.meant(co.written(draft, r.doc)), ""))
}

func (s *Sim) deleteEntry(co *company, id string) (string, error) {
	r, err := co.there("JournalEntry", id)
	if err != nil {
		return "", err
	}
	return done(s.remove(co, r.x, r.meant(nil)))
}

func (s *Sim) copyEntry(co *company, id string, withMark bool) (string, error) {
	r, err := co.there("JournalEntry", id)
	if err != nil {
		return "", err
	}
	draft := r.draft()
	if draft.DocNumber != "" {
		draft.DocNumber += "-1"
	}
	if utf8.RuneCountInString(draft.DocNumber) > maxDocNumber {
		draft.DocNumber = ""
	}
	if !withMark {
		draft.Note = ""
	}
	return s.typeEntry(co, draft)
}

func (s *Sim) merge(co *company, from, into string) (string, error) {
	gone, err := co.there("Customer", from)
	if err != nil {
		return "", err
	}
	stays, err := co.there("Customer", into)
	if err != nil {
		return "", err
	}
	if gone == stays {
		return "", errors.New("a customer cannot be merged into itself")
	}
	for _, r := range co.rows["JournalEntry"] {
		if r.deleted || !slices.ContainsFunc(r.lines, func(l line) bool { return l.name == gone }) {
			continue
		}
		co.rename(r, gone, stays)
		if co.switches.MergeTouchesEntries {
			r.token++
			s.touch(co, r, "updated")
		}
	}
	seeded, _ := readSigned(gone.doc.text("Balance")) // nothing, unless it was seeded
	co.owed[stays.ident] += co.owed[gone.ident] + seeded
	delete(co.owed, gone.ident)
	gone.deleted = true
	s.mark(co, gone)
	stays.token++
	stays.merged = gone.ident
	s.touch(co, stays, "merged")
	return stays.ident, nil
}

// rename lets an entry name another customer. The rest of its lines stays as it was sent.
func (co *company) rename(r, gone, stays *row) {
	for i := range r.lines {
		if r.lines[i].name == gone {
			r.lines[i].name = stays
		}
	}
	list, _ := r.doc.get("Line").([]any)
	renamed := slices.Clone(list)
	for i, v := range list {
		l, _ := v.(ordered)
		detail := l.object("JournalEntryLineDetail")
		entity := detail.object("Entity")
		if entity.text("Type") == gone.x.name && entity.object("EntityRef").text("value") == gone.ident {
			renamed[i] = l.with("JournalEntryLineDetail", detail.with("Entity", entity.with("EntityRef", reference(stays))))
		}
	}
	r.doc = r.doc.with("Line", renamed)
}

func (s *Sim) owe(co *company, customer string, amount money.Cents) (string, error) {
	r, err := co.there("Customer", customer)
	if err != nil {
		return "", err
	}
	co.owed[r.ident] += amount
	s.touch(co, r, "updated")
	return r.ident, nil
}

// there is an object that was not deleted.
func (co *company) there(entity, named string) (*row, error) {
	r, ok := co.find(entity, co.known(entity, named))
	if !ok || r.deleted {
		return nil, fmt.Errorf("there is no %s %s in company %s", entity, named, co.realm)
	}
	return r, nil
}

// known is the id of an object that is named by its id or as it shows; what is neither is itself.
func (co *company) known(entity, named string) string {
	if _, ok := co.find(entity, named); ok {
		return named
	}
	for _, r := range co.rows[entity] {
		if !r.deleted && r.x.list() && (r.qualified() == named || r.called() == named) {
			return r.ident
		}
	}
	return named
}

// draft is an entry as its screen shows it.
func (r *row) draft() JournalDraft {
	d := JournalDraft{Date: r.doc.text("TxnDate"), DocNumber: r.doc.text("DocNumber"), Note: r.doc.text("PrivateNote")}
	id := func(r *row) string {
		if r == nil {
			return ""
		}
		return r.ident
	}
	for _, l := range r.lines {
		x := DraftLine{Side: l.side, Account: id(l.account), Amount: l.cents, EntityID: id(l.name), Class: id(l.class), Department: id(l.dept), Description: l.description}
		if l.name != nil {
			x.EntityType = l.name.x.name
		}
		d.Lines = append(d.Lines, x)
	}
	return d
}

// written is a draft in the API's form, over what an entry has beside it.
func (co *company) written(d JournalDraft, over ordered) ordered {
	ref := func(entity, named string) any {
		if named == "" {
			return nil
		}
		return ordered{{"value", co.known(entity, named)}}
	}
	lines := make([]any, len(d.Lines))
	for i, l := range d.Lines {
		detail := ordered{
			{"PostingType", l.Side},
			{"AccountRef", ref("Account", l.Account)},
			{"ClassRef", ref("Class", l.Class)},
			{"DepartmentRef", ref("Department", l.Department)},
		}
		if l.EntityType != "" {
			detail = append(detail, field{"Entity", ordered{{"Type", l.EntityType}, {"EntityRef", ref(l.EntityType, l.EntityID)}}})
		}
		lines[i] = ordered{
			{"Description", l.Description},
			{"Amount", json.Number(l.Amount.String())},
			{"DetailType", "JournalEntryLineDetail"},
			{"JournalEntryLineDetail", detail},
		}
	}
	return over.with("TxnDate", d.Date).with("DocNumber", d.DocNumber).with("PrivateNote", d.Note).with("Line", lines)
}

// meant adds to a write which object it means, as it is now: people see the present one.
func (r *row) meant(in ordered) ordered {
	return in.with("Id", r.ident).with("SyncToken", strconv.Itoa(r.token))
}

// done is the id of what an operation wrote, or why it was refused.
func done(r result) (string, error) {
	if !r.ok() {
		return "", errors.New(string(r.body))
	}
	o, _ := r.payload.(ordered)
	return o.text("Id"), nil
}
