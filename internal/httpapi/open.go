package httpapi

import (
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/passare"
)

// What needs no token is served without huma, and described here by hand.

const openTag = "Without a token"

// describeOpen adds these calls to the description.
func describeOpen(a *API) {
	doc := a.huma.OpenAPI()
	for name, about := range map[string]string{
		"webhook-id":        "The delivery's id.",
		"webhook-timestamp": "When it was signed, in seconds of the epoch; five minutes from now at most.",
		"webhook-signature": "v1, and the base64 of the HMAC-SHA256 of id.timestamp.body (Standard Webhooks); several with a blank between them.",
		"intuit-signature":  "The base64 of the HMAC-SHA256 of the body, by the verifier token of the app at Intuit.",
	} {
		doc.Components.SecuritySchemes[name] = &huma.SecurityScheme{Type: "apiKey", In: "header", Name: name, Description: about}
	}
	schemas := doc.Components.Schemas
	doc.AddOperation(describeEvents(schemas))
	doc.AddOperation(describeQuickBooksEvents(schemas))
	doc.AddOperation(describeCallback(schemas))
	doc.AddOperation(describeProblem(schemas))
	for path, x := range map[string]struct{ id, summary, contentType, example string }{
		"/openapi.json": {"get-description", "This description", "application/openapi+json", ""},
		"/docs":         {"get-documentation", "This description as a page", "text/html", "<!doctype html>"},
		"/healthz":      {"get-health", "Whether the product answers", "text/plain", "ok\n"},
	} {
		op := open(x.id, http.MethodGet, path, x.summary)
		op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{x.contentType: {Schema: &huma.Schema{Type: "string"}, Example: x.example}}}
		if path == "/openapi.json" {
			op.Responses["200"].Content[x.contentType] = &huma.MediaType{Schema: &huma.Schema{Type: "object", AdditionalProperties: true}, Example: map[string]any{"openapi": "3.1.0"}}
		}
		describeFault(schemas, op, fault.Throttled)
		describeFault(schemas, op, fault.Internal)
		doc.AddOperation(op)
	}
}

// open is a call without a token. Its security is said, so that it cannot be taken for forgotten.
func open(id, method, path, summary string) *huma.Operation {
	return &huma.Operation{
		OperationID: id, Method: method, Path: path, Tags: []string{openTag}, Summary: summary, Description: summary + ". Needs no token.",
		Security: []map[string][]string{{}}, Responses: map[string]*huma.Response{},
	}
}

func describeEvents(schemas huma.Registry) *huma.Operation {
	op := open("deliver-events", http.MethodPost, "/v1/events", "Takes events of Passare in")
	op.Description = "One event (" + oneEvent + ") or up to 100 (" + manyEvents + "), signed as Standard Webhooks. 202: something new was stored; 200: all of it was known. " +
		"Of several each stands alone: what became of it is in results, with its problem. 422 with results: none was taken; 503 with results: send all of them again."
	op.Security = []map[string][]string{{"webhook-id": {}, "webhook-timestamp": {}, "webhook-signature": {}}}
	event := eventSchema()
	op.RequestBody = &huma.RequestBody{Required: true, Description: "At most 1 MiB.", Content: map[string]*huma.MediaType{
		oneEvent:   {Schema: event, Example: exampleEvent()},
		manyEvents: {Schema: &huma.Schema{Type: "array", Items: event, MinItems: new(1), MaxItems: new(passare.MaxBatch)}, Example: []any{exampleEvent()}},
	}}
	results := schemas.Schema(reflect.TypeFor[eventResults](), true, "EventResults")
	taken := eventResults{Results: []eventResult{{Event: "evt-1", Entry: "payment.p1.1", State: "queued"}}}
	for status, said := range map[int]string{http.StatusOK: "All of it was known", http.StatusAccepted: "Something new was stored"} {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: said, Content: map[string]*huma.MediaType{"application/json": {Schema: results, Example: taken}}}
	}
	for _, code := range []fault.Code{
		malformed, fault.Unauthenticated, fault.Conflict, fault.TooLarge, fault.UnsupportedMedia, fault.Invalid, fault.Throttled, fault.Internal, fault.Unavailable,
	} {
		describeFault(schemas, op, code)
	}
	refused := eventResults{Results: []eventResult{{Event: "evt-1", Problem: new(exampleProblem(kinds()[0]))}}}
	for _, status := range []string{"422", "503"} {
		op.Responses[status].Content["application/json"] = &huma.MediaType{Schema: results, Example: refused}
	}
	return op
}

