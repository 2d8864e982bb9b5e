package console

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
)

// asset is a file that pages load.
type asset struct {
	kind, version string
	body          []byte
}

// assets are the files that pages load, by their names: the stylesheet, our script, and htmx 2.0.11 as npm's htmx.org has it (dist/htmx.min.js; BSD-0-Clause, its licence is beside it).
type assets map[string]asset

func readAssets() (assets, error) {
	all := assets{}
	var err error
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8", "htmx.min.js": "text/javascript; charset=utf-8"} {
		body, failed := files.ReadFile("pages/" + name)
		err = errors.Join(err, failed)
		sum := sha256.Sum256(body)
		all[name] = asset{kind: kind, version: hex.EncodeToString(sum[:6]), body: body}
	}
	return all, err
}

// At is the address of a file. It has the file's version: an address never changes what it answers, and browsers keep that for a year.
func (a assets) At(name string) (string, error) {
	x, found := a[name]
	if !found {
		return "", fmt.Errorf("no asset %s", name)
	}
	return Home + "/" + name + "?v=" + x.version, nil
}

func (a assets) register(mux *http.ServeMux) {
	for name, x := range a {
		mux.HandleFunc("GET "+Home+"/"+name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", x.kind)
			if r.URL.Query().Get("v") == x.version { // while a new version is deployed, an old page may ask for what is not here
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			_, _ = w.Write(x.body)
		})
	}
}
