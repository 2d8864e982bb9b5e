package qbosim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/money"
)

// NewAccount is an account of a company's chart.
type NewAccount struct{ Name, AccountType, AccountSubType string }

// Company is a company to be simulated.
type Company struct {
	Realm       string
	Name        string
	Accounts    []NewAccount
	Classes     []string
	Departments []string
}

// company is a simulated company's books.
type company struct {
	realm, name string
	created     time.Time
	rows        map[string][]*row      // by entity, in order of creation; deleted ones stay for change data
	byID        map[string]*row        // entity + "/" + id
	docs        map[string][]*row      // journal entries by DocNumber
	balances    map[string]money.Cents // of accounts by id, from journal entries, debit positive
	owed        map[string]money.Cents // by customers, by id
	requests    map[string]remembered  // by requestid
	switches    Switches
	counters    Counters
	calls       []time.Time
	batches     []time.Time
	nameWrites  int            // under way
	ids         int            // shared by transactions, names and lists
	largeIDs    map[string]int // the last one of entities whose ids are huge, as in newer companies
	addresses   int            // the last id of an address
	changes     int            // orders what changed within one second
}

// row is an object that QuickBooks keeps. doc has all fields in the order of answers; what changes by itself is put in when it is shown.
type row struct {
	x        *schema
	ident    string
	token    int
	created  time.Time
	updated  time.Time
	touched  int // order of changes within one second
	inactive bool
	suffix   string // behind the name while inactive
	deleted  bool   // a transaction, or a customer that was merged into another
	merged   string // the id of the customer that was merged into this one last
	doc      ordered
	lines    []line // of a journal entry
	fresh    bool   // was just created: a new account's answer has no LastUpdatedTime
}

// AddCompany makes a company. An existing one of that realm is replaced. It fails for a name that QuickBooks would not take.
func (s *Sim) AddCompany(c Company) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	co := &company{
		realm: c.Realm, name: c.Name, created: s.o.Now(), rows: map[string][]*row{}, byID: map[string]*row{}, docs: map[string][]*row{},
		balances: map[string]money.Cents{}, owed: map[string]money.Cents{}, requests: map[string]remembered{}, largeIDs: map[string]int{},
		counters: Counters{Requests: map[string]int{}, ReadsByMonth: map[string]int{}},
	}
	s.companies[c.Realm] = co
	add := func(entity string, in ordered) error {
		if r := s.create(co, s.entityNamed(entity), in, ""); !r.ok() {
			return fmt.Errorf("qbosim.AddCompany: %s %s: %s", entity, in.text("Name"), r.body)
		}
		return nil
	}
	var failed error
	for _, a := range c.Accounts {
		failed = errors.Join(failed, add("Account", ordered{{"Name", a.Name}, {"AccountType", a.AccountType}, {"AccountSubType", orNil(a.AccountSubType)}}))
	}
	for _, n := range c.Classes {
		failed = errors.Join(failed, add("Class", ordered{{"Name", n}}))
	}
	for _, n := range c.Departments {
		failed = errors.Join(failed, add("Department", ordered{{"Name", n}}))
	}
	return failed
}

// Seed puts objects into a company as QuickBooks once showed them: ids, tokens, times and all.
func (s *Sim) Seed(realm, entity string, objects ...json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	co, x := s.companies[realm], s.entityNamed(entity)
	if co == nil || x == nil {
		return fmt.Errorf("qbosim.Seed: there is no company %s, or no entity %s", realm, entity)
	}
	for _, raw := range objects {
		doc, err := parseObject(raw)
		if err != nil {
			return fmt.Errorf("qbosim.Seed: %w", err)
		}
		if err := s.seed(co, x, doc); err != nil {
			return fmt.Errorf("qbosim.Seed: %s %s: %w", x.name, doc.text("Id"), err)
		}
	}
	return nil
}

