// Package porttest has one conformance suite for each port: what the use cases rely on, run against every
// adapter of it. A new adapter proves itself by calling Store, Queue or Secrets with a function that
// makes an empty one.
package porttest
