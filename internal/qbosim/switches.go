package qbosim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// Switches are a company's settings that QuickBooks has and its API does not show, and the points where its behaviour is not known for sure.
type Switches struct {
	BookCloseDate               string `json:"book_close_date"`                // entries on or before it are refused (6210); empty: open books
	ClosedCode                  string `json:"closed_code"`                    // of the fault for closed books: 6200, or empty: 6210
	DuplicateNumberCheck        bool   `json:"duplicate_number_check"`         // a DocNumber in use is refused (6140)
	StrictBatchIDs              bool   `json:"strict_batch_ids"`               // an item whose requestid and bId have more than 50 characters together is refused (6000)
	DuplicateRequestIDFault     bool   `json:"duplicate_requestid_fault"`      // a repeat is refused (600) instead of answered as the first time
	IgnoreRequestID             bool   `json:"ignore_requestid"`               // a repeat is carried out again
	ReplayFailures              bool   `json:"replay_failures"`                // a refused write is remembered by its requestid, too
	RequestIDSeconds            int    `json:"requestid_seconds"`              // how long a requestid is remembered; 0: for ever
	Multicurrency               bool   `json:"multicurrency"`                  // CurrencyRef is required, ExchangeRate answered
	RefuseReceivableWithPayable bool   `json:"refuse_receivable_with_payable"` // control accounts are not mixed in one entry
	InactiveNamesTaken          bool   `json:"inactive_names_taken"`           // 6240 also for the names of inactive objects
	ColonCode                   string `json:"colon_code"`                     // fault code for a colon in a name; empty: 2040
	LockNames                   bool   `json:"lock_names"`                     // two name writes at once: the second is refused (6000)
	Throttle                    bool   `json:"throttle"`                       // 10 calls a second, 500 and 40 batches a minute; beyond: 429
	OtherBatches                int    `json:"other_batches"`                  // batches that other apps send to the company in each minute; 120 are allowed to all
	MonthlyReads                int    `json:"monthly_reads"`                  // reads of a calendar month; beyond: 429; 0: no limit
	ChangeDays                  int    `json:"change_days"`                    // how far change data goes back; 0: to the beginning
	MergeTouchesEntries         bool   `json:"merge_touches_entries"`          // the entries of a customer that is merged into another count as changed
	NoAccess                    bool   `json:"no_access"`                      // the person who connected lost their access (120)
	SubscriptionEnded           bool   `json:"subscription_ended"`             // writes are refused (6190)
	XMLFaults                   bool   `json:"xml_faults"`                     // the gateway's faults come as XML whatever is accepted
	Rotation                    string `json:"rotation"`                       // of refresh tokens: "" daily, "always", "never"
	HardEnd                     string `json:"hard_end"`                       // RFC 3339: after it the grant is dead (Intuit: five years)
	ReuseRevokes                bool   `json:"reuse_revokes"`                  // a refresh token that was replaced ends the grant when it is used again
	ConcurrentRevokes           bool   `json:"concurrent_revokes"`             // two refreshes at once end the grant
	OtherPerson                 string `json:"other_person"`                   // who works on the books, too, as 5010 names them; empty: another user
	UserNotInRealm              bool   `json:"user_not_in_realm"`              // the person who connected left the company: refreshing is refused
	AutoConsent                 bool   `json:"auto_consent"`                   // the authorize page consents by itself
}

func (x Switches) colonCode() string {
	if x.ColonCode == "" {
		return "2040"
	}
	return x.ColonCode
}

func (x Switches) hardEnd() time.Time {
	t, _ := time.Parse(time.RFC3339, x.HardEnd)
	return t
}

func (x Switches) hardEnded(now time.Time) bool { return x.HardEnd != "" && !now.Before(x.hardEnd()) }

