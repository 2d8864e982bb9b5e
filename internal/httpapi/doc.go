// Package httpapi is the HTTP surface: the signed inbound events of Passare, and the REST calls for admins.
//
// Errors are RFC 9457 application/problem+json, made in one place from fault codes (problem.go). The
// tenant of an admin's call is the claim of their token and nothing else: an id of another organisation
// answers 404, exactly like one that does not exist.
package httpapi
