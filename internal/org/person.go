package org

import "slices"

// Permission is what a person may do.
type Permission string

// The two permissions (README, Who may do what).
const (
	SeeLog Permission = "integration_log"    // see the log and its notifications; sync, retry, delete, restore
	Manage Permission = "integrations_admin" // settings, mapping, connection, links
)

// Person is somebody who is signed in. Org is the only tenant that they see.
type Person struct {
	Subject     string
	Name        string
	Org         string
	Permissions []Permission
}

// May says whether the person has a permission.
func (p Person) May(x Permission) bool { return slices.Contains(p.Permissions, x) }
