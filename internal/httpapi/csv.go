package httpapi

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/date"
	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
	"github.com/passare/qbo-sync/internal/org"
	"github.com/passare/qbo-sync/internal/passare"
	"github.com/passare/qbo-sync/internal/review"
	"github.com/passare/qbo-sync/internal/rules"
)

// What one answer has at most, beside what an export looks at (review.MaxExport). Past any of it the answer says where the rest begins (X-More, Link); an entry is never cut in two.
const (
	mostRows = 25_000
	// mostBytes is as Lambda carries an answer, of which it takes 6 MB: text as a JSON string, what is compressed in base64.
	mostBytes = 5_000_000
	// packedEach is after how many bytes of rows it is seen what they are compressed to.
	packedEach = 256 << 10
)

const csvType = "text/csv; charset=utf-8"

func (h *Reading) registerDownload(a *API) {
	const path = "/v1/entries.csv"
	register(a, call{
		id: "download-entries", method: http.MethodGet, path: path, tag: logTag, needs: org.SeeLog,
		summary: "Entries as a CSV file, with one row for each journal line, and headers",
		about: "The filters are those of the list; or `ids` names entries, at most 1,000, with commas between them or repeated. What is not posted yet has the lines " +
			"that would be posted now, and an entry without lines has one row. At most 10,000 entries (of which 1,000 may still be unposted), 25,000 rows or 6 MB are answered at once: " +
			"then X-More is true and Link leads to the rest. Text that a spreadsheet would take for a formula begins with an apostrophe.",
		fails: []fault.Code{fault.NotFound}, answer: strings.Join(columns(), ",") + "\r\n",
	}, h.download)
	answer := a.huma.OpenAPI().Paths[path].Get.Responses["200"]
	answer.Content = map[string]*huma.MediaType{csvType: {Schema: &huma.Schema{Type: "string"}, Example: strings.Join(columns(), ",") + "\r\n"}}
}

type downloadInput struct {
	Filtered
	IDs      []string `query:"ids,explode" maxItems:"1000" doc:"Ids of entries, instead of a filter."`
	Cursor   string   `query:"cursor" maxLength:"1000" doc:"The place after which the rest begins: in Link of the answer before."`
	Encoding string   `header:"Accept-Encoding" maxLength:"1000" doc:"With gzip, the answer is compressed."`
}

type downloadOutput struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Encoding    string `header:"Content-Encoding"`
	Vary        string `header:"Vary"`
	Link        string `header:"Link"`
	More        string `header:"X-More" doc:"true when the rest is at Link."`
	Rows        int    `header:"X-Rows" doc:"Rows, without the headers."`
	Entries     int    `header:"X-Entries"`
	Body        []byte
}

func (h *Reading) download(ctx context.Context, p org.Person, in *downloadInput) (*downloadOutput, error) {
	after, err := parseCursor(p.Org, in.Cursor)
	if err != nil {
		return nil, err
	}
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	ids := idsIn(in.IDs)
	accounts, err := h.Charts.AccountNames(ctx, p.Org)
	if err != nil {
		return nil, err
	}
	file := newSheet(h.Books, accounts, takes(in.Encoding, "gzip"))
	next, err := h.Log.Export(ctx, p.Org, filter, ids, after, file.add)
	if err != nil {
		return nil, err
	}
	out := &downloadOutput{
		Type: csvType, Disposition: `attachment; filename="` + fileName(in.Tab, ids, h.Now()) + `"`, Vary: "Accept-Encoding", Rows: file.rows, Entries: file.entries,
	}
	if file.packed != nil {
		out.Encoding = "gzip"
	}
	if out.Body, err = file.close(); err != nil {
		return nil, err
	}
	if next != nil {
		out.More = "true"
		query := in.query()
		if len(ids) > 0 {
			query["ids"] = ids
		}
		query.Set("cursor", cursor(*next))
		out.Link = nextLink("/v1/entries.csv", query)
	}
	return out, nil
}

// takes says whether a caller takes a content coding (RFC 9110, 12.5.3): it is named, and not with the weight 0.
func takes(accepted, coding string) bool {
	for _, part := range strings.Split(strings.ToLower(accepted), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if q, ok := strings.CutPrefix(strings.ReplaceAll(weight, " ", ""), "q="); ok {
			if w, err := strconv.ParseFloat(q, 64); err == nil && w == 0 {
				continue
			}
		}
		if strings.TrimSpace(name) == coding {
			return true
		}
	}
	return false
}

