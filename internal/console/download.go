package console

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/passare/qbo-sync/internal/fault"
	"github.com/passare/qbo-sync/internal/org"
)

// download answers with the API's own file, called as the person. What the API says instead of a file is shown as a page.
func (c *Console) download(w http.ResponseWriter, r *http.Request, p org.Person) {
	c.file(w, r, p, &url.URL{Path: "/v1/entries.csv", RawQuery: fileQuery(r.URL.Query()).Encode()},
		"The file that you have just downloaded is full, and does not have all entries. Narrow the filter by dates, and download the rest by itself.")
}

// file answers with a file of the API's, called as the person. full is what is said of one that does not have everything.
func (c *Console) file(w http.ResponseWriter, r *http.Request, p org.Person, at *url.URL, full string) {
	token, _ := c.session(r)
	call := r.Clone(r.Context())
	call.URL = at
	call.RequestURI = call.URL.RequestURI()
	call.Header = http.Header{"Authorization": {"Bearer " + token}, "Accept-Encoding": r.Header["Accept-Encoding"]}
	answer := &fileOrProblem{ResponseWriter: w, more: func() { c.flash(w, false, full) }}
	c.Download.ServeHTTP(answer, call)
	if answer.problem == 0 {
		return
	}
	var answered struct {
		Detail string
		Errors []fault.Field
	}
	if json.Unmarshal(answer.text.Bytes(), &answered) != nil || answered.Detail == "" {
		answered.Detail = "This file cannot be made right now. Try again in a minute."
	}
	for _, name := range []string{"WWW-Authenticate", "Content-Disposition", "Content-Encoding", "Link"} {
		w.Header().Del(name)
	}
	c.show(w, r, p, answer.problem, "says", "No file was made", "log", said{Text: answered.Detail, Fields: answered.Errors, Back: Home})
}

// fileOrProblem passes a file on, and keeps a problem.
type fileOrProblem struct {
	http.ResponseWriter
	more    func() // is called when the file does not have all
	begun   bool
	problem int // status; 0: it is a file
	text    bytes.Buffer
}

// WriteHeader takes the status.
func (f *fileOrProblem) WriteHeader(status int) {
	if f.begun {
		return
	}
	f.begun = true
	if status >= http.StatusBadRequest {
		f.problem = status
		return
	}
	if f.Header().Get("X-More") == "true" {
		f.more()
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write takes the body.
func (f *fileOrProblem) Write(b []byte) (int, error) {
	f.WriteHeader(http.StatusOK)
	if f.problem != 0 {
		return f.text.Write(b)
	}
	return f.ResponseWriter.Write(b)
}
