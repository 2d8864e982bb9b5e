package qbosim

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// serviceError is one error of a service fault (quickbooks.md, Faults).
type serviceError struct{ Message, Detail, Code, Element string }

// noElement is an error whose element is absent, not empty.
const noElement = "\x00"

// show keeps the key order of QuickBooks.
func (e serviceError) show() ordered {
	o := ordered{{"Message", e.Message}, {"Detail", e.Detail}, {"code", e.Code}}
	if e.Element != noElement {
		o = append(o, field{"element", e.Element})
	}
	return o
}

// faultOf is the Fault of one or more errors, as it stands in an answer or in an item of a batch.
func faultOf(kind string, errors []serviceError) ordered {
	list := make([]any, len(errors))
	for i, e := range errors {
		list[i] = e.show()
	}
	return ordered{{"Error", list}, {"type", kind}}
}

// refused answers with a service fault of one or more errors.
func (s *Sim) refused(status int, errors ...serviceError) result {
	kind := "ValidationFault"
	if status >= http.StatusInternalServerError {
		kind = "SystemFault"
	}
	fault := faultOf(kind, errors)
	body, _ := json.Marshal(ordered{{"Fault", fault}, {"time", s.stamp()}})
	return result{status: status, contentType: "application/json", body: body, fault: fault}
}

// gateway answers in the gateway's dialect: lower case, numeric time. When the caller does not accept JSON it is XML.
func (s *Sim) gateway(c call, status int, message, detail, code, kind string) result {
	if c.wantsXML() {
		return s.gatewayXML(status, message, detail, code, kind)
	}
	null := json.RawMessage("null")
	shown := any(detail)
	if detail == "" {
		shown = null
	}
	body, _ := json.Marshal(ordered{
		{"warnings", null},
		{"intuitObject", null},
		{"fault", ordered{
			{"error", []any{ordered{{"message", message}, {"detail", shown}, {"code", code}, {"element", null}}}},
			{"type", kind},
		}},
		{"report", null},
		{"queryResponse", null},
		{"batchItemResponse", []any{}},
		{"attachableResponse", []any{}},
		{"syncErrorResponse", null},
		{"requestId", null},
		{"time", json.Number(fmt.Sprint(s.o.Now().UnixMilli()))},
		{"status", null},
		{"cdcresponse", []any{}},
	})
	return result{status: status, contentType: "application/json", body: body}
}

