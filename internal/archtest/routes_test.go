package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// route is who serves a route, and whether anybody may call it.
type route struct {
	function string
	open     bool
}

// routesOfHTTPAPI reads the routes of package httpapi from its sources, since a mux does not tell its patterns.
func routesOfHTTPAPI(t *testing.T) map[string]route {
	t.Helper()
	routes := map[string]route{"GET /healthz": {"AdminFunction", true}} // of the function itself
	paths, err := filepath.Glob("../httpapi/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declared := range file.Decls {
			if f, ok := declared.(*ast.FuncDecl); ok && !strings.HasSuffix(path, "_test.go") {
				ast.Inspect(f, func(n ast.Node) bool {
					if call, ok := n.(*ast.CallExpr); ok && isCall(call, "Handle", "HandleFunc") && len(call.Args) == 2 {
						patterns := texts(f, call.Args[0])
						if len(patterns) == 0 {
							t.Errorf("%s: a pattern that this test cannot read", f.Name.Name)
						}
						gated, _ := call.Args[1].(*ast.CallExpr)
						for _, pattern := range patterns {
							routes[pattern] = route{servedBy(f), gated == nil || !isCall(gated, "open")}
						}
					}
					return true
				})
			}
		}
	}
	return routes
}

// isCall says whether a method of one of the names is called.
func isCall(call *ast.CallExpr, names ...string) bool {
	selector, ok := call.Fun.(*ast.SelectorExpr)
	for _, name := range names {
		if ok && selector.Sel.Name == name {
			return true
		}
	}
	return false
}

// servedBy is the function that has what a method registers.
func servedBy(f *ast.FuncDecl) string {
	if f.Recv != nil && len(f.Recv.List) == 1 {
		if pointer, ok := f.Recv.List[0].Type.(*ast.StarExpr); ok {
			switch of, _ := pointer.X.(*ast.Ident); of.Name {
			case "Events":
				return "IngestFunction"
			case "Connection":
				return "ConnectFunction"
			}
		}
	}
	return "AdminFunction"
}

// texts are the values that an expression of text has: a literal, a sum, or the key of a map that the function goes through.
func texts(f *ast.FuncDecl, e ast.Expr) []string {
	switch x := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(x.Value)
		if err == nil {
			return []string{s}
		}
	case *ast.BinaryExpr:
		var all []string
		for _, left := range texts(f, x.X) {
			for _, right := range texts(f, x.Y) {
				all = append(all, left+right)
			}
		}
		return all
	case *ast.Ident:
		var keys []string
		ast.Inspect(f, func(n ast.Node) bool {
			if loop, ok := n.(*ast.RangeStmt); ok {
				key, named := loop.Key.(*ast.Ident)
				if literal, ok := loop.X.(*ast.CompositeLit); ok && named && key.Name == x.Name {
					for _, element := range literal.Elts {
						if pair, ok := element.(*ast.KeyValueExpr); ok {
							keys = append(keys, texts(f, pair.Key)...)
						}
					}
				}
			}
			return true
		})
		return keys
	}
	return nil
}
