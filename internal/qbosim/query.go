package qbosim

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Paging of queries.
const (
	defaultRows = 100
	maxRows     = 1000
)

// statement is a parsed query.
type statement struct {
	x          *schema
	count      bool
	columns    []string // of what is asked for; none: all
	conditions []condition
	orders     []ordering
	start, max int
}

// ordering is one key of ORDERBY.
type ordering struct {
	property   string
	descending bool
}

type condition struct {
	property, operator string
	values             []string
	not                bool
}

func (s *Sim) query(co *company, c call) result {
	text := c.query.Get("query")
	if text == "" && c.method == http.MethodPost {
		text = string(c.body)
	}
	response, e := s.ask(co, text)
	if e != nil {
		return s.refused(http.StatusBadRequest, *e)
	}
	return s.answer("QueryResponse", response)
}

// ask carries out a statement.
func (s *Sim) ask(co *company, text string) (ordered, *serviceError) {
	st, e := s.parse(text)
	if e != nil {
		return nil, e
	}
	rows, e := co.run(st)
	switch {
	case e != nil:
		return nil, e
	case st.count:
		return ordered{{"totalCount", len(rows)}}, nil
	}
	rows = rows[min(st.start-1, len(rows)):]
	rows = rows[:min(st.max, len(rows))]
	if len(rows) == 0 {
		return ordered{}, nil
	}
	shown := make([]any, len(rows))
	for i, r := range rows {
		shown[i] = only(co.show(r), st.columns)
	}
	response := ordered{{st.x.name, shown}, {"startPosition", st.start}, {"maxResults", len(rows)}}
	if st.x.total {
		response = append(response, field{"totalCount", len(rows)})
	}
	return response, nil
}

// only has the columns that were asked for, beside what every object carries.
func only(shown ordered, columns []string) ordered {
	if len(columns) == 0 {
		return shown
	}
	some := ordered{{"domain", "QBO"}, {"sparse", true}, {"Id", shown.get("Id")}}
	for _, f := range shown {
		inner, nested := f.value.(ordered)
		for _, column := range columns {
			key, path, deep := strings.Cut(column, ".")
			switch {
			case !strings.EqualFold(key, f.key) || some.has(f.key):
			case deep && nested:
				some = append(some, field{f.key, slices.DeleteFunc(slices.Clone(inner), func(g field) bool { return !strings.EqualFold(g.key, path) })})
			case !deep:
				some = append(some, f)
			}
		}
	}
	return some
}

// run finds the rows, in QuickBooks' order: transactions by their last change, newest first; lists by name.
func (co *company) run(st statement) ([]*row, *serviceError) {
	for _, c := range st.conditions {
		if e := st.x.queryable(c.property); e != nil {
			return nil, e
		}
		if e := c.badIDs(); e != nil {
			return nil, e
		}
	}
	for _, o := range st.orders {
		if e := st.x.queryable(o.property); e != nil {
			return nil, e
		}
	}
	for _, column := range st.columns {
		if e := st.x.property(column); e != nil {
			return nil, e
		}
	}
	var rows []*row
	for _, r := range co.candidates(st) {
		if !r.deleted && matches(co, r, st.conditions) {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b *row) int { return compare(co, a, b, st) })
	return rows, nil
}

// badIDs is the fault for an id in a condition that is no number, or nothing.
func (c condition) badIDs() *serviceError {
	if !strings.EqualFold(c.property, "Id") || c.operator == "like" || c.operator == "contains" {
		return nil
	}
	for _, id := range c.values {
		if id == "" || strings.Trim(id, "0123456789") != "" {
			e := badID(id)
			return &e
		}
	}
	return nil
}

// candidates: objects are looked up by their ids, and entries by their numbers, without reading the whole list. A company has its information and preferences once.
func (co *company) candidates(st statement) []*row {
	switch st.x.name {
	case "CompanyInfo":
		return []*row{{x: st.x, ident: "1", created: co.created, updated: co.created, doc: co.info()}}
	case "Preferences":
		return []*row{{x: st.x, ident: "1", created: co.created, updated: co.created, doc: co.preferences()}}
	}
	for _, c := range st.conditions {
		if c.not || c.operator != "=" && c.operator != "in" {
			continue
		}
		var rows []*row
		values := slices.Compact(slices.Sorted(slices.Values(c.values))) // what is named twice is found once
		switch {
		case strings.EqualFold(c.property, "Id"):
			for _, id := range values {
				if r, ok := co.find(st.x.name, id); ok {
					rows = append(rows, r)
				}
			}
			return rows
		case st.x.name == "JournalEntry" && strings.EqualFold(c.property, "DocNumber"):
			for _, doc := range values {
				rows = append(rows, co.docs[doc]...)
			}
			return rows
		}
	}
	return co.rows[st.x.name]
}

