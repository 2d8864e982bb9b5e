// Package reconcile proves that both books say the same, or says exactly why not (../rules/accounting.md §11).
package reconcile
