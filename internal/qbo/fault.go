package qbo

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/intlog"
	"github.com/passare/qbo-sync/internal/journal"
)

// detail is one error of a fault, in either dialect: json matches keys whatever their case.
type detail struct {
	Message string `json:"Message" xml:"Message"`
	Detail  string `json:"Detail" xml:"Detail"`
	Code    string `json:"code" xml:"code,attr"`
	Element string `json:"element" xml:"element,attr"`
}

// faultBody reads both dialects, {"Fault":{"Error":[…]}} of the service and {"fault":{"error":[…]}} of the gateway.
type faultBody struct {
	Fault *struct {
		Error []detail `json:"Error"`
		Type  string   `json:"type"`
	} `json:"Fault"`
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
	m := meaningOf(a, details, write)
	f := &fault.Error{Code: m.code, Class: m.class, Who: m.who, Message: m.says, Remedy: m.remedy, Trace: a.tid}
	if strings.Contains(f.Message, "%s") {
		f.Message = fmt.Sprintf(f.Message, saidOf(a, details))
	}
	if m.code == fault.Throttled {
		f.RetryAfter = intlog.ThrottlePause
	}
	for i, d := range details {
		if i == 0 {
			f.Origin = d.Code
		}
		f.Fields = append(f.Fields, fault.Field{Field: d.Element, Value: d.Code, Problem: journal.Clip(words(d), 500)})
	}
	return f
}

// read gives the errors of a body, and whether it is a whole JSON value.
func read(body []byte) (details []detail, whole bool) {
	var b faultBody
	if json.Unmarshal(body, &b) == nil {
		if b.Fault == nil {
			return nil, true
		}
		return append([]detail{}, b.Fault.Error...), true
	}
	var x faultXML
	if xml.Unmarshal(body, &x) == nil {
		return x.Error, false
	}
	return nil, false
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
	return slices.ContainsFunc(x.details, func(d detail) bool { return slices.Contains(codes, d.Code) })
}

func (x seen) says(texts ...string) bool {
	return slices.ContainsFunc(x.details, func(d detail) bool {
		said := strings.ToLower(d.Message + " " + d.Detail)
		return slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(said, t) })
	})
}

// uncertain: a 5xx, an answer that is neither success nor fault, and the 6000 that is an accident rather than a rule
// ("…but the entity saves anyway"): only its text tells them apart.
func (x seen) uncertain() bool {
	return x.status >= http.StatusInternalServerError || x.status < http.StatusBadRequest && len(x.details) == 0 || x.has("10000") ||
		x.says("unexpected error occurred while accessing", "unexpected internal error")
}

func coded(codes ...string) func(seen) bool { return func(x seen) bool { return x.has(codes...) } }

func rules() []rule {
	reconnect := meaning{fault.Disconnected, fault.Connection, administrator, "QuickBooks no longer accepts the connection.", "Reconnect QuickBooks; what waits then goes by itself."}
	return []rule{
		{
			func(x seen) bool { return x.status == http.StatusTooManyRequests || x.has("3001") },
			meaning{fault.Throttled, fault.Transient, nobody, "QuickBooks asks for a pause.", "It is tried again by itself in a minute."},
		},
		{coded("6190"), meaning{fault.Disconnected, fault.Connection, administrator, "The company's QuickBooks subscription has ended or was not paid.", "Renew it at QuickBooks, then reconnect; what waits then goes by itself."}},
		{
			func(x seen) bool {
				return x.status == http.StatusUnauthorized || x.status == http.StatusForbidden || x.has("3100", "3200", "120")
			},
			reconnect,
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
		{coded("6240"), meaning{fault.NameTaken, fault.Name, bookkeeper, "QuickBooks uses this name already: %s", "Rename it in QuickBooks, then retry."}},
		{coded("6210", "6200"), meaning{fault.Refused, fault.Period, bookkeeper, "QuickBooks' books are closed on this date.", "Re-open them, or post on the first open day."}},
		{
			coded("610", "2500"),
			meaning{fault.Refused, fault.Account, bookkeeper, "An account or name of this entry is inactive or gone in QuickBooks (%s).", "Make it active again, or map another one; then retry."},
		},
		{coded("6140"), meaning{fault.Refused, fault.Data, bookkeeper, "QuickBooks has an entry of this number already: %s", "Retry: the next try has another number."}},
		{coded("5010"), meaning{fault.Refused, fault.Data, bookkeeper, "Somebody changed it in QuickBooks at the same time.", "Retry."}},
		{func(seen) bool { return true }, meaning{fault.Refused, fault.Data, bookkeeper, "QuickBooks refused: %s", "Correct what it names, then retry."}},
	}
}

func meaningOf(a answer, details []detail, write bool) meaning {
	x := seen{status: a.status, details: details, write: write}
	table := rules()
	return table[slices.IndexFunc(table, func(r rule) bool { return r.fits(x) })].meaning
}

// saidOf is QuickBooks' own text, cut.
func saidOf(a answer, details []detail) string {
	if len(details) == 0 {
		return http.StatusText(a.status)
	}
	return journal.Clip(words(details[0]), 300)
}

// words is what an error says, with its code in it only once.
func words(d detail) string {
	if d.Detail != "" {
		return d.Detail
	}
	return d.Message
}
