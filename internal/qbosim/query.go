package qbosim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Paging of queries.
const (
	defaultRows = 100
	maxRows     = 1000
)

// statement is a parsed query.
type statement struct {
	entity     string
	count      bool
	conditions []condition
	order      string
	descending bool
	start, max int
}

type condition struct {
	property, operator string
	values             []string
}

func (s *Sim) query(co *company, c call) result {
	text := c.request.URL.Query().Get("query")
	if text == "" && c.method == http.MethodPost {
		text = string(c.body)
	}
	st, e := parse(text)
	if e != nil {
		return s.refused(400, *e)
	}
	rows, e := co.run(st)
	if e != nil {
		return s.refused(400, *e)
	}
	if st.count {
		return s.answer("QueryResponse", ordered{{"totalCount", len(rows)}})
	}
	rows = rows[min(st.start-1, len(rows)):]
	rows = rows[:min(st.max, len(rows))]
	if len(rows) == 0 {
		return s.answer("QueryResponse", ordered{})
	}
	shown := make([]ordered, len(rows))
	for i, r := range rows {
		shown[i] = r.show(co)
	}
	response := ordered{{st.entity, shown}, {"startPosition", st.start}, {"maxResults", len(rows)}}
	if st.entity == "JournalEntry" {
		response = append(response, field{"totalCount", len(rows)})
	}
	return s.answer("QueryResponse", response)
}

// run finds the rows, in QuickBooks' order: transactions newest first, lists by name.
func (co *company) run(st statement) ([]object, *serviceError) {
	for _, c := range st.conditions {
		if e := queryable(st.entity, c.property); e != nil {
			return nil, e
		}
	}
	if st.order != "" {
		if e := queryable(st.entity, st.order); e != nil {
			return nil, e
		}
	}
	var rows []object
	for _, o := range co.candidates(st) {
		if matches(o, st.conditions) {
			rows = append(rows, o)
		}
	}
	slices.SortStableFunc(rows, func(a, b object) int { return compare(a, b, st) })
	return rows, nil
}

// candidates: entries are looked up by their numbers without reading the whole journal.
func (co *company) candidates(st statement) []object {
	for _, c := range st.conditions {
		if st.entity == "JournalEntry" && c.property == "docnumber" && (c.operator == "=" || c.operator == "in") {
			var rows []object
			for _, doc := range c.values {
				for _, e := range co.docs[doc] {
					rows = append(rows, e)
				}
			}
			return rows
		}
	}
	return co.rows(st.entity)
}

// queryable: "Active" and every property of the entity but notes and lines.
func queryable(entity, property string) *serviceError {
	samples := map[string]object{
		"Account": &account{}, "Customer": &name{}, "Vendor": &name{}, "Employee": &name{}, "Class": &listed{}, "Department": &listed{}, "JournalEntry": &entry{},
	}
	if _, ok := samples[entity].property(property); ok || (property == "active" && entity != "JournalEntry") {
		return nil
	}
	return &serviceError{"Invalid query", "QueryValidationError: property '" + property + "' is not queryable", "4001", ""}
}

// matches: inactive objects are left out unless Active is asked for.
func matches(o object, conditions []condition) bool {
	asked := false
	for _, c := range conditions {
		if c.property == "active" {
			asked = true
			if !slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, strconv.FormatBool(o.active())) }) {
				return false
			}
			continue
		}
		value, _ := o.property(c.property)
		if !c.holds(value) {
			return false
		}
	}
	return asked || o.active()
}

// holds: = and LIKE ignore case.
func (c condition) holds(value string) bool {
	switch c.operator {
	case "=", "in":
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, value) })
	case "!=":
		return !strings.EqualFold(c.values[0], value)
	case "<":
		return value < c.values[0]
	case "<=":
		return value <= c.values[0]
	case ">":
		return value > c.values[0]
	case ">=":
		return value >= c.values[0]
	case "like":
		return like(strings.ToLower(value), strings.Split(strings.ToLower(c.values[0]), "%"))
	}
	return false
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