func describeQuickBooksEvents(schemas huma.Registry) *huma.Operation {
	const batch, legacy = "application/cloudevents+json", "application/json"
	op := open("deliver-quickbooks-events", http.MethodPost, "/v1/quickbooks-events", "Takes in what QuickBooks says of changes")
	op.Description = "QuickBooks' own webhooks, signed as Intuit signs: a list of CloudEvents, or the format before. What they name is looked at by the next nightly proof; " +
		"of companies that nobody has connected nothing is kept. Other content types are read alike."
	op.Security = []map[string][]string{{"intuit-signature": {}}}
	event := &huma.Schema{
		Type: "object", AdditionalProperties: true, Description: "A CloudEvent of QuickBooks.", Required: []string{"specversion", "type", "intuitentityid", "intuitaccountid"},
		Properties: map[string]*huma.Schema{
			"specversion": {Type: "string", Enum: []any{"1.0"}}, "id": {Type: "string", MaxLength: new(longestKey)}, "type": {Type: "string", MaxLength: new(longestKey)},
			"time": {Type: "string", Format: "date-time"}, "intuitentityid": {Type: "string", MaxLength: new(50)}, "intuitaccountid": {Type: "string", MaxLength: new(50)},
		},
	}
	before := &huma.Schema{
		Type: "object", AdditionalProperties: true, Description: "The format before CloudEvents.", Required: []string{"eventNotifications"},
		Properties: map[string]*huma.Schema{"eventNotifications": {Type: "array", MaxItems: new(maxNotice), Items: &huma.Schema{Type: "object", AdditionalProperties: true}}},
	}
	op.RequestBody = &huma.RequestBody{Required: true, Description: "At most 1 MiB.", Content: map[string]*huma.MediaType{
		batch: {Schema: &huma.Schema{Type: "array", MaxItems: new(maxNotice), Items: event}, Example: []any{map[string]any{
			"specversion": "1.0", "id": "88cd52aa-33b6-4351-9aa4-47572edbd068", "source": "intuit.dsnBgbseACLLRZNxo2dfc4evmEJdxde58xeeYcZliOU=", "type": "qbo.journalentry.updated.v1",
			"datacontenttype": "application/json", "time": "2026-09-10T21:31:25Z", "intuitentityid": "1234", "intuitaccountid": "4620816365000000001", "data": map[string]any{},
		}}},
		legacy: {Schema: before, Example: map[string]any{"eventNotifications": []any{map[string]any{
			"realmId": "4620816365000000001", "dataChangeEvent": map[string]any{"entities": []any{map[string]any{
				"name": "JournalEntry", "id": "1234", "operation": "Update", "lastUpdated": "2026-09-10T14:31:25-07:00",
			}}},
		}}}},
	}}
	op.Responses["200"] = &huma.Response{Description: "Heard", Content: map[string]*huma.MediaType{
		"application/json": {Schema: schemas.Schema(reflect.TypeFor[heardBody](), true, "HeardBody"), Example: heardBody{Hints: 1}},
	}}
	for _, code := range []fault.Code{malformed, fault.Unauthenticated, fault.TooLarge, fault.Invalid, fault.Throttled, fault.Internal, fault.Unavailable} {
		describeFault(schemas, op, code)
	}
	return op
}

