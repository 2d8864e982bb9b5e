package qbo

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// Limits of what is kept of a fault: an answer may be of any length.
const (
	maxDetails = 20  // errors of one fault
	maxCode    = 40  // characters of a code
	maxElement = 100 // characters of an element, and of intuit_tid
	maxText    = 500 // characters of a text
)

// detail is one error of a fault, in either dialect: json matches keys whatever their case.
type detail struct {
	Message text `json:"Message" xml:"Message"`
	Detail  text `json:"Detail" xml:"Detail"`
	Code    text `json:"code" xml:"code,attr"`
	Element text `json:"element" xml:"element,attr"`
}

// text is a string of a fault; what is there instead of one, such as a number, is taken as it is written.
type text string

// UnmarshalJSON reads any value.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = string(raw)
	}
	*t = text(s)
	return nil
}

// kept is the detail within the limits and without the token, which QuickBooks may say back.
func (d detail) kept(access string) detail {
	keep := func(t text, n int) text { return text(journal.Clip(without(string(t), access), n)) }
	return detail{Message: keep(d.Message, maxText), Detail: keep(d.Detail, maxText), Code: keep(d.Code, maxCode), Element: keep(d.Element, maxElement)}
}

func without(s, access string) string {
	if access == "" {
		return s
	}
	return strings.ReplaceAll(s, access, "…")
}

// faultXML is the gateway's fault when it does not look at what is accepted.
type faultXML struct {
	XMLName xml.Name `xml:"IntuitResponse"`
	Error   []detail `xml:"Fault>Error"`
}

// faultOf turns an answer into a fault, or nil for a success. Every body is looked at, whatever its status: even a 200 may carry a fault.
func faultOf(a answer, write bool) *fault.Error {
	details, whole := read(a.body)
	if a.status == http.StatusOK && whole && details == nil {
		return nil
	}
	details = details[:min(len(details), maxDetails)]
	for i, d := range details {
		details[i] = d.kept(a.access)
	}
	m := meaningOf(a, details, write)
	f := &fault.Error{Code: m.code, Class: m.class, Who: m.who, Message: m.says, Remedy: m.remedy, Trace: a.trace()}
	if strings.Contains(f.Message, "%s") {
		f.Message = fmt.Sprintf(f.Message, saidOf(a, details))
	}
	if m.code == fault.Throttled {
		f.RetryAfter = intlog.ThrottlePause
	}
	for i, d := range details {
		if i == 0 {
			f.Origin = string(d.Code)
		}
		f.Fields = append(f.Fields, fault.Field{Field: string(d.Element), Value: string(d.Code), Problem: words(d)})
	}
	return f
}

// trace is intuit_tid, cut and without the token.
func (a answer) trace() string { return journal.Clip(without(a.tid, a.access), maxElement) }

// read gives the errors of a body, not nil when it has a fault, and whether it is a whole JSON object. The service writes
// {"Fault":{"Error":[…]}}, the gateway {"fault":{"error":[…]}}, or XML when it does not look at what is accepted.
func read(body []byte) (details []detail, whole bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) == nil && object != nil {
		for _, f := range under(object, "Fault") {
			details = append(details, errorsOf(f)...)
			if details == nil {
				details = []detail{}
			}
		}
		return details, true
	}
	var x faultXML
	if xml.Unmarshal(body, &x) == nil {
		return x.Error, false
	}
	return nil, false
}

// errorsOf are the errors of a fault that are errors; a single one may stand without its list.
func errorsOf(f json.RawMessage) []detail {
	var object map[string]json.RawMessage
	_ = json.Unmarshal(f, &object)
	var details []detail
	for _, raw := range under(object, "Error") {
		var list []json.RawMessage
		if json.Unmarshal(raw, &list) != nil {
			list = []json.RawMessage{raw}
		}
		for _, one := range list {
			var d detail
			if json.Unmarshal(one, &d) == nil && d != (detail{}) {
				details = append(details, d)
			}
		}
	}
	return details
}

