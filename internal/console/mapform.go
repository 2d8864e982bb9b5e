package console

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/setup"
)

// The beginnings of the names that a form has for a field: one whose id is picked from a list, and one that is found by what is typed.
const (
	pickPrefix = "pick."
	findPrefix = "find."
)

// mapForm is what a form about the mapping says. It need not show the whole mapping: what is not in it stays as it is.
type mapForm struct {
	Version  int64             // of the mapping that the person saw
	IDs      map[string]string // field → id that it shall stand on, of what is to change; empty: it shall not be mapped
	Typed    map[string]string // field → what was typed and is nothing in QuickBooks
	shown    map[string]bool   // the fields that were in the form
	problems map[string]string // field → what is wrong with it
	order    []string          // the fields of the problems, in their order
}

// formOf reads a form of the mapping that the person saw.
func (d drawn) formOf(f url.Values, seen org.Mapping) *mapForm {
	form := &mapForm{IDs: map[string]string{}, Typed: map[string]string{}, shown: map[string]bool{}, problems: map[string]string{}}
	form.Version = *versionOf(f)
	was := flat(seen)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		id, field := strings.TrimSpace(f.Get(name)), ""
		if picked, is := strings.CutPrefix(name, pickPrefix); is {
			field = picked
		} else if found, is := strings.CutPrefix(name, findPrefix); is {
			var problem string
			field = found
			if id, problem = d.accountNamed(field, id, was[field]); problem != "" {
				form.Typed[field] = strings.TrimSpace(f.Get(name))
				form.refuse(field, problem)
			}
		}
		if !isField(field) {
			continue
		}
		form.shown[field] = true
		if id != was[field] && form.problems[field] == "" {
			form.IDs[field] = id
		}
	}
	return form
}

// versionOf is the version that a form was made of.
func versionOf(f url.Values) *int64 {
	version, err := strconv.ParseInt(f.Get("version"), 10, 64)
	if err != nil {
		version = -1 // no version is that one: look at it again
	}
	return &version
}

// isField says whether a field is one of a mapping's.
func isField(field string) bool {
	if branch, part := branchOf(field); branch != "" {
		return part != ""
	}
	for _, prefix := range []string{"roles.", "gl_accounts."} {
		if rest, is := strings.CutPrefix(field, prefix); is {
			return rest != ""
		}
	}
	return false
}

// branchOf is the branch that a field is about, and which part of it: class or location.
func branchOf(field string) (branch, part string) {
	rest, is := strings.CutPrefix(field, "branches.")
	if !is {
		return "", ""
	}
	for _, part := range []string{"class", "location"} {
		if branch, is := strings.CutSuffix(rest, "."+part); is {
			return branch, part
		}
	}
	return rest, ""
}

// accountNamed finds the account that was typed: by its title, its name, or its number. What stands there already may be one that is not offered any more.
func (d drawn) accountNamed(field, text, was string) (id, problem string) {
	if text == "" || strings.EqualFold(text, d.nameOf(field, was)) {
		if text == "" {
			return "", ""
		}
		return was, ""
	}
	var ids []string
	for _, a := range d.Accounts {
		if !a.Active {
			continue
		}
		if strings.EqualFold(text, accountTitle(a)) || strings.EqualFold(text, a.FullyQualifiedName) {
			return a.ID, ""
		}
		if strings.EqualFold(text, a.Name) || text == a.Number {
			ids = append(ids, a.ID)
		}
	}
	switch len(ids) {
	case 1:
		return ids[0], ""
	case 0:
		return was, "is no account in QuickBooks. Choose one of those that are offered while you type"
	}
	return was, "is the name of more than one account in QuickBooks. Type it with the accounts that it is under"
}

func (f *mapForm) refuse(field, problem string) {
	if f.problems[field] == "" {
		f.order = append(f.order, field)
	}
	f.problems[field] = problem
}

// wrong names every field that is wrong, as a bookkeeper knows it.
func (f *mapForm) wrong(d drawn) (list []fault.Field) {
	for _, field := range f.order {
		list = append(list, fault.Field{Field: d.fieldTitle(field), Value: f.Typed[field], Problem: f.problems[field]})
	}
	return list
}