// idsIn reads ids that are repeated, or have commas between them. A comma inside an id stays: what comes after it does not begin as an id does.
func idsIn(values []string) []string {
	var ids []string
	for _, value := range values {
		for i, part := range strings.Split(value, ",") {
			kind, _, found := strings.Cut(part, ".")
			if i > 0 && part != "" && (!found || !slices.Contains(passare.RecordTypes(), passare.RecordType(kind))) {
				ids[len(ids)-1] += "," + part
				continue
			}
			if part != "" || i == 0 {
				ids = append(ids, part)
			}
		}
	}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

// fileName says tab and date.
func fileName(tab string, ids []string, now time.Time) string {
	if len(ids) > 0 {
		tab = "selected"
	}
	return "integration-log-" + tab + "-" + string(date.Of(now)) + ".csv"
}

// columns are the headers.
func columns() []string {
	return []string{
		"entry id", "transaction type", "case number", "decedent", "record", "version", "event", "date", "DocNumber", "line", "GL account", "QuickBooks account",
		"role", "debit", "credit", "name", "name kind", "class", "location", "description", "state", "attempts", "QuickBooks id", "link", "problem group", "problem", "created", "synced", "person",
	}
}

// sheet is a CSV file that is written: RFC 4180, with CRLF, UTF-8.
type sheet struct {
	books    Books
	accounts map[string]string // names of the company's accounts, by their ids
	out      bytes.Buffer
	packed   *gzip.Writer // none: it is not compressed
	cells    *csv.Writer
	written  counted
	seen     int // of written, when it was last seen what it is compressed to
	rows     int
	entries  int
	overfull bool
}

// counted counts bytes, as a JSON string has them.
type counted struct {
	to    interface{ Write([]byte) (int, error) }
	plain int
	bytes int
}

func (c *counted) Write(b []byte) (int, error) {
	c.plain += len(b)
	for _, x := range b {
		switch {
		case x == '<' || x == '>' || x == '&' || x < ' ' && x != '\r' && x != '\n' && x != '\t':
			c.bytes += len(`\u0026`)
		case x == '"' || x == '\\' || x < ' ':
			c.bytes += 2
		default:
			c.bytes++
		}
	}
	return c.to.Write(b)
}

func newSheet(books Books, accounts map[string]string, compressed bool) *sheet {
	s := &sheet{books: books, accounts: accounts}
	s.written.to = &s.out
	if compressed {
		s.packed = gzip.NewWriter(&s.out)
		s.written.to = s.packed
	}
	s.cells = csv.NewWriter(&s.written)
	s.cells.UseCRLF = true
	s.write(columns())
	return s
}

// write writes a row; what goes wrong is told by close.
func (s *sheet) write(row []string) {
	for i, cell := range row {
		row[i] = defused(cell)
	}
	_ = s.cells.Write(row)
}

// add takes an entry, whole, unless there is no room for it. The first is always taken.
func (s *sheet) add(x review.Exported) bool {
	rows := s.rowsOf(x)
	if s.entries > 0 && (s.rows+len(rows) > mostRows || s.full()) {
		return false
	}
	for _, row := range rows {
		s.write(row)
	}
	s.entries++
	s.rows += len(rows)
	return true
}

// full says whether the answer is as large as it may be.
func (s *sheet) full() bool {
	s.cells.Flush()
	if s.packed == nil {
		return s.written.bytes > mostBytes
	}
	if s.written.plain-s.seen > packedEach {
		s.seen = s.written.plain
		_ = s.packed.Flush()
		s.overfull = s.out.Len()*4/3 > mostBytes
	}
	return s.overfull
}

func (s *sheet) close() ([]byte, error) {
	s.cells.Flush()
	err := s.cells.Error()
	if err == nil && s.packed != nil {
		err = s.packed.Close()
	}
	return s.out.Bytes(), err
}

// defused is a cell that no spreadsheet takes for a formula: one that begins as a formula does gets an apostrophe before it (OWASP, CSV Injection). Amounts
// begin with a digit, since debits and credits have columns of their own.
func defused(cell string) string {
	if strings.IndexAny(cell, "=+-@\t\r\n＝＋－＠") == 0 {
		return "'" + cell
	}
	return cell
}

// rowsOf are the rows of an entry: one for each line that was sent and not refused, then for each that would be posted; one for an entry without any.
func (s *sheet) rowsOf(x review.Exported) [][]string {
	e := x.Entry
	var rows [][]string
	add := func(on date.Date, doc, id string, lines []journal.Netted) {
		for i, l := range lines {
			rows = append(rows, s.rowOf(x, on, doc, id, strconv.Itoa(i+1), l))
		}
	}
	for _, p := range e.Postings {
		if !p.Closed {
			add(p.Date, p.Doc, p.QuickBooksID, (rules.Planned{Movements: p.Movements}).Netted())
		}
	}
	if x.Plan != nil {
		for _, p := range x.Plan.Entries {
			add(p.Date, "", "", p.Netted())
		}
	}
	if rows == nil {
		rows = append(rows, s.rowOf(x, e.Date, "", "", "", journal.Netted{}))
	}
	return rows
}

func (s *sheet) rowOf(x review.Exported, on date.Date, doc, id, line string, l journal.Netted) []string {
	e := x.Entry
	row := lineRow{}
	if line != "" {
		row = lineOf(l.Line)
		row.GLAccount, row.Role = originOf(l.From)
	}
	group, problem := problemOfSheet(x)
	return []string{
		e.ID(), e.Kind, e.CaseNo, e.Name, e.Record.String(), strconv.FormatInt(e.Version, 10), eventOf(e), string(on), doc, line, row.GLAccount, cmp.Or(s.accounts[row.Account], row.Account),
		row.Role, row.Debit, row.Credit, row.Name, row.NameKind, row.Class, row.Location, row.Description, string(e.State), strconv.Itoa(len(e.Attempts)), id, s.books.entry(id),
		group, problem, instant(e.Created), instant(e.SyncedAt()), e.Person(),
	}
}

// problemOfSheet is all that is in an entry's way; for one that is done, why it is not posted.
func problemOfSheet(x review.Exported) (group, text string) {
	problems := x.Entry.Cause
	if len(problems) == 0 && x.Plan != nil {
		problems = x.Plan.Problems
	}
	var groups, texts []string
	for _, p := range problems {
		if !slices.Contains(groups, string(p.Kind)) {
			groups = append(groups, string(p.Kind))
		}
		texts = append(texts, p.Text)
	}
	if texts == nil {
		return "", x.Entry.Why
	}
	return strings.Join(groups, "; "), strings.Join(texts, " ")
}

// eventOf is the id under which Passare sent the event.
func eventOf(e intlog.Entry) string {
	var event struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(e.Data, &event) // it was decoded when it came
	return event.ID
}

func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
