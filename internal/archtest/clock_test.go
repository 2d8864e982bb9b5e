package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// sources calls visit with every file of internal that is not a test.
func sources(t *testing.T, visit func(path string, file *ast.File, set *token.FileSet)) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err == nil {
			visit(path, file, set)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheClockIsReadAtTheEdgesOnly(t *testing.T) {
	t.Parallel()
	sources(t, func(_ string, file *ast.File, set *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := selector.X.(*ast.Ident); ok && id.Name == "time" && (selector.Sel.Name == "Now" || selector.Sel.Name == "Sleep" || selector.Sel.Name == "Since") {
				t.Errorf("%s: time.%s: functions hand the clock in, so that every time can be tested", set.Position(n.Pos()), selector.Sel.Name)
			}
			return true
		})
	})
}

func TestMoneyIsNeverAFloat(t *testing.T) {
	t.Parallel()
	sources(t, func(_ string, file *ast.File, set *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && (id.Name == "float64" || id.Name == "float32") {
				t.Errorf("%s: %s: amounts are int64 cents; nothing here needs a float", set.Position(n.Pos()), id.Name)
			}
			return true
		})
	})
}

func TestNoPanicOnInput(t *testing.T) {
	t.Parallel()
	sources(t, func(_ string, file *ast.File, set *token.FileSet) {
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if id, ok := call.Fun.(*ast.Ident); ok && id.Name == "panic" {
					t.Errorf("%s: return a fault instead", set.Position(n.Pos()))
				}
			}
			return true
		})
	})
}