// queryable: every field of the entity but those that Intuit leaves out.
func (x *schema) queryable(property string) *serviceError {
	if e := x.property(property); e != nil {
		return e
	}
	first, _, _ := strings.Cut(property, ".")
	same := func(s string) bool { return strings.EqualFold(s, first) }
	if slices.ContainsFunc(x.unasked, same) {
		e := notQueryable(property)
		return &e
	}
	return nil
}

// property is the fault for one that the entity does not have, or nothing.
func (x *schema) property(property string) *serviceError {
	first, _, _ := strings.Cut(property, ".")
	same := func(s string) bool { return strings.EqualFold(s, first) }
	if slices.ContainsFunc(x.order, same) || slices.ContainsFunc(x.known, same) || len(x.order) == 0 || same("Id") {
		return nil
	}
	e := noProperty(property, x.name)
	return &e
}

// value is what a query compares: the field as it is shown.
func value(co *company, r *row, property string) string {
	switch strings.ToLower(property) {
	case "id":
		return r.ident
	case "active":
		return strconv.FormatBool(!r.inactive)
	case "metadata.createtime":
		return r.created.UTC().Format(time.RFC3339)
	case "metadata.lastupdatedtime":
		return r.updated.UTC().Format(time.RFC3339)
	case "fullyqualifiedname":
		return r.qualified()
	case "balance", "currentbalance", "line":
		v, _ := co.show(r).at(property)
		return scalar(v)
	}
	if r.x.list() && strings.EqualFold(property, r.x.nameField) {
		return r.called()
	}
	v, _ := r.doc.at(property)
	return scalar(v)
}

// matches: inactive objects are left out unless Active is asked for.
func matches(co *company, r *row, conditions []condition) bool {
	asked := !r.x.list()
	for _, c := range conditions {
		asked = asked || strings.EqualFold(c.property, "Active")
		if c.holds(value(co, r, c.property)) == c.not {
			return false
		}
	}
	return asked || !r.inactive
}

// holds: = and LIKE ignore case; numbers and times are compared as such.
func (c condition) holds(value string) bool {
	switch c.operator {
	case "=", "in":
		return slices.ContainsFunc(c.values, func(v string) bool { return order(value, v) == 0 })
	case "!=":
		return order(value, c.values[0]) != 0
	case "<":
		return order(value, c.values[0]) < 0
	case "<=":
		return order(value, c.values[0]) <= 0
	case ">":
		return order(value, c.values[0]) > 0
	case ">=":
		return order(value, c.values[0]) >= 0
	case "like":
		return like(strings.ToLower(value), strings.Split(strings.ToLower(c.values[0]), "%"))
	case "between":
		return order(value, c.values[0]) >= 0 && order(value, c.values[1]) <= 0
	case "contains":
		return strings.Contains(strings.ToLower(value), strings.ToLower(c.values[0]))
	}
	return false
}

// order compares two values as amounts, as times, or as texts whatever their case.
func order(a, b string) int {
	if x, e := readSigned(a); e == nil {
		if y, e := readSigned(b); e == nil {
			return cmp.Compare(x, y)
		}
	}
	if x, err := time.Parse(time.RFC3339, a); err == nil {
		if y, ok := anyTime(b); ok {
			return x.Compare(y)
		}
	}
	return strings.Compare(strings.ToLower(a), strings.ToLower(b))
}