// eventSchema describes an event.
func eventSchema() *huma.Schema {
	return &huma.Schema{
		Type: "object", AdditionalProperties: true, Description: "A CloudEvent of Passare (internal/passare/events.md).", Required: []string{"specversion", "id", "source", "type", "data"},
		Properties: map[string]*huma.Schema{
			"specversion": {Type: "string", Enum: []any{"1.0"}}, "id": {Type: "string", MaxLength: new(passare.MaxID)}, "source": {Type: "string", MaxLength: new(passare.MaxName)},
			"type": {Type: "string", MaxLength: new(passare.MaxName)}, "time": {Type: "string", Format: "date-time"}, "data": {Type: "object", AdditionalProperties: true},
		},
	}
}

func exampleEvent() map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": "evt-1", "source": "/organizations/willow-creek", "type": "com.passare.payment.created", "subject": "payment/p1", "time": "2026-03-04T15:04:05Z",
		"datacontenttype": "application/json", "data": map[string]any{
			"record": map[string]any{"type": "payment", "id": "p1", "version": 1},
			"case":   map[string]any{"id": "c1", "number": "24-0113", "decedent": map[string]any{"first": "John", "last": "Smith"}},
			"branch": map[string]any{"id": "main", "name": "Main"}, "actor": map[string]any{"id": "u1", "name": "Ana Diaz"},
			"method": "check", "amount": "1000.00", "date": "2026-03-04",
		},
	}
}

func describeCallback(schemas huma.Registry) *huma.Operation {
	op := open("finish-connection", http.MethodGet, "/oauth/callback", "Where Intuit sends the person's browser back to")
	op.Description = "Saves the grant, says how it went on a page (as JSON for who accepts json), and lets go what waited. Only in the browser that began, once. Needs no token."
	for _, x := range [][2]string{
		{"state", "The attempt, as POST /v1/connection/start named it."},
		{"code", "What the grant is fetched with."},
		{"realmId", "The company."},
		{"error", "Why there is none, such as access_denied."},
	} {
		op.Parameters = append(op.Parameters, &huma.Param{Name: x[0], In: "query", Description: x[1], Schema: &huma.Schema{Type: "string", MaxLength: new(longestAnswer)}})
	}
	op.Responses["200"] = &huma.Response{Description: "Connected", Content: map[string]*huma.MediaType{
		"text/html": {Schema: &huma.Schema{Type: "string"}, Example: "<!doctype html>"},
		"application/json": {
			Schema:  schemas.Schema(reflect.TypeFor[callbackRow](), true, "CallbackRow"),
			Example: callbackRow{Company: "Willow Creek Funeral Home", Realm: "4620816365000000001", Released: 14},
		},
	}}
	for _, code := range []fault.Code{malformed, fault.Invalid, fault.NotFound, fault.Conflict, fault.Stale, fault.Throttled, fault.Internal, fault.Unavailable} {
		describeFault(schemas, op, code)
	}
	for status, r := range op.Responses {
		if status != "200" {
			r.Content["text/html"] = &huma.MediaType{Schema: &huma.Schema{Type: "string"}, Example: "<!doctype html>"}
		}
	}
	return op
}

// longestAnswer is how long a part of Intuit's answer is expected to be at most, in the description alone.
const longestAnswer = 2000

func describeProblem(schemas huma.Registry) *huma.Operation {
	op := open("get-problem", http.MethodGet, "/problems/{code}", "What a type of problem means")
	op.Parameters = []*huma.Param{{Name: "code", In: "path", Required: true, Description: "The end of a problem's type.", Schema: &huma.Schema{Type: "string", MaxLength: new(longestKey)}, Example: "invalid"}}
	op.Responses["200"] = &huma.Response{Description: "OK", Content: map[string]*huma.MediaType{"application/json": {
		Schema: schemas.Schema(reflect.TypeFor[problemRow](), true, "ProblemRow"), Example: problemRow{Type: "/problems/invalid", Title: "The input is wrong", Status: 422},
	}}}
	for _, code := range []fault.Code{fault.NotFound, fault.Throttled, fault.Internal} {
		describeFault(schemas, op, code)
	}
	return op
}
