package qbosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/money"
)

// Switches are a company's settings that the API does not show, or that tests turn.
type Switches struct {
	BookCloseDate        string `json:"book_close_date"`        // entries on or before it are refused (6210); empty: open books
	DuplicateNumberCheck bool   `json:"duplicate_number_check"` // a DocNumber in use is refused (6140)
	IgnoreRequestID      bool   `json:"ignore_requestid"`       // a repeat is carried out again
	ReplayFailures       bool   `json:"replay_failures"`        // a refused write is remembered by its requestid, too
}

// Counters count a company's calls.
type Counters struct {
	Requests map[string]int `json:"requests"` // "POST journalentry": n
	Reads    int            `json:"reads"`    // metered by Intuit
	Writes   int            `json:"writes"`
}

func (co *company) count(c call) {
	first, _, _ := strings.Cut(c.path, "/")
	co.counters.Requests[c.method+" "+first]++
	if c.write() {
		co.counters.Writes++
	} else {
		co.counters.Reads++
	}
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
	c := Counters{Requests: map[string]int{}}
	if co, ok := s.companies[realm]; ok {
		c.Reads, c.Writes = co.counters.Reads, co.counters.Writes
		for k, n := range co.counters.Requests {
			c.Requests[k] = n
		}
	}
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
	for _, o := range co.rows("JournalEntry") {
		if e, ok := o.(*entry); ok {
			list = append(list, e.journal())
		}
	}
	return list
}

func (e *entry) journal() JournalEntry {
	j := JournalEntry{ID: e.ident, DocNumber: e.doc, Date: string(e.on), Note: e.note}
	for _, l := range e.lines {
		x := JournalLine{Side: l.side, Account: l.account.name, Amount: l.cents.String(), Description: l.description}
		if l.name != nil {
			x.Entity = &Entity{Type: l.name.kind, Name: l.name.display}
		}
		if l.class != nil {
			x.Class = l.class.name
		}
		if l.dept != nil {
			x.Department = l.dept.name
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
		for _, o := range co.rows("Account") {
			if a, ok := o.(*account); ok {
				if b, used := co.balances[a.ident]; used {
					balances[a.name] = b
				}
			}
		}
	}
	return balances
}

func (s *Sim) registerSwitches(mux *http.ServeMux) {
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
		if _, err := date.Parse(x.BookCloseDate); x.BookCloseDate != "" && err != nil {
			return nil, fmt.Errorf("book_close_date %w", err)
		}
		s.companies[realm].switches = x
		return x, nil
	}))
	mux.HandleFunc("GET /_sim/realms/{realm}/counters", s.realm(func(realm string, _ *http.Request) (any, error) {
		return s.companies[realm].counters, nil
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
