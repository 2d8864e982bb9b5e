package qbosim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// create makes an object of what the client sent.
func (s *Sim) create(co *company, x *schema, in ordered, include string) result {
	r := s.newRow(co, x)
	doc, lines, wrong := s.build(co, r, in, include)
	if len(wrong) > 0 {
		return s.refused(http.StatusBadRequest, wrong...)
	}
	r.doc, r.lines = doc, lines
	co.counted(r)
	co.add(r)
	co.book(r, 1)
	s.notify(co, r, "created")
	return s.answer(x.name, co.show(r))
}

// build is the stored form of an object that was created or fully written: validated, with defaults, in the order of answers.
func (s *Sim) build(co *company, r *row, in ordered, include string) (ordered, []line, []serviceError) {
	own := in.without(r.x.kept...).without("Id", "SyncToken")
	switch r.x.name {
	case "JournalEntry":
		return s.buildEntry(co, r, own, include)
	case "Customer", "Vendor", "Employee":
		doc, e := co.buildName(r, own)
		return doc, nil, e
	case "Account":
		doc, e := co.buildAccount(r, own)
		return doc, nil, e
	case "Class", "Department":
		doc, e := co.buildListed(r, own)
		return doc, nil, e
	}
	return r.identified(own), nil, nil
}

// identified adds what every object has, in the entity's order.
func (r *row) identified(doc ordered) ordered {
	doc = append(doc.without("domain", "sparse", "Id", "SyncToken", "MetaData"),
		field{"domain", "QBO"}, field{"sparse", false}, field{"Id", r.ident}, field{"SyncToken", "0"}, field{"MetaData", ordered{}})
	kept := doc[:0]
	for _, f := range doc {
		if f.value != nil && f.value != "" {
			kept = append(kept, f)
		}
	}
	return kept.arranged(r.x.order)
}

// update writes an object: whole, so that what was left out is cleared, or sparse, so that it stays.
func (s *Sim) update(co *company, x *schema, in ordered, include string) result {
	r, e := s.target(co, x, in)
	if e != nil {
		return s.refused(http.StatusBadRequest, *e)
	}
	active := in.get("Active") != false
	if r.inactive && !active || r.inactive && !in.has("Active") {
		return s.refused(http.StatusBadRequest, broken("You cannot modify a list element that has been deleted."))
	}
	merged := in
	if in.get("sparse") == true {
		merged = r.doc
		for _, f := range in {
			if f.value == nil {
				merged = merged.without(f.key)
				continue
			}
			merged = merged.with(f.key, f.value)
		}
	}
	if r.inactive {
		merged = merged.with(x.nameField, strings.TrimSuffix(merged.text(x.nameField), r.suffix))
	}
	doc, lines, wrong := s.build(co, r, merged, include)
	if len(wrong) > 0 {
		return s.refused(http.StatusBadRequest, wrong...)
	}
	doc = r.computed(doc)
	if alike(normal(doc), normal(r.doc)) && active != r.inactive {
		return s.answer(x.name, co.show(r))
	}
	s.change(co, r, doc, lines, active)
	return s.answer(x.name, co.show(r))
}

// computed keeps what QuickBooks computes.
func (r *row) computed(doc ordered) ordered {
	for _, key := range []string{"Balance", "BalanceWithJobs", "CurrentBalance", "CurrentBalanceWithSubAccounts", "V4IDPseudonym"} {
		if v := r.doc.get(key); v != nil {
			doc = doc.with(key, v)
		}
	}
	return doc.arranged(r.x.order)
}

// normal is a document whose bookkeeping fields do not matter.
func normal(doc ordered) ordered {
	return doc.without("SyncToken", "MetaData", "Active", "sparse", "domain", "Id")
}