func (s *Sim) seed(co *company, x *schema, doc ordered) error {
	token, err := strconv.Atoi(doc.text("SyncToken"))
	if err != nil {
		return err
	}
	r := &row{x: x, ident: doc.text("Id"), token: token, doc: doc}
	meta := doc.object("MetaData")
	if r.created, err = time.Parse(time.RFC3339, meta.text("CreateTime")); err != nil {
		return err
	}
	if r.updated, err = time.Parse(time.RFC3339, meta.text("LastUpdatedTime")); err != nil {
		r.updated = r.created
	}
	r.inactive = doc.text("Active") == "false"
	if r.inactive {
		for _, key := range []string{x.nameField, "FullyQualifiedName"} {
			if base, cut := strings.CutSuffix(doc.text(key), deletedSuffix); cut {
				r.doc, r.suffix = r.doc.with(key, base), deletedSuffix
			}
		}
	}
	if x.name == "JournalEntry" {
		s.unknownAccounts(co, doc)
		lines, wrong := co.readLines(doc)
		if len(wrong) > 0 {
			return fmt.Errorf("%s", wrong[0].Detail)
		}
		r.lines = lines
		co.book(r, 1)
	}
	co.counted(r)
	co.add(r)
	return nil
}

// hugeID is where the ids of a sequence of its own begin, far above those that a company counts together.
const hugeID = 1 << 30

// counted makes the ids of what comes next follow those of a seeded object.
func (co *company) counted(r *row) {
	n, err := strconv.Atoi(r.ident)
	switch {
	case err != nil:
	case n >= hugeID:
		co.largeIDs[r.x.name] = max(co.largeIDs[r.x.name], n)
	default:
		co.ids = max(co.ids, n)
	}
	for _, key := range addressFields() {
		if n, err := strconv.Atoi(r.doc.object(key).text("Id")); err == nil {
			co.addresses = max(co.addresses, n)
		}
	}
}

// unknownAccounts makes the accounts that a seeded entry names and the company does not have.
func (s *Sim) unknownAccounts(co *company, doc ordered) {
	list, _ := doc.get("Line").([]any)
	for _, v := range list {
		l, _ := v.(ordered)
		ref := l.object("JournalEntryLineDetail").object("AccountRef")
		if _, known := co.find("Account", ref.text("value")); known || ref == nil {
			continue
		}
		co.add(&row{x: s.entityNamed("Account"), ident: ref.text("value"), doc: ordered{
			{"Name", ref.text("name")}, {"FullyQualifiedName", ref.text("name")}, {"Active", true}, {"AccountType", "Other Current Asset"},
		}})
	}
}

func (co *company) add(r *row) {
	co.changes++
	r.touched = co.changes
	co.rows[r.x.name] = append(co.rows[r.x.name], r)
	co.byID[r.x.name+"/"+r.ident] = r
	if doc := r.doc.text("DocNumber"); r.x.name == "JournalEntry" && doc != "" {
		co.docs[doc] = append(co.docs[doc], r)
	}
}

func (co *company) find(entity, id string) (*row, bool) {
	r, ok := co.byID[entity+"/"+id]
	return r, ok
}

// newRow makes a row of the next id; it is not in the books yet, and the id is taken only when it is.
func (s *Sim) newRow(co *company, x *schema) *row {
	now := s.o.Now()
	r := &row{x: x, created: now, updated: now, fresh: true}
	if last, huge := co.largeIDs[x.name]; huge {
		r.ident = strconv.Itoa(last + 1)
	} else {
		r.ident = strconv.Itoa(co.ids + 1)
	}
	return r
}

// deletedSuffix is what QuickBooks writes behind the name of an inactive object (quickbooks.md, Names).
const deletedSuffix = " (deleted)"

// called is the object's name, as it shows.
func (r *row) called() string { return r.doc.text(r.x.nameField) + r.suffix }

// qualified is the name with those of its parents, which is what must be unique.
func (r *row) qualified() string {
	if s := r.doc.text("FullyQualifiedName"); s != "" {
		return s + r.suffix
	}
	return r.called()
}

