// Package console is the web console: pages on which bookkeepers review the Integration log, complete without script. It calls the same use cases as the
// REST API and decides nothing by itself; what a button may do is what package review says of the entry.
//
//	browser ── sign-in (OpenID Connect, code with PKCE) ──▶ issuer
//	   │ cookie: the ID token, checked at each request by the reader that checks those of the API
//	   └── GET pages, POST acts (refused from other sites) ──▶ review, bell, setup (mapping, settings), grant (connection),
//	                                                                 matching (links), intake (Add to Accounting Export)
//
// What a person typed reaches a page through html/template alone. No page has script or style within it: the content security policy forbids both, and lets
// only our own files be loaded. What script adds is comfort (pages/console.js, on pages/htmx.min.js): the list that refreshes itself, sums of what is ticked,
// keys; nothing that a person can do needs it. It asks for pages that are there anyway, and takes of them what is new.
package console
