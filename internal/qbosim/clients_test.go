//go:build clients

package qbosim_test

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/passare/qbo-sync/internal/qbosim"
)

// TestClientsOfOthers runs well-known clients against the simulator, as they are: `make test-clients`.
func TestClientsOfOthers(t *testing.T) {
	for name, x := range map[string]struct {
		run     func(t *testing.T, env []string)
		entries int // that the client leaves in the books
	}{
		"python-quickbooks":                {runPython, 24},
		"node-quickbooks and intuit-oauth": {runNode("clients.js"), 29},
		"quickbooks-node-promise":          {runNode("promise.js"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim := qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "secret"})
			if err := sim.AddCompany(qbosim.Company{Realm: realm, Name: "Sandbox"}); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(sim.Handler())
			t.Cleanup(server.Close)
			x.run(t, []string{"OAUTHLIB_INSECURE_TRANSPORT=1", "QBO_URL=" + server.URL, "QBO_REALM=" + realm, "QBO_REFRESH_TOKEN=" + sim.Grant(realm)})
			if left := len(sim.Journal(realm)); left != x.entries {
				t.Errorf("%d entries are left in the books, want %d", left, x.entries)
			}
		})
	}
}

func runPython(t *testing.T, env []string) {
	t.Helper()
	python := runtime(t, "python3")
	venv := filepath.Join(t.TempDir(), "venv")
	run(t, "", nil, python, "-m", "venv", venv)
	run(t, "", nil, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", "clients/requirements.txt")
	run(t, "", env, filepath.Join(venv, "bin", "python"), "clients/python_quickbooks.py")
}

func runNode(script string) func(t *testing.T, env []string) {
	return func(t *testing.T, env []string) {
		t.Helper()
		node, npm := runtime(t, "node"), runtime(t, "npm")
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("clients/node")); err != nil {
			t.Fatal(err)
		}
		run(t, dir, nil, npm, "ci", "--no-audit", "--no-fund", "--loglevel=error")
		run(t, dir, env, node, script)
	}
}

// runtime finds a program. Where it is missing the test is skipped, but not in CI, where nothing may be left out unseen.
func runtime(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is not installed, and CI must run the clients of others", name)
	default:
		t.Skipf("%s is not installed, so its clients cannot be run against the simulator", name)
	}
	return path
}

func run(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("%s: %v", filepath.Base(name), err)
	}
}