// show is the object as QuickBooks answers it now.
func (co *company) show(r *row) ordered {
	meta := ordered{{"CreateTime", second(r.created)}, {"LastUpdatedTime", second(r.updated)}}
	if r.x.name == "Account" && r.fresh {
		meta = meta[:1]
	}
	shown := make(ordered, 0, len(r.doc))
	for _, f := range r.doc {
		switch f.key {
		case "SyncToken":
			f.value = strconv.Itoa(r.token)
		case "MetaData":
			f.value = meta
		case "Active":
			f.value = !r.inactive
		case r.x.nameField, "FullyQualifiedName":
			f.value = scalar(f.value) + r.suffix
		case "Line":
			if r.x.name == "JournalEntry" {
				f.value = co.refreshed(f.value)
			}
		case "Balance", "BalanceWithJobs":
			if r.x.name == "Customer" {
				f.value = plus(f.value, co.owed[r.ident])
			}
		case "CurrentBalance", "CurrentBalanceWithSubAccounts":
			if class := r.doc.text("Classification"); class != "Revenue" && class != "Expense" {
				f.value = plus(f.value, co.balances[r.ident])
			}
		}
		shown = append(shown, f)
	}
	r.fresh = false
	return shown
}

// plus adds to an amount as it was seeded; a zero stays as it was written.
func plus(value any, cents money.Cents) any {
	if cents == 0 {
		return value
	}
	base, e := readSigned(scalar(value))
	if e != nil {
		return value
	}
	return json.Number((base + cents).String())
}

// refreshed has the names of references as they are now.
func (co *company) refreshed(lines any) any {
	list, _ := lines.([]any)
	out := make([]any, len(list))
	for i, v := range list {
		l, _ := v.(ordered)
		d := slices.Clone(l.object("JournalEntryLineDetail"))
		for k := range d {
			inner, _ := d[k].value.(ordered)
			switch d[k].key {
			case "AccountRef":
				d[k].value = co.renamed("Account", inner)
			case "ClassRef":
				d[k].value = co.renamed("Class", inner)
			case "DepartmentRef":
				d[k].value = co.renamed("Department", inner)
			case "Entity":
				d[k].value = inner.with("EntityRef", co.renamed(inner.text("Type"), inner.object("EntityRef")))
			}
		}
		out[i] = l.with("JournalEntryLineDetail", d)
	}
	return out
}

func (co *company) renamed(entity string, ref ordered) ordered {
	if r, ok := co.find(entity, ref.text("value")); ok {
		return ordered{{"value", r.ident}, {"name", r.qualified()}}
	}
	return ref
}

// preferences: BookCloseDate is absent while the books are open.
func (co *company) preferences() ordered {
	return ordered{
		{"AccountingInfoPrefs", ordered{
			{"FirstMonthOfFiscalYear", "January"},
			{"UseAccountNumbers", false},
			{"BookCloseDate", orNil(co.switches.BookCloseDate)},
			{"TaxYearMonth", "January"},
			{"ClassTrackingPerTxn", false},
			{"TrackDepartments", len(co.rows["Department"]) > 0},
			{"ClassTrackingPerTxnLine", len(co.rows["Class"]) > 0},
		}},
		{"CurrencyPrefs", ordered{{"MultiCurrencyEnabled", co.switches.Multicurrency}, {"HomeCurrency", ordered{{"value", "USD"}}}}},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", "1"},
		{"SyncToken", "0"},
	}
}

func (co *company) info() ordered {
	return ordered{
		{"CompanyName", co.name},
		{"LegalName", co.name},
		{"CompanyStartDate", pacific(co.created).Format("2006-01-02")},
		{"FiscalYearStartMonth", "January"},
		{"Country", "US"},
		{"SupportedLanguages", "en"},
		{"domain", "QBO"},
		{"sparse", false},
		{"Id", "1"},
		{"SyncToken", "0"},
		{"MetaData", ordered{{"CreateTime", second(co.created)}, {"LastUpdatedTime", second(co.created)}}},
	}
}