// gatewayXML is the same fault as Intuit sends it to callers that do not accept JSON.
func (s *Sim) gatewayXML(status int, message, detail, code, kind string) result {
	type fault struct {
		XMLName xml.Name `xml:"http://schema.intuit.com/finance/v3 IntuitResponse"`
		Time    string   `xml:"time,attr"`
		Type    string   `xml:"-"`
		Fault   struct {
			Type  string `xml:"type,attr"`
			Error struct {
				Code    string `xml:"code,attr"`
				Message string `xml:"Message"`
				Detail  string `xml:"Detail,omitempty"`
			} `xml:"Error"`
		} `xml:"Fault"`
	}
	f := fault{Time: s.stamp()}
	f.Fault.Type, f.Fault.Error.Code, f.Fault.Error.Message, f.Fault.Error.Detail = kind, code, message, detail
	body, _ := xml.Marshal(f)
	return result{status: status, contentType: "application/xml", body: append([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`), body...)}
}

func (s *Sim) unauthorized(c call, detail string) result {
	r := s.gateway(c, http.StatusUnauthorized, "message=AuthenticationFailed; errorCode=003200; statusCode=401", detail, "3200", "AUTHENTICATION")
	r.challenge = `Bearer realm="Intuit", error="invalid_token"`
	return r
}

func (s *Sim) forbidden(c call) result {
	return s.gateway(c, http.StatusForbidden, "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", "", "3100", "SERVICE")
}

func (s *Sim) throttled(c call) result {
	return s.gateway(c, http.StatusTooManyRequests, "message=ThrottleExceeded; errorCode=003001; statusCode=429", "The request limit was reached.  Try again later", "3001", "SERVICE")
}

func unsupported(what string) serviceError {
	return serviceError{"Unsupported Operation", "Operation " + what + " is not supported.", "500", noElement}
}

func noResource(c call) serviceError {
	path := "/v3/company/" + c.realm + "/" + c.path
	return unsupported("Could not find resource for relative : " + path + " of full path: https://" + c.request.Host + path)
}

func badProperty(what string) serviceError {
	return serviceError{"Request has invalid or unsupported property", "Property Name:" + what + " specified is unsupported or invalid", "2010", noElement}
}

// unreadable is a body that is no JSON object of the entity: cut off, wrapped in its own name, a field in the wrong place.
func unreadable() serviceError { return badProperty("failed to parse json object; a property") }

func missing(name string) serviceError {
	return serviceError{
		"Required param missing, need to supply the required value for the API", "Required parameter " + name + " is missing in the request", "2020", name,
	}
}

func badID(id string) serviceError {
	return serviceError{"Invalid ID", "Id should be a valid number. Supplied value:" + id, "2030", "Id"}
}

func tooLong(element string, most, given int) serviceError {
	return serviceError{
		"String length is either shorter or longer than supported by specification",
		fmt.Sprintf("String length specified does not match the supported length. Min:0 Max:%d supported. Supplied length:%d", most, given), "2050", element,
	}
}

func broken(rule string) serviceError {
	return serviceError{"A business validation error has occurred while processing your request", "Business Validation Error: " + rule, "6000", ""}
}

func inactive() serviceError {
	return serviceError{
		"Object Not Found",
		"Object Not Found : Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.", "610", "",
	}
}

func gone() serviceError {
	return serviceError{"Object Not Found", "Object Not Found : Another user has deleted this transaction.", "610", ""}
}

// stale names the person who was faster, as QuickBooks does.
func stale(by string) serviceError {
	return serviceError{
		"Stale Object Error",
		"Stale Object Error : You and " + by + " were working on this at the same time. " + by + " finished before you did, so your work was not saved.", "5010", "",
	}
}

func unknownRef(table, id string) serviceError {
	return serviceError{"Invalid Reference Id", "Invalid Reference Id : " + table + " element id " + id + " not found", "2500", "Reference Id"}
}

func duplicateName() serviceError {
	return serviceError{
		"Duplicate Name Exists Error",
		"The name supplied already exists. : Another customer, vendor or employee is already using this name. Please use a different name.", "6240", "",
	}
}

func duplicateNameOnUpdate(kind string) serviceError {
	return serviceError{
		"Duplicate Name Exists Error",
		"The name supplied already exists. : Another " + strings.ToLower(kind) + " is already using this name.  Please use a different name.", "6240", "",
	}
}

// Fault is a scripted answer. It meets the next Times calls whose realm, method and path fit (empty fits all). DelayMS passes before
// anything else happens.
//
//	status              answers Status and Body instead of doing anything
//	drop                cuts the connection instead of doing anything
//	hang                answers nothing until the caller gives up
//	delay               does the work, DelayMS late
//	commit_then_status  does the work, then answers Status and Body
//	commit_then_drop    does the work, then cuts the connection
//	commit_then_hang    does the work, then answers nothing until the caller gives up
//	truncate            does the work, then sends half of the answer and cuts the connection
type Fault struct {
	Realm        string `json:"realm"`
	Method       string `json:"method"`
	PathContains string `json:"path_contains"`
	Times        int    `json:"times"`
	Kind         string `json:"kind"`
	Status       int    `json:"status"`
	ContentType  string `json:"content_type"`
	Body         string `json:"body"`
	DelayMS      int    `json:"delay_ms"`
}

func faultKinds() []string {
	return []string{"status", "drop", "hang", "delay", "commit_then_status", "commit_then_drop", "commit_then_hang", "truncate"}
}

// wrong says what is wrong with a scripted fault, or nothing.
func (f *Fault) wrong() string {
	known := false
	for _, k := range faultKinds() {
		known = known || k == f.Kind
	}
	switch {
	case !known:
		return "kind must be one of " + strings.Join(faultKinds(), ", ")
	case f.Times < 1:
		return "times must be at least 1"
	case strings.HasSuffix(f.Kind, "status") && (f.Status < 200 || f.Status > 599):
		return "status must be 200 to 599"
	case f.DelayMS < 0 || f.DelayMS > int((2*time.Minute).Milliseconds()):
		return "delay_ms must be 0 to 120000"
	}
	return ""
}

// commits says whether the work is done.
func (f *Fault) commits() bool {
	return strings.HasPrefix(f.Kind, "commit_then_") || f.Kind == "delay" || f.Kind == "truncate"
}

func (f *Fault) result() result {
	kind := f.ContentType
	if kind == "" {
		kind = "application/json"
	}
	return result{status: f.Status, contentType: kind, body: []byte(f.Body)}
}

// scripted takes the first scripted fault that fits a call.
func (s *Sim) scripted(realm, method, path string) *Fault {
	for i, f := range s.faults {
		if (f.Realm != "" && f.Realm != realm) || (f.Method != "" && f.Method != method) || !strings.Contains(path, f.PathContains) {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f
	}
	return nil
}
