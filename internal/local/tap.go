package local

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/passare/qbo-sync/internal/fault"
)

// Tap stands between the functions and AWS, and keeps what each of them called: its actions as a policy names them, on which resource. The functions are
// told apart by the name that each puts into its requests (AWS_SDK_UA_APP_ID).
type Tap struct {
	next *httputil.ReverseProxy

	mu    sync.Mutex
	calls map[Call]int
}

// Call is one kind of call of a function.
type Call struct {
	Function string
	Action   string // "dynamodb:PutItem"
	Resource string // a table, "table/index/name", the name of a queue or of a secret
}

func newTap(next string, log *slog.Logger) (*Tap, error) {
	to, err := url.Parse(next)
	if err != nil || to.Host == "" {
		return nil, fault.Because(err, fault.Invalid, "AWS_ENDPOINT_URL is not an address.")
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host },
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}
	return &Tap{next: proxy, calls: map[Call]int{}}, nil
}

// Calls is how often each call was made until now.
func (t *Tap) Calls() map[Call]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.calls)
}

// ServeHTTP keeps a request and hands it on.
func (t *Tap) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "the request was cut", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	t.keep(function(r.UserAgent()), r.Header.Get("X-Amz-Target"), body)
	t.next.ServeHTTP(w, r)
}

// function reads the name that a function puts into its requests.
func function(agent string) string {
	for _, part := range strings.Fields(agent) {
		if name, ok := strings.CutPrefix(part, "app/"); ok {
			return name
		}
	}
	return ""
}

func (t *Tap) keep(function, target string, body []byte) {
	if function == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range calls(target, body) {
		c.Function = function
		t.calls[c]++
	}
}

// request is what the requests of the three services say of whom they are about.
type request struct {
	TableName     string
	IndexName     string
	RequestItems  map[string]json.RawMessage
	TransactItems []map[string]struct{ TableName string }
	QueueURL      string `json:"QueueUrl"`
	SecretID      string `json:"SecretId"`
	Name          string // of a secret that is made
}

// calls are the actions of one request. A transaction is allowed by the actions in it.
func calls(target string, body []byte) []Call {
	service, operation, ok := strings.Cut(target, ".")
	var r request
	if !ok || json.Unmarshal(body, &r) != nil {
		return nil
	}
	switch {
	case strings.HasPrefix(service, "DynamoDB"):
		return tableCalls(operation, r)
	case service == "AmazonSQS":
		return []Call{{Action: "sqs:" + operation, Resource: r.QueueURL[strings.LastIndex(r.QueueURL, "/")+1:]}}
	case service == "secretsmanager":
		return []Call{{Action: "secretsmanager:" + operation, Resource: r.SecretID + r.Name}}
	}
	return []Call{{Action: service + ":" + operation}}
}

func tableCalls(operation string, r request) []Call {
	table := func(action, name string) Call { return Call{Action: "dynamodb:" + action, Resource: name} }
	switch {
	case len(r.TransactItems) > 0:
		var list []Call
		for _, item := range r.TransactItems {
			for kind, x := range item {
				list = append(list, table(kind+"Item", x.TableName)) // Put, Update, Delete
			}
		}
		return list
	case len(r.RequestItems) > 0:
		var list []Call
		for _, name := range slices.Sorted(maps.Keys(r.RequestItems)) {
			list = append(list, table(operation, name))
		}
		return list
	case r.IndexName != "":
		return []Call{table(operation, r.TableName+"/index/"+r.IndexName)}
	}
	return []Call{table(operation, r.TableName)}
}