// under are the values of a key, whatever its case, but null.
func under(object map[string]json.RawMessage, key string) []json.RawMessage {
	var values []json.RawMessage
	for _, k := range slices.Sorted(maps.Keys(object)) {
		if strings.EqualFold(k, key) && string(object[k]) != "null" {
			values = append(values, object[k])
		}
	}
	return values
}

// meaning is what a fault is to us: its code, and what a bookkeeper is told.
type meaning struct {
	code              fault.Code
	class             fault.Class
	who, says, remedy string
}

const (
	nobody        = "nobody: it goes by itself"
	bookkeeper    = "bookkeeper"
	administrator = "administrator"
	support       = "support"
)

// rule is a row of the one table from answers to meanings; the first that fits counts. %s in what it says is QuickBooks' own text.
type rule struct {
	fits func(x seen) bool
	meaning
}

// seen is what a rule looks at.
type seen struct {
	status  int
	details []detail
	write   bool
}

func (x seen) has(codes ...string) bool {
	return slices.ContainsFunc(x.details, func(d detail) bool { return slices.Contains(codes, string(d.Code)) })
}

func (x seen) says(texts ...string) bool {
	return slices.ContainsFunc(x.details, func(d detail) bool {
		said := strings.ToLower(string(d.Message + " " + d.Detail))
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(said, t) })
	})
}

// uncertain: a 5xx, an answer that is neither success nor fault, whatever its status (who wrote that page, and before or after the
// work was done?), and the 6000 that is an accident rather than a rule ("…but the entity saves anyway"): only its text tells them apart.
func (x seen) uncertain() bool {
	return x.status >= http.StatusInternalServerError || len(x.details) == 0 || x.has("10000", duplicateRequest) ||
		x.says("unexpected error occurred while accessing", "unexpected internal error")
}

// misread: what was sent is wrong in a way that nothing in anybody's books can cause. Only we can correct that.
func (x seen) misread() bool {
	return x.has("500", "1040", "2010", "2020", "2030", "2050", "2130", "2260", "2290", "2300", "4000", "4001", "6080") ||
		x.says("request_id", "at least two detail lines", "amount that is 0 or greater")
}

// duplicateRequest is QuickBooks' code for a write under a requestid that it received before, when it does not answer as it did then.
const duplicateRequest = "600"

func coded(codes ...string) func(seen) bool { return func(x seen) bool { return x.has(codes...) } }