// wrong says what is wrong with the switches, or nothing.
func (x Switches) wrong() string {
	_, dateErr := date.Parse(x.BookCloseDate)
	_, endErr := time.Parse(time.RFC3339, x.HardEnd)
	switch {
	case x.BookCloseDate != "" && dateErr != nil:
		return "book_close_date " + dateErr.Error()
	case x.HardEnd != "" && endErr != nil:
		return "hard_end must be a time such as 2028-10-01T00:00:00Z"
	case x.ClosedCode != "" && x.ClosedCode != "6200" && x.ClosedCode != "6210":
		return "closed_code must be empty, 6200 or 6210"
	case x.Rotation != rotateDaily && x.Rotation != rotateAlways && x.Rotation != rotateNever:
		return "rotation must be empty, always or never"
	case x.OtherBatches < 0 || x.RequestIDSeconds < 0 || x.MonthlyReads < 0 || x.ChangeDays < 0:
		return "numbers must not be negative"
	}
	return ""
}

// Counters count a company's calls.
type Counters struct {
	Requests     map[string]int `json:"requests"` // "POST journalentry": n
	Reads        int            `json:"reads"`    // metered by Intuit
	Writes       int            `json:"writes"`   // items of batches one by one
	ReadsByMonth map[string]int `json:"reads_by_month"`
	Throttled    int            `json:"throttled"` // answered 429
}

// SetSwitches sets a company's switches.
func (s *Sim) SetSwitches(realm string, x Switches) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if co, ok := s.companies[realm]; ok {
		co.switches = x
	}
}

// Script adds a fault to meet the next calls that fit.
func (s *Sim) Script(f Fault) error {
	if wrong := f.wrong(); wrong != "" {
		return fmt.Errorf("qbosim.Script: %s", wrong)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// Counted are a company's counters.
func (s *Sim) Counted(realm string) Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	if co, ok := s.companies[realm]; ok {
		return co.counters.clone()
	}
	return Counters{Requests: map[string]int{}}
}

func (c Counters) clone() Counters {
	c.Requests, c.ReadsByMonth = maps.Clone(c.Requests), maps.Clone(c.ReadsByMonth)
	return c
}

// Entity is the name on a line of the journal.
type Entity struct {
	Type string `json:"type"`
	Name string `json:"name"`
}

// JournalLine is a line of the journal; what is empty is absent.
type JournalLine struct {
	Side        string  `json:"side"`
	Account     string  `json:"account"`
	Amount      string  `json:"amount"`
	Entity      *Entity `json:"entity,omitempty"`
	Class       string  `json:"class,omitempty"`
	Department  string  `json:"department,omitempty"`
	Description string  `json:"description,omitempty"`
}

// JournalEntry is an entry of the journal.
type JournalEntry struct {
	ID        string        `json:"id"`
	DocNumber string        `json:"doc_number"`
	Date      string        `json:"date"`
	Note      string        `json:"private_note"`
	Lines     []JournalLine `json:"lines"`
}

// Journal lists a company's entries, oldest first.
func (s *Sim) Journal(realm string) []JournalEntry {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []JournalEntry{}
	co, ok := s.companies[realm]
	if !ok {
		return list
	}
	for _, r := range co.rows["JournalEntry"] {
		if !r.deleted {
			list = append(list, r.journal())
		}
	}
	return list
}

func (r *row) journal() JournalEntry {
	j := JournalEntry{ID: r.ident, DocNumber: r.doc.text("DocNumber"), Date: r.doc.text("TxnDate"), Note: r.doc.text("PrivateNote")}
	called := func(r *row) string {
		if r == nil {
			return ""
		}
		return r.doc.text(r.x.nameField)
	}
	for _, l := range r.lines {
		x := JournalLine{Side: l.side, Account: called(l.account), Amount: l.cents.String(), Class: called(l.class), Department: called(l.dept), Description: l.description}
		if l.name != nil {
			x.Entity = &Entity{Type: l.name.x.name, Name: called(l.name)}
		}
		j.Lines = append(j.Lines, x)
	}
	return j
}

// Balances are the balances of a company's accounts by name, debit positive; accounts never used are left out.
func (s *Sim) Balances(realm string) map[string]money.Cents {
	s.mu.Lock()
	defer s.mu.Unlock()
	balances := map[string]money.Cents{}
	if co, ok := s.companies[realm]; ok {
		for _, r := range co.rows["Account"] {
			if b, used := co.balances[r.ident]; used {
				balances[r.doc.text("Name")] = b
			}
		}
	}
	return balances
}

// CustomerBalance is what QuickBooks shows as a customer's balance, kept from the lines on Accounts Receivable.
func (s *Sim) CustomerBalance(realm, called string) money.Cents {
	s.mu.Lock()
	defer s.mu.Unlock()
	if co, ok := s.companies[realm]; ok {
		for _, r := range co.rows["Customer"] {
			if !r.deleted && r.doc.text("DisplayName") == called {
				return co.owed[r.ident]
			}
		}
	}
	return 0
}

// Deactivate makes an object inactive, which renames it and frees its name. It says whether there is one.
func (s *Sim) Deactivate(realm, entity, called string) bool {
	return s.activate(realm, entity, called, false)
}

// Activate makes an object active again under its old name.
func (s *Sim) Activate(realm, entity, called string) bool {
	return s.activate(realm, entity, called, true)
}

func (s *Sim) activate(realm, entity, called string, active bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	co, ok := s.companies[realm]
	if !ok {
		return false
	}
	for _, r := range co.rows[entity] {
		if !r.deleted && r.x.list() && r.doc.text(r.x.nameField) == called {
			s.setActive(co, r, active)
			r.token++
			s.touch(co, r, "updated")
			return true
		}
	}
	return false
}

// Hook sends a webhook to an address for whatever changes in any company from now on.
func (s *Sim) Hook(address, verifier string, legacy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook{URL: address, Verifier: verifier, Legacy: legacy})
}

