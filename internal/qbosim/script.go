package qbosim

import (
	"slices"
	"strings"
	"time"
)

// Fault is a scripted answer. It meets the next Times calls whose realm, method and path fit (empty fits all). DelayMS passes before
// anything else happens, but for commit_then_delay. A call that takes longer than Options.Limit is cut with a 504 page of HTML; the work of kinds that do it is done all the same.
//
//	status                 answers Status and Body instead of doing anything
//	drop                   cuts the connection instead of doing anything
//	hang                   answers nothing until the caller gives up or the call is cut
//	delay                  does the work, DelayMS late
//	catalogue              answers with the fault of Code, and Variant if the code has several (GET /_sim/faults lists them), instead of doing anything
//	commit_then_delay      does the work at once, and answers DelayMS late
//	commit_then_status     does the work, then answers Status and Body
//	commit_then_drop       does the work, then cuts the connection
//	commit_then_hang       does the work, then answers nothing until the caller gives up or the call is cut
//	commit_then_catalogue  does the work, then answers with that fault
//	truncate               does the work, then sends half of the answer and cuts the connection
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
	Code         string `json:"code"`
	Variant      string `json:"variant"`
}

// maxDelay is how late a scripted answer may be; what is later than the limit of a call is cut.
const maxDelay = 10 * time.Minute

func faultKinds() []string {
	return []string{"status", "drop", "hang", "delay", "catalogue", "commit_then_delay", "commit_then_status", "commit_then_drop", "commit_then_hang", "commit_then_catalogue", "truncate"}
}

// wrong says what is wrong with a scripted fault, or nothing.
func (f *Fault) wrong() string {
	_, inCatalogue := catalogued(f.Code, f.Variant)
	switch {
	case !slices.Contains(faultKinds(), f.Kind):
		return "kind must be one of " + strings.Join(faultKinds(), ", ")
	case strings.HasSuffix(f.Kind, "catalogue") && !inCatalogue:
		return "code and variant must be of the catalogue"
	case f.Times < 1:
		return "times must be at least 1"
	case strings.HasSuffix(f.Kind, "status") && (f.Status < 200 || f.Status > 599):
		return "status must be 200 to 599"
	case f.DelayMS < 0 || f.DelayMS > int(maxDelay.Milliseconds()):
		return "delay_ms must be 0 to 600000"
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

// fromCatalogue is the fault that a script asks for, as the company would answer it.
func (s *Sim) fromCatalogue(c call, f *Fault) result {
	k, _ := catalogued(f.Code, f.Variant)
	co, ok := s.companies[c.realm]
	c.xml = ok && co.switches.XMLFaults
	return s.give(c, k)
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