func compare(a, b object, st statement) int {
	key, descending := st.order, st.descending
	if key == "" {
		key = map[string]string{"JournalEntry": "metadata.lastupdatedtime", "Account": "name", "Class": "fullyqualifiedname", "Department": "fullyqualifiedname"}[st.entity]
		descending = st.entity == "JournalEntry"
		if key == "" {
			key = "fullyqualifiedname"
		}
	}
	x, _ := a.property(key)
	y, _ := b.property(key)
	order := strings.Compare(x, y)
	if key == "id" {
		order = compareNumbers(x, y)
	}
	if order == 0 {
		order = compareNumbers(a.id(), b.id())
	}
	if descending {
		return -order
	}
	return order
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

func parseError(w word) *serviceError {
	kind := w.text
	if kind == "" {
		kind = "<EOF>"
	}
	shown, _ := json.Marshal(kind)
	return &serviceError{
		"Error parsing query", fmt.Sprintf("QueryParserError: Encountered \" %s \" at line 1, column %d.", shown, w.at+1), "4000", "",
	}
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
	return word{}, parseError(word{text: p.text[start:], at: start})
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
	return parseError(w)
}

// parse reads SELECT *|count(*) FROM Entity [WHERE …] [ORDERBY …] [STARTPOSITION n] [MAXRESULTS n].
func parse(text string) (statement, *serviceError) {
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
	} else {
		p.keyword("*")
	}
	if e := p.must("from"); e != nil {
		return st, e
	}
	w, e := p.next()
	if e != nil {
		return st, e
	}
	st.entity = entityName(w.text)
	if st.entity == "" || st.entity == "CompanyInfo" || st.entity == "Preferences" {
		return st, &serviceError{"Invalid query", "QueryValidationError: invalid context declaration: " + w.text, "4001", ""}
	}
	return st, p.clauses(&st)
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
				e = parseError(w)
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
		property, e := p.next()
		if e != nil {
			return e
		}
		operator, e := p.next()
		if e != nil {
			return e
		}
		c := condition{property: strings.ToLower(property.text), operator: strings.ToLower(operator.text)}
		if !slices.Contains([]string{"=", "!=", "<", "<=", ">", ">=", "in", "like"}, c.operator) {
			return parseError(operator)
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
	list := c.operator == "in"
	if list {
		if e := p.must("("); e != nil {
			return nil, e
		}
	}
	var values []string
	for {
		w, e := p.next()
		if e != nil {
			return nil, e
		}
		if !w.quoted && !strings.EqualFold(w.text, "true") && !strings.EqualFold(w.text, "false") {
			return nil, parseError(operator)
		}
		values = append(values, w.text)
		if !list {
			return values, nil
		}
		if p.keyword(")") {
			return values, nil
		}
		if e := p.must(","); e != nil {
			return nil, e
		}
	}
}

func (p *parser) orderBy(st *statement) *serviceError {
	w, e := p.next()
	if e != nil {
		return e
	}
	st.order = strings.ToLower(w.text)
	if st.descending = p.keyword("desc"); !st.descending {
		p.keyword("asc")
	}
	return nil
}

func (p *parser) number(least, most int) (int, *serviceError) {
	w, e := p.next()
	if e != nil {
		return 0, e
	}
	n, err := strconv.Atoi(w.text)
	switch {
	case err != nil || w.quoted:
		return 0, parseError(w)
	case n < least:
		return 0, &serviceError{"Invalid query", fmt.Sprintf("QueryValidationError: value %d is too small. Min allowed value is %d", n, least), "4001", ""}
	case n > most:
		return 0, &serviceError{"Invalid query", fmt.Sprintf("QueryValidationError: value %d is too large. Max allowed value is %d", n, most), "4001", ""}
	}
	return n, nil
}