func (s *Sim) registerSwitches(mux *http.ServeMux) {
	s.registerHand(mux)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, listed()) })
	mux.HandleFunc("POST /_sim/faults", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		if err := strict(r.Body, &f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := s.Script(f); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/realms/{realm}", s.realm(func(realm string, _ *http.Request) (any, error) {
		return struct {
			Switches
			Name         string `json:"name"`
			RefreshToken string `json:"refresh_token"`
		}{s.companies[realm].switches, s.companies[realm].name, s.newRefresh(realm)}, nil
	}))
	mux.HandleFunc("POST /_sim/realms/{realm}", s.realm(func(realm string, r *http.Request) (any, error) {
		x := s.companies[realm].switches
		if err := strict(r.Body, &x); err != nil {
			return nil, err
		}
		if wrong := x.wrong(); wrong != "" {
			return nil, errors.New(wrong)
		}
		s.companies[realm].switches = x
		return x, nil
	}))
	mux.HandleFunc("POST /_sim/hooks", func(w http.ResponseWriter, r *http.Request) {
		var h hook
		if err := strict(r.Body, &h); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		s.Hook(h.URL, h.Verifier, h.Legacy)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/realms/{realm}/counters", s.realm(func(realm string, _ *http.Request) (any, error) {
		return s.companies[realm].counters.clone(), nil
	}))
	mux.HandleFunc("GET /_sim/realms/{realm}/journal", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, map[string]any{"entries": s.Journal(r.PathValue("realm"))})
	})
}

// realm answers a switch of an existing company under the lock.
func (s *Sim) realm(answer func(realm string, r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, ok := s.companies[r.PathValue("realm")]; !ok {
			http.Error(w, "there is no company of this realm", http.StatusNotFound)
			return
		}
		v, err := answer(r.PathValue("realm"), r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		writeJSON(w, v)
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}

func strict(body io.Reader, into any) error {
	raw, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}