// fieldTitle is a field as a bookkeeper knows it: "Sales tax", "GL account 4410", "Branch Main, class".
func (d drawn) fieldTitle(field string) string {
	if role, is := strings.CutPrefix(field, "roles."); is {
		return capital(org.Role(role).Label())
	}
	if gl, is := strings.CutPrefix(field, "gl_accounts."); is {
		return org.GL(gl).Label()
	}
	branch, part := branchOf(field)
	if branch == "" {
		return "The mapping"
	}
	if part != "" {
		part = ", " + part
	}
	return "Branch " + d.branchName(branch) + part
}

// flat is a mapping by its fields.
func flat(m org.Mapping) map[string]string {
	fields := map[string]string{}
	add := func(field, id string) {
		if id != "" {
			fields[field] = id
		}
	}
	for role, id := range m.Roles {
		add("roles."+string(role), id)
	}
	for gl, id := range m.GL {
		add("gl_accounts."+gl, id)
	}
	for branch, at := range m.Branches {
		add("branches."+branch+".class", at.Class)
		add("branches."+branch+".location", at.Location)
	}
	return fields
}

// with is a mapping in which some fields stand elsewhere.
func with(m org.Mapping, changes map[string]string) org.Mapping {
	fields := flat(m)
	maps.Copy(fields, changes)
	next := org.Mapping{Roles: map[org.Role]string{}, GL: map[string]string{}, Branches: map[string]org.BranchPlace{}}
	for field, id := range fields {
		if id == "" {
			continue
		}
		if role, is := strings.CutPrefix(field, "roles."); is {
			next.Roles[org.Role(role)] = id
			continue
		}
		if gl, is := strings.CutPrefix(field, "gl_accounts."); is {
			next.GL[gl] = id
			continue
		}
		branch, part := branchOf(field)
		at := next.Branches[branch]
		if part == "class" {
			at.Class = id
		} else {
			at.Location = id
		}
		next.Branches[branch] = at
	}
	return next
}

// effectPage is what a change of the mapping would do. Nothing is done yet.
type effectPage struct {
	Query   string
	Version int64
	Changes []mapChange
	Fields  []typed // what is to be changed, as the form that saves it sends it
	Says    []string
	Note    string
}

// mapChange is one field that a change moves.
type mapChange struct {
	What     string
	UsedFor  []string
	From, To string
}

func (c *Console) previewMapping(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.changeMapping(w, r, p, true)
}

func (c *Console) saveMapping(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.changeMapping(w, r, p, false)
}

// changeMapping changes what a form says, or only shows what that would do. What the person chose is never lost: it is chosen again in what is answered.
func (c *Console) changeMapping(w http.ResponseWriter, r *http.Request, p org.Person, dry bool) {
	d, form, err := c.wanted(r, p)
	if err != nil {
		c.fail(w, r, p, err)
		return
	}
	if form.order != nil {
		c.mappingAgain(w, r, p, d, form)
		return
	}
	effect, err := c.Office.SaveMapping(r.Context(), p.Org, setup.MappingWish{Mapping: with(d.Mapping.Mapping, form.IDs), IfVersion: &form.Version, Who: p.Name, DryRun: dry})
	switch {
	case fault.Is(err, fault.Invalid):
		form.refused(err)
		c.mappingAgain(w, r, p, d, form)
	case fault.Is(err, fault.Stale):
		if d, err = c.drawn(r.Context(), p.Org); err != nil {
			c.fail(w, r, p, err)
			return
		}
		c.mappingAgain(w, r, p, d, form)
	case err != nil:
		c.fail(w, r, p, err)
	case len(effect.Changes) == 0:
		c.flash(w, true, "Nothing was changed: everything stands where you chose already.")
		http.Redirect(w, r, sameSearch(r), http.StatusSeeOther)
	case dry:
		c.show(w, r, p, http.StatusOK, "effect", "What this change would do", "mapping", d.effectOf(effect, form, clean(r.PostForm.Get("q"))))
	default:
		c.flash(w, true, savedText(effect))
		http.Redirect(w, r, sameSearch(r), http.StatusSeeOther)
	}
}

// sameSearch is the page of the mapping with the search that the person had.
func sameSearch(r *http.Request) string {
	if q := clean(r.PostForm.Get("q")); q != "" {
		return mappingPath + "?" + url.Values{"q": {q}}.Encode()
	}
	return mappingPath
}