// alike compares values as QuickBooks does to see whether an update changes anything: the order of keys, absent fields, and how a number is written
// do not matter.
func alike(a, b any) bool {
	switch a := a.(type) {
	case ordered:
		b, ok := b.(ordered)
		return ok && covers(a, b) && covers(b, a)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, alike)
	}
	return scalar(a) == scalar(b) || isAmount(a) && isAmount(b) && order(scalar(a), scalar(b)) == 0
}

// isAmount says whether a value is a number as JSON has it, not a text.
func isAmount(v any) bool {
	_, ok := v.(json.Number)
	return ok
}

// covers says whether every field of b that is set is alike in a.
func covers(a, b ordered) bool {
	return !slices.ContainsFunc(b, func(f field) bool { return f.value != nil && !alike(f.value, a.get(f.key)) })
}

func (s *Sim) change(co *company, r *row, doc ordered, lines []line, active bool) {
	if doc.text("DocNumber") != r.doc.text("DocNumber") {
		co.docs[r.doc.text("DocNumber")] = without(co.docs[r.doc.text("DocNumber")], r)
		co.docs[doc.text("DocNumber")] = append(co.docs[doc.text("DocNumber")], r)
	}
	co.book(r, -1)
	r.doc, r.lines = doc, lines
	co.counted(r)
	co.book(r, 1)
	r.token++
	s.setActive(co, r, active)
	s.touch(co, r, "updated")
}

// touch says that an object was changed: in change data, and by webhooks.
func (s *Sim) touch(co *company, r *row, operation string) {
	s.mark(co, r)
	s.notify(co, r, operation)
}

// mark says it in change data alone.
func (s *Sim) mark(co *company, r *row) {
	r.updated = s.o.Now()
	co.changes++
	r.touched = co.changes
}

// setActive makes an object inactive, which renames it, or active again under its old name.
func (s *Sim) setActive(co *company, r *row, active bool) {
	if !r.x.list() || active == !r.inactive {
		return
	}
	r.inactive, r.suffix = !active, ""
	if active {
		return
	}
	r.suffix = deletedSuffix
	for n := 1; co.nameTaken(r, r.qualified()); n++ {
		r.suffix = fmt.Sprintf(" (deleted-%d)", n)
	}
}

// target is the object that a client means, if its token is the present one.
func (s *Sim) target(co *company, x *schema, in ordered) (*row, *serviceError) {
	fail := func(e serviceError) (*row, *serviceError) { return nil, &e }
	id := in.text("Id")
	if id == "" || strings.Trim(id, "0123456789") != "" {
		return fail(badID(id))
	}
	r, ok := co.find(x.name, id)
	switch {
	case !ok:
		if x.list() {
			return fail(inactive())
		}
		return fail(gone())
	case r.deleted:
		return fail(gone())
	case in.text("SyncToken") == "":
		return fail(missing("SyncToken"))
	case in.text("SyncToken") != fmt.Sprint(r.token):
		return fail(stale(cmp.Or(co.switches.OtherPerson, "another user")))
	}
	return r, nil
}

// remove deletes a transaction for good; there is no void of journal entries. List objects are made inactive instead.
func (s *Sim) remove(co *company, x *schema, in ordered) result {
	if x.list() {
		return s.refused(http.StatusBadRequest, unsupported("delete"))
	}
	if _, ok := co.find(x.name, in.text("Id")); !ok {
		return s.refused(http.StatusBadRequest, inactive())
	}
	r, e := s.target(co, x, in)
	if e == nil {
		e = co.closed(r.doc.text("TxnDate"))
	}
	if e != nil {
		return s.refused(http.StatusBadRequest, *e)
	}
	co.book(r, -1)
	r.deleted = true
	co.docs[r.doc.text("DocNumber")] = without(co.docs[r.doc.text("DocNumber")], r)
	s.touch(co, r, "deleted")
	return s.answer(x.name, ordered{{"domain", "QBO"}, {"status", "Deleted"}, {"Id", r.ident}})
}

func without[T comparable](list []T, x T) []T {
	var kept []T
	for _, y := range list {
		if y != x {
			kept = append(kept, y)
		}
	}
	return kept
}
