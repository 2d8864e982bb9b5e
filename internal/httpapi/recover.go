package httpapi

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// Recover answers a request whose handler panics as our fault, and tells where it was: the kind of the value, since its text may quote what was sent.
func Recover(next http.Handler, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				trace := rand.Text()
				log.ErrorContext(r.Context(), "panic", "kind", fmt.Sprintf("%T", p), "trace", trace, "stack", string(debug.Stack()))
				writeProblem(w, errInternal(nil), trace)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// RegisterHealth serves whether the product answers.
func RegisterHealth(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
}
