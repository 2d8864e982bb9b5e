package archtest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/passare/qbo-sync/internal/httpapi"
)

// route is who serves a route, and whether anybody may call it.
type route struct {
	function string
	open     bool
}

// everythingElse is the route of the calls of people that have none of their own.
const everythingElse = "ANY /v1/{proxy+}"

// routesOfHTTPAPI reads the routes of package httpapi from its description of itself. Calls of the connection are those of a function of its own; every other
// call of a person comes to the function admin by one route.
func routesOfHTTPAPI(t *testing.T) map[string]route {
	t.Helper()
	routes := map[string]route{
		"POST /v1/events": {"IngestFunction", true}, "POST /v1/quickbooks-events": {"IngestFunction", true}, "GET /oauth/callback": {"ConnectFunction", true}, "GET /problems/{code}": {"AdminFunction", true},
		"GET /openapi.json": {"AdminFunction", true}, "GET /docs": {"AdminFunction", true}, "GET /healthz": {"AdminFunction", true},
		everythingElse: {"AdminFunction", false},
		"GET /console": {"AdminFunction", true}, "ANY /console/{proxy+}": {"AdminFunction", true}, // the function asks for the session, and sends to sign-in
	}
	raw, err := httpapi.Document()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct{ Tags []string }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			if _, known := routes[name]; known {
				continue
			}
			if len(op.Tags) == 1 && op.Tags[0] == "Connection" {
				routes[name] = route{"ConnectFunction", false}
			} else if !strings.HasPrefix(path, "/v1/") {
				t.Errorf("%s does not come by %s", name, everythingElse)
			}
		}
	}
	return routes
}