func rules() []rule {
	reconnect := meaning{fault.Disconnected, fault.Connection, administrator, "QuickBooks no longer accepts the connection.", "Reconnect QuickBooks; what waits then goes by itself."}
	return []rule{
		{
			func(x seen) bool { return x.status == http.StatusTooManyRequests || x.has("3001") },
			meaning{fault.Throttled, fault.Transient, nobody, "QuickBooks asks for a pause.", "It is tried again by itself in a minute."},
		},
		{coded("6190"), meaning{fault.Disconnected, fault.Connection, administrator, "The company's QuickBooks subscription has ended or was not paid.", "Renew it at QuickBooks, then reconnect; what waits then goes by itself."}},
		{coded("120"), meaning{
			fault.Disconnected, fault.Connection, administrator, "The person who connected QuickBooks has no access to this company there any more.",
			"Give them access again, or choose somebody who has it; then reconnect. What waits then goes by itself.",
		}},
		{
			func(x seen) bool {
				return x.status == http.StatusUnauthorized || x.status == http.StatusForbidden || x.has("3100", "3200")
			},
			reconnect,
		},
		{
			func(x seen) bool { return x.has(duplicateRequest) && x.write },
			meaning{fault.Unknown, fault.Transient, nobody, "QuickBooks says that it received this before, and not what came of it.", "It is asked before anything is sent again."},
		},
		{
			func(x seen) bool { return x.uncertain() && x.write },
			meaning{fault.Unknown, fault.Transient, nobody, "QuickBooks' answer does not say whether it arrived.", "It is asked before anything is sent again."},
		},
		{seen.uncertain, meaning{fault.Unavailable, fault.Transient, nobody, "QuickBooks could not answer.", "It is asked again by itself."}},
		{
			func(x seen) bool { return x.says("one name at a time", "one product or service at a time") },
			meaning{fault.Unavailable, fault.Transient, nobody, "QuickBooks changes one name at a time, and is changing another.", "It is tried again by itself."},
		},
		{coded("6240"), meaning{fault.NameTaken, fault.Name, bookkeeper, "Another customer, vendor or employee in QuickBooks has this name already.", "Rename that one in QuickBooks, then retry."}},
		{coded("6210", "6200"), meaning{fault.Refused, fault.Period, bookkeeper, "QuickBooks' books are closed on this date.", "Re-open them, or post on the first open day."}},
		{
			func(x seen) bool { return x.has("2500") && x.says("accounts element") },
			meaning{fault.Refused, fault.Account, bookkeeper, "An account of this entry is inactive or gone in QuickBooks.", "Make it active again, or map another one; then retry."},
		},
		{
			func(x seen) bool { return x.has("2500") && x.says("names element") },
			meaning{fault.Refused, fault.Account, bookkeeper, "A customer or vendor of this entry is inactive or gone in QuickBooks.", "Make it active again, or link another one; then retry."},
		},
		{
			coded("610", "2500"),
			meaning{
				fault.Refused, fault.Account, bookkeeper, "An account, customer or vendor of this entry is inactive or gone in QuickBooks.",
				"Make it active again, or map or link another one; then retry.",
			},
		},
		{
			func(x seen) bool {
				return x.says("different type of account", "when you use accounts receivable", "when you use accounts payable", "only one a/r or a/p account")
			},
			meaning{fault.Refused, fault.Account, bookkeeper, "QuickBooks does not take an account of this entry: %s", "Map another account, then retry."},
		},
		{coded("6270"), meaning{
			fault.Refused, fault.Account, bookkeeper, "An account of this entry is one for stock in QuickBooks, and the entry is dated before that stock began.",
			"Map an account that is not for stock, then retry.",
		}},
		{coded("6140"), meaning{fault.Refused, fault.Data, bookkeeper, "QuickBooks has another transaction of this number already.", "Retry: the next try has another number."}},
		{coded("5010"), meaning{fault.Refused, fault.Data, bookkeeper, "Somebody changed it in QuickBooks at the same time.", "Retry."}},
		{coded("5020"), meaning{
			fault.Refused, fault.Data, administrator, "The person who connected QuickBooks may not use this feature there.",
			"Give them the right, or reconnect as somebody who has it; then retry.",
		}},
		{coded("2040"), meaning{fault.Refused, fault.Data, bookkeeper, "QuickBooks does not take a character of this text: %s", "Correct it in Passare, then retry."}},
		{seen.misread, meaning{fault.Refused, fault.Data, support, "QuickBooks cannot use what it was sent. It says: %s", "Tell support; a retry alone does not help."}},
		{func(seen) bool { return true }, meaning{fault.Refused, fault.Data, bookkeeper, "QuickBooks refused: %s", "Correct what it names, then retry."}},
	}
}

func meaningOf(a answer, details []detail, write bool) meaning {
	x := seen{status: a.status, details: details, write: write}
	table := rules()
	return table[slices.IndexFunc(table, func(r rule) bool { return r.fits(x) })].meaning
}

// maxSaid is how much of QuickBooks' own text a message has, in characters.
const maxSaid = 300

// saidOf is QuickBooks' own text, cut.
func saidOf(a answer, details []detail) string {
	for _, d := range details {
		if said := words(d); said != "" {
			return journal.Clip(said, maxSaid)
		}
	}
	return http.StatusText(a.status)
}

// words is what an error says, with its code in it only once.
func words(d detail) string {
	if d.Detail != "" {
		return string(d.Detail)
	}
	return string(d.Message)
}
