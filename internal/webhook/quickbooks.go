package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/reconcile"
)

// QuickBooks checks and reads QuickBooks' own webhooks: HMAC-SHA256 of the body, by the verifier token of the app at Intuit.
//
// Guarantees: nothing is read before the signature of the raw body is found right. It has no time in it, so an old delivery can be sent again by whoever has
// seen it: what is read names a change and carries no data of it, and looking at something once more does no harm.
type QuickBooks struct{ tokens [][]byte }

// shortestToken: Intuit's verifier tokens are of 36 characters; what is much shorter is a mistake, and could be guessed.
const shortestToken = 16

// NewQuickBooks makes one for the verifier tokens that are good now: several while one replaces another; none refuses every delivery. Errors: fault.Invalid.
func NewQuickBooks(tokens ...string) (*QuickBooks, error) {
	q := &QuickBooks{}
	for _, token := range tokens {
		if len(token) < shortestToken {
			return nil, fmt.Errorf("webhook.NewQuickBooks: %w", fault.New(fault.Invalid, "A verifier token of QuickBooks has at least %d characters.", shortestToken))
		}
		q.tokens = append(q.tokens, []byte(token))
	}
	return q, nil
}

// Open checks a delivery by its header intuit-signature, and reads it. Errors: fault.Unauthenticated; those of Hints.
func (q *QuickBooks) Open(signature string, body []byte) ([]reconcile.Hint, error) {
	if !q.signed(signature, body) {
		return nil, fmt.Errorf("webhook.Open: %w", fault.New(fault.Unauthenticated, "The signature of this delivery is missing or wrong."))
	}
	return Hints(body)
}

// signed looks at every token, so that the time taken says nothing.
func (q *QuickBooks) signed(signature string, body []byte) bool {
	given, err := base64.StdEncoding.Strict().DecodeString(signature)
	found := false
	for _, token := range q.tokens {
		mac := hmac.New(sha256.New, token)
		mac.Write(body)
		found = hmac.Equal(given, mac.Sum(nil)) || found
	}
	return found && err == nil
}

// legacy is the format of before 2026.
type legacy struct {
	Notifications *[]struct {
		Realm  string `json:"realmId"`
		Change struct {
			Entities []struct {
				Name      string `json:"name"`
				ID        string `json:"id"`
				DeletedID string `json:"deletedId"` // the one that was merged into id
				Operation string `json:"operation"`
				At        string `json:"lastUpdated"`
			} `json:"entities"`
		} `json:"dataChangeEvent"`
	} `json:"eventNotifications"`
}

// cloudEvent is one of the format of 2026. Its data is not read: QuickBooks is asked for what it has.
type cloudEvent struct {
	Version string `json:"specversion"`
	ID      string `json:"id"`
	Type    string `json:"type"` // qbo.account.created.v1
	Time    string `json:"time"`
	Entity  string `json:"intuitentityid"`
	Realm   string `json:"intuitaccountid"`
}

// longestID is how long a company's or an entity's id may be; Intuit's have at most 20 characters.
const longestID = 50

