package passare

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
)

// MaxBatch is how many events one delivery may hold (events.md, Envelope).
const MaxBatch = 100

// Split reads a batch delivery into its events, each still undecoded. Errors: fault.Invalid.
func Split(body []byte) ([]json.RawMessage, error) {
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		return nil, malformed("begins with a byte order mark")
	}
	var events []json.RawMessage
	if err := json.Unmarshal(body, &events); err != nil || events == nil {
		return nil, malformed("is not a JSON list of events")
	}
	switch n := len(events); {
	case n == 0:
		return nil, malformed("has no event")
	case n > MaxBatch:
		return nil, malformed("has %d events, more than %d", n, MaxBatch)
	}
	return events, nil
}

// Decode reads one event. Errors: fault.Invalid with every wrong field; the Event then holds what
// could be read of its identity, for the quarantine.
func Decode(raw []byte) (Event, error) {
	v, err := parseTree(raw)
	if err != nil {
		return Event{}, fmt.Errorf("passare.Decode: %w", err)
	}
	o, ok := v.(object)
	if !ok {
		return Event{}, fmt.Errorf("passare.Decode: %w", malformed("must be an object"))
	}
	var problems []fault.Field
	e := decodeEnvelope(newReader("", o, &problems))
	if e.Hash, err = hash(e.Verb, o.fields["data"]); err != nil {
		return e, fmt.Errorf("passare.Decode: %w", err)
	}
	if e.Raw, err = compact(raw); err != nil {
		return e, fmt.Errorf("passare.Decode: %w", err)
	}
	if problems != nil {
		return e, fmt.Errorf("passare.Decode: %w", &fault.Error{
			Code: fault.Invalid, Message: "This event was not taken: " + count(len(problems)) + " wrong.", Fields: problems,
		})
	}
	return e, nil
}

func count(n int) string {
	if n == 1 {
		return "one field is"
	}
	return fmt.Sprintf("%d fields are", n)
}

func compact(raw []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// hash identifies a version's state. The envelope is left out: a repeat may be sent under a new id or time.
func hash(verb Verb, data any) (string, error) {
	b, err := canonical(data)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append([]byte(verb+"\n"), b...))
	return hex.EncodeToString(sum[:16]), nil
}

// decodeEnvelope reads the CloudEvents attributes and the data.
func decodeEnvelope(r *reader) Event {
	e := Event{}
	r.choice("specversion", required, "1.0")
	e.ID = r.text("id", required, 2*MaxID)
	e.Org = r.organisation("source")
	kind := r.text("type", required, MaxText)
	subject := r.text("subject", optional, 2*MaxID)
	e.Time = r.instant("time")
	r.choice("datacontenttype", optional, "application/json")
	known := false
	if kind != "" {
		e.Record.Type, e.Verb, known = splitType(kind)
		if !known {
			r.wrong("type", kind, "is not a known event type")
		}
	}
	r.extensions()
	v, ok := r.take("data", required)
	if !ok {
		return e
	}
	data, ok := v.(object)
	if !ok {
		r.wrong("data", v, "must be an object")
		return e
	}
	d := newReader("data", data, r.problems)
	decodeRecord(d, &e)
	if !known {
		return e
	}
	decodeCommon(d, &e)
	e.Body = decodeBody(d, &e)
	d.close()
	if subject != "" && e.Record.ID != "" && subject != e.Record.String() {
		r.wrong("subject", subject, "must be %s, as in data.record", e.Record)
	}
	return e
}

// organisation reads /organizations/{id}.
func (r *reader) organisation(key string) string {
	s := r.text(key, required, 2*MaxID)
	id, ok := strings.CutPrefix(s, "/organizations/")
	if s != "" && (!ok || !NamesOrganisation(id)) {
		r.wrong(key, s, "must be /organizations/ and the organisation's id")
		return ""
	}
	return id
}

