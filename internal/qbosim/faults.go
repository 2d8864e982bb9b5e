package qbosim

import (
	"encoding/json"
	"net/http"
	"strings"
)

// serviceError is one error of a service fault (quickbooks.md, Faults).
type serviceError struct{ Message, Detail, Code, Element string }

// show keeps the key order of QuickBooks.
func (e serviceError) show() ordered {
	return ordered{{"Message", e.Message}, {"Detail", e.Detail}, {"code", e.Code}, {"element", e.Element}}
}

// refused answers with a service fault of one or more errors.
func (s *Sim) refused(status int, errors ...serviceError) result {
	list := make([]ordered, len(errors))
	for i, e := range errors {
		list[i] = e.show()
	}
	kind := "ValidationFault"
	if status >= http.StatusInternalServerError {
		kind = "SystemFault"
	}
	body, _ := json.Marshal(ordered{{"Fault", ordered{{"Error", list}, {"type", kind}}}, {"time", s.stamp()}})
	return result{status: status, header: map[string]string{"Content-Type": "application/json"}, body: body}
}

// gateway answers in the gateway's dialect: lower case, numeric time.
func (s *Sim) gateway(status int, message string, detail any, code, kind string) result {
	body, _ := json.Marshal(ordered{
		{"warnings", json.RawMessage("null")},
		{"intuitObject", json.RawMessage("null")},
		{"fault", ordered{
			{"error", []ordered{{{"message", message}, {"detail", detail}, {"code", code}, {"element", json.RawMessage("null")}}}},
			{"type", kind},
		}},
		{"report", json.RawMessage("null")},
		{"queryResponse", json.RawMessage("null")},
		{"batchItemResponse", []any{}},
		{"attachableResponse", []any{}},
		{"syncErrorResponse", json.RawMessage("null")},
		{"requestId", json.RawMessage("null")},
		{"time", s.o.Now().UnixMilli()},
		{"status", json.RawMessage("null")},
		{"cdcresponse", []any{}},
	})
	return result{status: status, header: map[string]string{"Content-Type": "application/json"}, body: body}
}

func (s *Sim) unauthorized(detail string) result {
	r := s.gateway(http.StatusUnauthorized, "message=AuthenticationFailed; errorCode=003200; statusCode=401", detail, "3200", "AUTHENTICATION")
	r.header["WWW-Authenticate"] = `Bearer realm="Intuit", error="invalid_token"`
	return r
}

func (s *Sim) forbidden() result {
	return s.gateway(http.StatusForbidden, "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", json.RawMessage("null"), "3100", "SERVICE")
}

func unsupported(what string) serviceError {
	return serviceError{"Unsupported Operation", "Operation " + what + " is not supported.", "500", ""}
}

func badProperty(what string) serviceError {
	return serviceError{"Request has invalid or unsupported property", "Property Name:" + what + " specified is unsupported or invalid", "2010", ""}
}

func missing(name string) serviceError {
	return serviceError{
		"Required param missing, need to supply the required value for the API", "Required parameter " + name + " is missing in the request", "2020", name,
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

func unknownRef(table, id string) serviceError {
	return serviceError{"Invalid Reference Id", "Invalid Reference Id : " + table + " element id " + id + " not found", "2500", "Reference Id"}
}

func duplicateName() serviceError {
	return serviceError{
		"Duplicate Name Exists Error",
		"The name supplied already exists. : Another customer, vendor or employee is already using this name. Please use a different name.", "6240", "",
	}
}

// Fault is a scripted answer. It meets the next Times calls whose realm, method and path fit (empty fits all).
//
//	status              answers Status and Body instead of doing anything
//	drop                cuts the connection instead of doing anything
//	commit_then_status  does the work, then answers Status and Body
//	commit_then_drop    does the work, then cuts the connection
type Fault struct {
	Realm        string `json:"realm"`
	Method       string `json:"method"`
	PathContains string `json:"path_contains"`
	Times        int    `json:"times"`
	Kind         string `json:"kind"`
	Status       int    `json:"status"`
	Body         string `json:"body"`
}

// wrong says what is wrong with a scripted fault, or nothing.
func (f *Fault) wrong() string {
	switch {
	case f.Kind != "status" && f.Kind != "drop" && f.Kind != "commit_then_status" && f.Kind != "commit_then_drop":
		return "kind must be status, drop, commit_then_status or commit_then_drop"
	case f.Times < 1:
		return "times must be at least 1"
	case !f.drops() && (f.Status < 200 || f.Status > 599):
		return "status must be 200 to 599"
	}
	return ""
}

func (f *Fault) commits() bool { return strings.HasPrefix(f.Kind, "commit_then_") }
func (f *Fault) drops() bool   { return strings.HasSuffix(f.Kind, "drop") }

func (f *Fault) result() result {
	return result{status: f.Status, header: map[string]string{"Content-Type": "application/json"}, body: []byte(f.Body)}
}

// scripted takes the first scripted fault that fits a call.
func (s *Sim) scripted(c call) *Fault {
	for i, f := range s.faults {
		if (f.Realm != "" && f.Realm != c.realm) || (f.Method != "" && f.Method != c.method) || !strings.Contains(c.path, f.PathContains) {
			continue
		}
		if f.Times--; f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f
	}
	return nil
}