// Hints reads a delivery in either format: of any number of companies, in any order, each hint once. Events that are none of a QuickBooks entity are passed
// over. Errors: fault.Invalid, with all that is wrong.
func Hints(body []byte) ([]reconcile.Hint, error) {
	r := hints{seen: map[reconcile.Hint]bool{}, known: map[string]bool{}}
	var err error
	switch body := bytes.TrimSpace(body); {
	case bytes.HasPrefix(body, []byte("[")):
		var events []cloudEvent
		if err = json.Unmarshal(body, &events); err == nil {
			for i, e := range events {
				r.event("["+strconv.Itoa(i)+"]", e)
			}
		}
	default:
		var one struct {
			legacy
			cloudEvent
		}
		if err = json.Unmarshal(body, &one); err != nil {
			break
		}
		switch {
		case one.Notifications != nil:
			r.legacy(one.legacy)
		case one.Version != "": // a batch of one, which Intuit does not send, and its content type allows
			r.event("", one.cloudEvent)
		default:
			r.refuse("body", "has neither eventNotifications nor CloudEvents")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("webhook.Hints: %w", &fault.Error{
			Code: fault.Invalid, Message: "This delivery cannot be read.", Cause: err, Fields: []fault.Field{{Field: "body", Problem: "must be JSON as QuickBooks sends it"}},
		})
	}
	if r.wrong != nil {
		return nil, fmt.Errorf("webhook.Hints: %w", &fault.Error{Code: fault.Invalid, Message: "This delivery is none of QuickBooks.", Fields: r.wrong})
	}
	return r.all, nil
}

// hints collects those of one delivery.
type hints struct {
	all   []reconcile.Hint
	seen  map[reconcile.Hint]bool
	known map[string]bool // ids of events
	wrong []fault.Field
}

func (r *hints) refuse(field, problem string) {
	r.wrong = append(r.wrong, fault.Field{Field: field, Problem: problem})
}

// id refuses what no id can be: it would become part of a key.
func (r *hints) id(field, value string) {
	switch {
	case value == "":
		r.refuse(field, "is missing")
	case len(value) > longestID:
		r.refuse(field, fmt.Sprintf("has more than %d characters", longestID))
	}
}

func (r *hints) legacy(l legacy) {
	for i, n := range *l.Notifications {
		at := "eventNotifications[" + strconv.Itoa(i) + "]"
		if len(n.Change.Entities) > 0 {
			r.id(at+".realmId", n.Realm)
		}
		for j, e := range n.Change.Entities {
			at := at + ".dataChangeEvent.entities[" + strconv.Itoa(j) + "]"
			if e.Name == "" {
				r.refuse(at+".name", "is missing")
			}
			r.id(at+".id", e.ID)
			h := reconcile.Hint{Realm: n.Realm, Entity: entity(e.Name), ID: e.ID, Operation: operation(e.Operation), At: instant(e.At)}
			r.add(h)
			if e.DeletedID != "" && e.DeletedID != e.ID {
				r.id(at+".deletedId", e.DeletedID)
				h.ID = e.DeletedID
				r.add(h)
			}
		}
	}
}

func (r *hints) event(at string, e cloudEvent) {
	if e.Version == "" {
		r.refuse(strings.TrimPrefix(at+".specversion", "."), "is missing")
		return
	}
	kind := strings.Split(e.Type, ".")
	if len(kind) != 4 || kind[0] != "qbo" || kind[1] == "" || r.known[e.ID] {
		return
	}
	r.id(strings.TrimPrefix(at+".intuitaccountid", "."), e.Realm)
	r.id(strings.TrimPrefix(at+".intuitentityid", "."), e.Entity)
	r.add(reconcile.Hint{Realm: e.Realm, Entity: entity(kind[1]), ID: e.Entity, Operation: operation(kind[2]), At: instant(e.Time)})
	if e.ID != "" {
		r.known[e.ID] = true
	}
}

func (r *hints) add(h reconcile.Hint) {
	if !r.seen[h] {
		r.seen[h] = true
		r.all = append(r.all, h)
	}
}

// entity is an entity's name as the API has it: CloudEvents are in lower case. One that is not known here stays as it is.
func entity(name string) string {
	for _, known := range []string{
		"Account", "Bill", "BillPayment", "Budget", "Class", "CreditMemo", "Currency", "Customer", "Department", "Deposit", "Employee", "Estimate", "Invoice", "Item",
		"JournalCode", "JournalEntry", "Payment", "PaymentMethod", "Preferences", "Purchase", "PurchaseOrder", "RefundReceipt", "SalesReceipt", "TaxAgency", "Term",
		"TimeActivity", "Transfer", "Vendor", "VendorCredit",
	} {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	return name
}

// operation is what happened, in the words of CloudEvents. Void is spelt both ways in either format.
func operation(name string) string {
	name = strings.ToLower(name)
	switch name {
	case "create", "update", "delete", "merge":
		return strings.TrimSuffix(name, "e") + "ed"
	case "void":
		return "voided"
	}
	return name
}

// instant reads a time as either format writes it; Intuit's zones have a colon or not. One that cannot be read is none: nothing rests on it.
func instant(s string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// SignQuickBooks makes the value of intuit-signature, for senders.
func SignQuickBooks(token string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