// NamesOrganisation says whether an id can be an organisation's: letters, digits, "-" and "_", at most MaxID (events.md, Envelope).
func NamesOrganisation(id string) bool {
	return id != "" && len(id) <= MaxID && !strings.ContainsFunc(id, func(c rune) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// extensions lets CloudEvents extension attributes pass (lower-case letters and digits, a scalar), and
// reports any other unknown attribute.
func (r *reader) extensions() {
	r.used["data"] = true
	for _, key := range r.order {
		if r.used[key] {
			continue
		}
		_, isObject := r.fields[key].(object)
		_, isList := r.fields[key].([]any)
		if len(key) <= 20 && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789") == "" && !isObject && !isList {
			r.used[key] = true
		}
	}
	r.close()
}

func splitType(s string) (RecordType, Verb, bool) {
	s, ok := strings.CutPrefix(s, TypePrefix)
	kind, verb, cut := strings.Cut(s, ".")
	if !ok || !cut {
		return "", "", false
	}
	for _, v := range RecordType(kind).Verbs() {
		if string(v) == verb {
			return RecordType(kind), v, true
		}
	}
	return "", "", false
}

func decodeRecord(d *reader, e *Event) {
	d.object("record", required, func(r *reader) {
		kind := r.text("type", required, MaxID)
		if e.Record.Type != "" && kind != "" && kind != string(e.Record.Type) {
			r.wrong("type", kind, "must be %s, as the event's type says", e.Record.Type)
		}
		e.Record.ID = r.id("id", required)
		e.Version = r.version("version")
	})
}

func decodeCommon(d *reader, e *Event) {
	e.FirstDate = d.date("first_date", optional)
	e.Baseline = d.flag("baseline")
	if e.Record.Type.HasCase() {
		e.Case = d.caseOf("case", required)
	}
	e.Branch = d.branch("branch", branchNeed(e.Record.Type))
	d.object("actor", required, func(r *reader) {
		e.Actor = Actor{ID: r.text("id", required, MaxID), Name: r.text("name", required, MaxName)}
	})
}

// branchNeed: the click on the button belongs to a case, not to a branch.
func branchNeed(t RecordType) need {
	return need(t != AccountingExport)
}

func (r *reader) branch(key string, n need) Branch {
	var b Branch
	r.object(key, n, func(r *reader) {
		b = Branch{ID: r.id("id", required), Name: r.text("name", optional, MaxName)}
	})
	return b
}

func (r *reader) caseOf(key string, n need) *Case {
	var c Case
	if !r.object(key, n, func(r *reader) {
		c.ID = r.id("id", required)
		c.Number = r.text("number", required, MaxName)
		r.object("decedent", required, func(r *reader) {
			c.Decedent = Decedent{
				First: r.text("first", optional, MaxName), Middle: r.text("middle", optional, MaxName),
				Last: r.text("last", optional, MaxName), Suffix: r.text("suffix", optional, MaxName),
			}
		})
		c.PurchaserBusiness = r.business("purchaser_business", optional)
	}) {
		return nil
	}
	return &c
}

func (r *reader) business(key string, n need) *Business {
	var b Business
	if !r.object(key, n, func(r *reader) {
		b = Business{RolodexID: r.id("rolodex_id", optional), Name: r.text("name", required, MaxName)}
	}) {
		return nil
	}
	return &b
}

// ref reads a reference to a record: {"type", "id"}, or the id alone where only one type fits.
func (r *reader) ref(key string, n need, types ...RecordType) *Ref {
	v, ok := r.take(key, n)
	if !ok {
		return nil
	}
	if id, isText := v.(string); isText && len(types) == 1 {
		o := object{fields: map[string]any{"type": string(types[0]), "id": id}, order: []string{"type", "id"}}
		r.fields[key] = o
	}
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	var ref Ref
	r.object(key, n, func(r *reader) {
		ref = Ref{Type: RecordType(r.choice("type", required, words...)), ID: r.id("id", required)}
	})
	return &ref
}

func decodeBody(d *reader, e *Event) Body {
	switch e.Record.Type {
	case GoodsAndServices:
		return decodeContract(d, e.Verb)
	case Payment:
		return decodePayment(d, e.Verb)
	case ACHBatch:
		return decodeSettlement(d)
	case ACHPayment:
		return decodeACHPayment(d, e.Verb)
	case InsuranceAssignment:
		return decodeAssignment(d, e.Verb)
	case Interest:
		return &Charge{Amount: d.amount("amount", required, positive), Date: d.date("date", required), GLAccount: d.id("gl_account", optional)}
	case Refund:
		return decodeRefund(d)
	case Adjustment:
		return &AdjustmentBody{
			Direction: Direction(d.choice("direction", required, string(Decrease), string(Increase))),
			Amount:    d.amount("amount", required, positive), Date: d.date("date", required),
			GLAccount: d.id("gl_account", optional), Reason: d.text("reason", required, MaxText),
		}
	case ClaimCheck:
		return decodeClaim(d)
	case Check:
		return decodeCheck(d)
	case BatchPayment:
		return decodeDeposit(d)
	case Ledger:
		return decodeLedger(d, e.Verb)
	case AccountingExport:
		return &Export{Page: Page(d.choice("page", required, string(GoodsPage), string(PaymentsPage)))}
	case CaseRecord, FeeRecord:
		return nil
	}
	return nil
}
