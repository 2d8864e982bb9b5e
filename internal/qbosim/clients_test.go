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
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed, so python-quickbooks cannot be run against the simulator")
	}
	sim := qbosim.New(qbosim.Options{Now: time.Now, ClientID: "id", ClientSecret: "secret"})
	if err := sim.AddCompany(qbosim.Company{Realm: realm, Name: "Sandbox"}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	venv := filepath.Join(t.TempDir(), "venv")
	run := func(env []string, name string, args ...string) {
		t.Helper()
		c := exec.CommandContext(t.Context(), name, args...)
		c.Env = append(os.Environ(), env...)
		out, err := c.CombinedOutput()
		t.Logf("%s", out)
		if err != nil {
			t.Fatalf("%s: %v", filepath.Base(name), err)
		}
	}
	run(nil, python, "-m", "venv", venv)
	run(nil, filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", "clients/requirements.txt")
	run([]string{"OAUTHLIB_INSECURE_TRANSPORT=1", "QBO_URL=" + server.URL, "QBO_REALM=" + realm, "QBO_REFRESH_TOKEN=" + sim.Grant(realm)}, filepath.Join(venv, "bin", "python"), "clients/python_quickbooks.py")
	if left := len(sim.Journal(realm)); left != 24 {
		t.Errorf("%d entries are left in the books, want 24", left)
	}
}