// wanted reads what a form wants to change. A version that shall be brought back is a change of all in which it differs from the mapping.
func (c *Console) wanted(r *http.Request, p org.Person) (drawn, *mapForm, error) {
	d, err := c.drawn(r.Context(), p.Org)
	if err != nil {
		return d, nil, err
	}
	seen := d.Mapping.Mapping
	if version := *versionOf(r.PostForm); version != seen.Version {
		old, err := c.Office.Version(r.Context(), p.Org, version)
		if err != nil && !fault.Is(err, fault.NotFound) { // a version that is not kept had nothing in it
			return d, nil, err
		}
		seen = old.Mapping
	}
	form := d.formOf(r.PostForm, seen)
	if back := r.PostForm.Get("bring_back"); back != "" {
		number, _ := strconv.ParseInt(back, 10, 64)
		old, err := c.Office.Version(r.Context(), p.Org, number)
		if err != nil {
			return d, nil, err
		}
		form.bringBack(flat(d.Mapping.Mapping), flat(old.Mapping))
	}
	return d, form, nil
}

// bringBack makes the form that of a whole mapping.
func (f *mapForm) bringBack(now, then map[string]string) {
	for _, field := range slices.Concat(slices.Collect(maps.Keys(now)), slices.Collect(maps.Keys(then))) {
		if now[field] != then[field] {
			f.IDs[field], f.shown[field] = then[field], true
		}
	}
}

// refused takes over what the office found wrong.
func (f *mapForm) refused(err error) {
	for _, wrong := range fault.As(err).Fields {
		f.refuse(wrong.Field, wrong.Problem)
	}
}

// mappingAgain shows a form again that could not be taken: its rows with what was chosen, and every other row that is wrong.
func (c *Console) mappingAgain(w http.ResponseWriter, r *http.Request, p org.Person, d drawn, form *mapForm) {
	x := mappingPage{Query: clean(r.PostForm.Get("q")), Wrong: form.wrong(d)}
	status := http.StatusUnprocessableEntity
	if form.Version != d.Mapping.Mapping.Version {
		status, x.Changed = http.StatusPreconditionFailed, changedBy(d.Saved)+" What you chose is still chosen below, with their changes around it: look at it again, and go on."
	}
	rows := d.rows(form)
	x.fill(d, rows)
	x.sections(d, slices.DeleteFunc(rows, func(row mapRow) bool {
		return row.Wrong == "" && !slices.ContainsFunc(row.Picks, func(p pick) bool { return form.shown[p.Field] })
	}))
	c.show(w, r, p, status, "mapping", "Mapping", "mapping", x)
}

// changedBy says who changed the mapping since the person looked.
func changedBy(saved org.MappingVersion) string {
	who := cmp.Or(saved.Who, "Somebody")
	if !saved.At.IsZero() {
		who += ", on " + moment(saved.At) + ","
	}
	return who + " changed the mapping since you looked. Nothing of yours was saved yet."
}

// effectOf shows what a change would do.
func (d drawn) effectOf(effect setup.MappingEffect, form *mapForm, query string) effectPage {
	x := effectPage{Query: query, Version: form.Version, Says: effect.Says, Note: effect.Note}
	for _, field := range slices.Sorted(maps.Keys(form.IDs)) {
		x.Fields = append(x.Fields, typed{pickPrefix + field, form.IDs[field]})
	}
	for _, changed := range effect.Changes {
		x.Changes = append(x.Changes, d.changeOf(changed))
	}
	return x
}

func (d drawn) changeOf(changed org.Changed) mapChange {
	return mapChange{
		What: d.fieldTitle(changed.Field), UsedFor: d.rowOf(changed.Field).UsedFor, From: cmp.Or(changed.FromName, d.nameOf(changed.Field, changed.From)),
		To: cmp.Or(changed.ToName, d.nameOf(changed.Field, changed.To)),
	}
}

// savedText says what became of a change.
func savedText(e setup.MappingEffect) string {
	text := "The mapping is saved."
	if e.Going.Entries > 0 {
		text += " " + agreeing(e.Going, " that waited for it goes to QuickBooks now.", " that waited for it go to QuickBooks now.")
	}
	if e.Freed.More {
		text += " Some of them go within minutes; nobody has to do anything."
	}
	if e.Staying.Entries > 0 {
		text += " " + agreeing(e.Staying, " still waits: for another mapping, or for something else, too.", " still wait: for another mapping, or for something else, too.")
	}
	return text
}

// agreeing says how much waits, and goes on in the number that it has.
func agreeing(w setup.Waiting, one, many string) string {
	if w.Entries == 1 && !w.More {
		return capital(w.String()) + one
	}
	return capital(w.String()) + many
}
