package qbo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/journal"
)

// wait is how long QuickBooks wants to be left alone after a 429.
const wait = 60 * time.Second

// detail is one error of a fault, in either dialect: json matches keys whatever their case.
type detail struct {
	Message string `json:"Message"`
	Detail  string `json:"Detail"`
	Code    string `json:"code"`
	Element string `json:"element"`
}

// faultBody reads both dialects, {"Fault":{"Error":[…]}} of the service and {"fault":{"error":[…]}} of the gateway.
type faultBody struct {
	Fault *struct {
		Error []detail `json:"Error"`
		Type  string   `json:"type"`
	} `json:"Fault"`
}

// faultOf turns an answer into a fault, or nil for a success. Even a 200 may carry one.
func faultOf(a answer, write bool) *fault.Error {
	var body faultBody
	readable := json.Unmarshal(a.body, &body) == nil
	var details []detail
	if body.Fault != nil {
		details = body.Fault.Error
	}
	if a.status == http.StatusOK && readable && body.Fault == nil {
		return nil
	}
	f := classify(a, details, write)
	f.Trace = a.tid
	for _, d := range details {
		f.Fields = append(f.Fields, fault.Field{Field: d.Element, Value: d.Code, Problem: journal.Clip(words(d), 500)})
	}
	return f
}

func classify(a answer, details []detail, write bool) *fault.Error {
	code, said := "", ""
	if len(details) > 0 {
		code, said = details[0].Code, journal.Clip(words(details[0]), 300)
	}
	has := func(codes ...string) bool {
		return slices.ContainsFunc(details, func(d detail) bool { return slices.Contains(codes, d.Code) })
	}
	made := func(c fault.Code, message string) *fault.Error {
		f := fault.New(c, "%s", message)
		f.Origin = code
		return f
	}
	switch {
	case a.status == http.StatusTooManyRequests || has("3001"):
		f := made(fault.Throttled, "QuickBooks asks for a pause. It is tried again by itself.")
		f.RetryAfter = wait
		return f
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden || has("3100", "3200", "120"):
		return made(fault.Disconnected, "QuickBooks no longer accepts the connection. Reconnect it, and what waits goes by itself.")
	case a.status >= http.StatusInternalServerError || a.status < http.StatusBadRequest && len(details) == 0 || unexpected(details):
		if !write {
			return made(fault.Unavailable, "QuickBooks could not answer. It is asked again by itself.")
		}
		return made(fault.Unknown, "QuickBooks' answer does not say whether the entry arrived. It is asked before anything is sent again.")
	case has("6240"):
		return made(fault.NameTaken, "QuickBooks uses this name already: "+said)
	case has("6210", "6200"):
		return made(fault.Refused, "QuickBooks' books are closed on this date. Re-open them, or post on the first open day.")
	case has("610", "2500"):
		return made(fault.Refused, "An account or name of this entry is inactive or gone in QuickBooks ("+said+"). Make it active again, or map another one.")
	case has("6140"):
		return made(fault.Refused, "QuickBooks has an entry of this number already: "+said)
	default:
		if said == "" {
			said = http.StatusText(a.status)
		}
		return made(fault.Refused, "QuickBooks refused: "+said)
	}
}

// words is what an error says, with its code in it only once.
func words(d detail) string {
	if d.Detail != "" {
		return d.Detail
	}
	return d.Message
}

// unexpected: 6000 is both a rule that was broken and an accident after which the entry may be there
// ("…but the entity saves anyway"). Only the texts tell them apart.
func unexpected(details []detail) bool {
	return slices.ContainsFunc(details, func(d detail) bool {
		text := strings.ToLower(d.Message + " " + d.Detail)
		return d.Code == "10000" || strings.Contains(text, "unexpected error occurred while accessing") || strings.Contains(text, "unexpected internal error")
	})
}