// like matches the parts between percent signs in order; the first and last part are anchored.
func like(value string, parts []string) bool {
	rest, ok := strings.CutPrefix(value, parts[0])
	if !ok || len(parts) == 1 {
		return ok && rest == ""
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// compare orders rows. The recordings show no rule for equal keys; they stay in the order in which they were made.
func compare(co *company, a, b *row, st statement) int {
	for _, o := range st.orders {
		if by := compareBy(co, a, b, o); by != 0 {
			return by
		}
	}
	switch {
	case len(st.orders) > 0:
		return 0
	case !st.x.list():
		return cmp.Or(b.updated.Truncate(time.Second).Compare(a.updated.Truncate(time.Second)), cmp.Compare(b.touched, a.touched))
	case st.x.name == "Account":
		return compareBy(co, a, b, ordering{property: "Name"})
	}
	return compareBy(co, a, b, ordering{property: "FullyQualifiedName"})
}

func compareBy(co *company, a, b *row, o ordering) int {
	x, y := value(co, a, o.property), value(co, b, o.property)
	by := strings.Compare(x, y)
	if strings.EqualFold(o.property, "Id") || isNumber(x) && isNumber(y) {
		by = order(x, y)
	}
	if o.descending {
		return -by
	}
	return by
}

func isNumber(s string) bool {
	_, e := readSigned(s)
	return e == nil
}

func compareNumbers(x, y string) int {
	return cmp.Or(cmp.Compare(len(x), len(y)), strings.Compare(x, y))
}

// parser reads a statement word by word.
type parser struct {
	text string
	at   int
}

// word is one token: quoted words are values.
type word struct {
	text   string
	quoted bool
	at     int
}

// parseError names the token at which the parser stopped, as JavaCC does.
func parseError(w word) serviceError {
	shown := `" <IDENTIFIER> "` + w.text + ` ""`
	switch {
	case w.quoted:
		shown = `" <STRING> "'` + w.text + `' ""`
	case w.text == "":
		shown = `"<EOF>"`
	case strings.HasPrefix(w.text, "'"):
		shown = `" <STRING> "` + w.text + ` ""`
	case strings.Contains(symbols, w.text[:1]):
		shown = `" "` + w.text + `" "` + w.text + ` ""`
	}
	return serviceError{"Error parsing query", fmt.Sprintf("QueryParserError: Encountered %s at line 1, column %d.", shown, w.at+1), "4000", noElement}
}

const symbols = "(),=<>!"

// next takes a token. A quoted value ends at a quote that no backslash escapes.
func (p *parser) next() (word, *serviceError) {
	for p.at < len(p.text) && strings.ContainsRune(" \t\r\n", rune(p.text[p.at])) {
		p.at++
	}
	start := p.at
	if start == len(p.text) {
		return word{at: start}, nil
	}
	switch c := p.text[start]; {
	case c == '\'':
		return p.value(start)
	case strings.IndexByte(symbols, c) >= 0:
		p.at++
		if p.at < len(p.text) && p.text[p.at] == '=' && strings.IndexByte("<>!", c) >= 0 {
			p.at++
		}
	default:
		for p.at < len(p.text) && strings.IndexByte(symbols+" \t\r\n'", p.text[p.at]) < 0 {
			p.at++
		}
	}
	return word{text: p.text[start:p.at], at: start}, nil
}

func (p *parser) value(start int) (word, *serviceError) {
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; {
		case c == '\\' && p.at+1 < len(p.text):
			p.at++
			b.WriteByte(p.text[p.at])
		case c == '\'':
			p.at++
			return word{text: b.String(), quoted: true, at: start}, nil
		default:
			b.WriteByte(c)
		}
	}
	e := parseError(word{text: p.text[start:], at: start})
	return word{}, &e
}

// keyword looks at the next token and takes it if it is the word.
func (p *parser) keyword(want string) bool {
	before := p.at
	w, e := p.next()
	if e == nil && !w.quoted && strings.EqualFold(w.text, want) {
		return true
	}
	p.at = before
	return false
}

func (p *parser) must(want string) *serviceError {
	if p.keyword(want) {
		return nil
	}
	w, e := p.next()
	if e != nil {
		return e
	}
	wrong := parseError(w)
	return &wrong
}

// parse reads SELECT *|count(*)|properties FROM Entity [WHERE …] [ORDERBY …] [STARTPOSITION n] [MAXRESULTS n].
func (s *Sim) parse(text string) (statement, *serviceError) {
	p := &parser{text: text}
	st := statement{start: 1, max: defaultRows}
	if e := p.must("select"); e != nil {
		return st, e
	}
	if st.count = p.keyword("count"); st.count {
		for _, symbol := range []string{"(", "*", ")"} {
			if e := p.must(symbol); e != nil {
				return st, e
			}
		}
	} else if !p.keyword("*") {
		var e *serviceError
		if st.columns, e = p.columns(); e != nil {
			return st, e
		}
	}
	if e := p.must("from"); e != nil {
		return st, e
	}
	w, e := p.next()
	if e != nil {
		return st, e
	}
	if st.x = s.entityNamed(w.text); st.x == nil {
		unknown := noEntity(w.text)
		return st, &unknown
	}
	return st, p.clauses(&st)
}

// columns are the properties before FROM; there may be none.
func (p *parser) columns() ([]string, *serviceError) {
	var columns []string
	for {
		before := p.at
		w, e := p.next()
		switch {
		case e != nil:
			return nil, e
		case strings.EqualFold(w.text, "from") && !w.quoted || w.text == "":
			p.at = before
			return columns, nil
		case w.quoted || strings.Contains(symbols, w.text[:1]):
			wrong := parseError(w)
			return nil, &wrong
		}
		columns = append(columns, w.text)
		if !p.keyword(",") {
			return columns, nil
		}
	}
}

func (p *parser) clauses(st *statement) *serviceError {
	for {
		var e *serviceError
		switch {
		case p.keyword("where"):
			e = p.where(st)
		case p.keyword("orderby"):
			e = p.orderBy(st)
		case p.keyword("order"):
			if e = p.must("by"); e == nil {
				e = p.orderBy(st)
			}
		case p.keyword("startposition"):
			st.start, e = p.number(1, 1<<31)
		case p.keyword("maxresults"):
			st.max, e = p.number(1, maxRows)
		default:
			w, e := p.next()
			if e == nil && (w.text != "" || w.quoted) {
				wrong := parseError(w)
				e = &wrong
			}
			return e
		}
		if e != nil {
			return e
		}
	}
}

func (p *parser) where(st *statement) *serviceError {
	for {
		c := condition{not: p.keyword("not")}
		property, e := p.next()
		if e != nil {
			return e
		}
		operator, e := p.next()
		if e == nil && strings.EqualFold(operator.text, "not") {
			c.not = true
			operator, e = p.next()
		}
		if e != nil {
			return e
		}
		c.property, c.operator = property.text, strings.ToLower(operator.text)
		if property.quoted || !slices.Contains([]string{"=", "!=", "<", "<=", ">", ">=", "in", "like", "between", "contains"}, c.operator) {
			wrong := parseError(operator)
			return &wrong
		}
		if c.values, e = p.operands(c, operator); e != nil {
			return e
		}
		st.conditions = append(st.conditions, c)
		if !p.keyword("and") {
			return nil
		}
	}
}

// operands: values must be quoted, numbers too; only true and false stand bare. An unquoted one fails at the operator.
func (p *parser) operands(c condition, operator word) ([]string, *serviceError) {
	switch c.operator {
	case "in":
		return p.list(operator)
	case "between":
		first, e := p.operand(operator)
		if e == nil {
			e = p.must("and")
		}
		if e != nil {
			return nil, e
		}
		second, e := p.operand(operator)
		return []string{first, second}, e
	}
	v, e := p.operand(operator)
	return []string{v}, e
}

func (p *parser) operand(operator word) (string, *serviceError) {
	w, e := p.next()
	if e == nil && !w.quoted && !strings.EqualFold(w.text, "true") && !strings.EqualFold(w.text, "false") {
		wrong := parseError(operator)
		e = &wrong
	}
	return w.text, e
}

func (p *parser) list(operator word) ([]string, *serviceError) {
	if e := p.must("("); e != nil {
		return nil, e
	}
	var values []string
	for {
		v, e := p.operand(operator)
		if e != nil {
			return nil, e
		}
		values = append(values, v)
		if p.keyword(")") {
			return values, nil
		}
		if e := p.must(","); e != nil {
			return nil, e
		}
	}
}

func (p *parser) orderBy(st *statement) *serviceError {
	for {
		w, e := p.next()
		if e != nil {
			return e
		}
		o := ordering{property: w.text}
		if o.descending = p.keyword("desc"); !o.descending {
			p.keyword("asc")
		}
		if st.orders = append(st.orders, o); !p.keyword(",") {
			return nil
		}
	}
}

func (p *parser) number(least, most int) (int, *serviceError) {
	w, e := p.next()
	if e != nil {
		return 0, e
	}
	n, err := strconv.Atoi(w.text)
	switch {
	case err != nil || w.quoted:
		wrong := parseError(w)
		return 0, &wrong
	case n < least:
		small := tooSmall(n, least)
		return 0, &small
	case n > most:
		large := tooLarge(n, most)
		return 0, &large
	}
	return n, nil
}
