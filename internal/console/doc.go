// Package console is the web console: pages on which bookkeepers review the Integration log, complete without script. It calls the same use cases as the
// REST API and decides nothing by itself; what a button may do is what package review says of the entry.
//
//	browser ── sign-in (OpenID Connect, code with PKCE) ──▶ issuer
//	   │ cookie: the ID token, checked at each request by the reader that checks those of the API
//	   └── GET pages, POST acts (refused from other sites) ──▶ review, bell, matching (links), intake (Add to Accounting Export)
//
// What a person typed reaches a page through html/template alone. No page has script, or style of its own: the content security policy forbids both.
package console
