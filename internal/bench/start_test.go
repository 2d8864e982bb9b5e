package bench_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// functions are those that are deployed.
func functions() []string {
	return []string{"ingest", "admin", "connect", "sync", "retry", "reconcile"}
}

// starts is how often each function is started.
const starts = 15

// TestStartOfAFunction builds each function as `sam build` does, and measures from its start until it asks Lambda for work: what a cold start has of ours. It
// calls nothing else until then.
func TestStartOfAFunction(t *testing.T) {
	if os.Getenv("WRITE_RESULTS") == "" {
		t.Skip("measured by make bench, on a machine that does nothing else")
	}
	var table strings.Builder
	fmt.Fprintf(&table, "\n| function | zip arm64 | zip amd64 | start, median | fastest – slowest | resident |\n|---|---|---|---|---|---|\n")
	for _, name := range functions() {
		arm, here := build(t, name, "arm64"), build(t, name, runtime.GOARCH)
		if runtime.GOARCH == "arm64" {
			here = arm
		}
		armZip, hereZip := zipped(t, arm), zipped(t, here)
		var took []time.Duration
		resident := 0
		for range starts {
			d, rss := start(t, here, name)
			took = append(took, d)
			resident = max(resident, rss)
		}
		slices.Sort(took)
		median := took[len(took)/2]
		fmt.Fprintf(&table, "| %s | %.2f MB | %.2f MB | %.1f ms | %.1f – %.1f ms | %.1f MB |\n", name, mega(armZip), mega(hereZip), milli(median), milli(took[0]), milli(took[len(took)-1]), mega(resident))
	}
	t.Log(table.String())
	results(t, "start", "Start of a function, from exec to its first request for work, with the flags of `sam build` (`WRITE_RESULTS=true go test ./internal/bench -run Start -v`)", table.String())
}

func mega(n int) float64            { return float64(n) / 1e6 }
func milli(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// build makes the binary as the Makefile does for sam.
func build(t *testing.T, name, arch string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bootstrap")
	c := exec.CommandContext(t.Context(), "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags=-s -w", "-o", path, "../../functions/"+name)
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// zipped is how many bytes the binary has in the zip that is uploaded.
func zipped(t *testing.T, path string) int {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	file, err := z.Create("bootstrap")
	if err == nil {
		_, err = file.Write(raw)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// start starts a function beside something that stands for Lambda, and ends it once it has asked for work.
func start(t *testing.T, path, name string) (took time.Duration, resident int) {
	t.Helper()
	asked := make(chan time.Time, 1)
	lambda := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			select {
			case asked <- time.Now():
			default:
			}
			<-r.Context().Done()
			return
		}
		t.Errorf("%s calls %s before it has work", name, r.URL.Path)
	}))
	defer lambda.Close()
	ctx, end := context.WithTimeout(t.Context(), 10*time.Second)
	defer end()
	c := exec.CommandContext(ctx, path)
	c.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(lambda.URL, "http://"), "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL=" + lambda.URL, "GOMAXPROCS=2"}
	began := time.Now()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case at := <-asked:
		took, resident = at.Sub(began), rss(t, c.Process.Pid)
	case <-ctx.Done():
		t.Errorf("%s never asks for work", name)
	}
	_ = c.Process.Kill()
	_ = c.Wait() // it was ended
	return took, resident
}

// rss is how many bytes of a process are in memory.
func rss(t *testing.T, pid int) int {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(raw), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
