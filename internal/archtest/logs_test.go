package archtest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// everyFile calls visit with every Go file of the repository, its path from the repository's root.
func everyFile(t *testing.T, visit func(path string, file *ast.File, at func(ast.Node) token.Position)) {
	t.Helper()
	for _, root := range []string{"../../internal", "../../functions"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err == nil {
				visit(strings.TrimPrefix(filepath.ToSlash(path), "../../"), file, func(n ast.Node) token.Position { return set.Position(n.Pos()) })
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// named is what a file takes from a package: "fmt.Println" by fmt's import path, whatever the file calls the package.
func named(file *ast.File, n ast.Node) (pkg, name string) {
	selector, ok := n.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	id, ok := selector.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		called := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			called = i.Name.Name
		}
		if called == id.Name {
			return path, selector.Sel.Name
		}
	}
	return "", ""
}

// aroundTheLog says why something may not be used, or nothing. Functions own the process: its terminal is theirs, and they make the log, those on AWS with
// package telemetry.
func aroundTheLog(path, pkg, name string) string {
	function := strings.HasPrefix(path, "functions/")
	switch {
	case pkg == "log":
		return "log writes to the process's default log, which no test reads"
	case pkg == "fmt" && strings.HasPrefix(name, "Print"):
		return "what is printed is read by no test; write to the writer that was handed in"
	case pkg == "os" && (name == "Stdout" || name == "Stderr") && !function:
		return "only functions own the terminal"
	case pkg == "log/slog" && strings.HasPrefix(name, "New") && name != "NewLogLogger" && !function && !strings.HasPrefix(path, "internal/telemetry/"):
		return "functions, and telemetry for them, make the one log and hand it in"
	case pkg == "net/http" && strings.HasPrefix(name, "ListenAndServe"):
		return "it writes to the default log; make a Server with an ErrorLog"
	case pkg == "log/slog" && onDefault(name):
		return "the default log is read by no test; log to the logger that was handed in"
	}
	return ""
}

// onDefault: the functions of slog that write to, or change, the default logger.
func onDefault(name string) bool {
	for _, level := range []string{"Debug", "Info", "Warn", "Error", "Log"} {
		if name == level || name == level+"Context" || name == level+"Attrs" {
			return true
		}
	}
	return name == "Default" || name == "SetDefault" || name == "With" || name == "SetLogLoggerLevel"
}

func TestNothingIsWrittenAroundTheLog(t *testing.T) {
	t.Parallel()
	everyFile(t, func(path string, file *ast.File, at func(ast.Node) token.Position) {
		if strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "internal/logwatch/") {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if pkg, name := named(file, n); pkg != "" {
				if why := aroundTheLog(path, pkg, name); why != "" {
					t.Errorf("%s: %s.%s: %s", at(n), pkg, name, why)
				}
			}
			if call, ok := n.(*ast.CallExpr); ok {
				if id, ok := call.Fun.(*ast.Ident); ok && (id.Name == "print" || id.Name == "println") {
					t.Errorf("%s: %s writes to the terminal", at(n), id.Name)
				}
			}
			if literal, ok := n.(*ast.CompositeLit); ok {
				if pkg, name := named(file, literal.Type); pkg == "net/http" && name == "Server" && !sets(literal, "ErrorLog") {
					t.Errorf("%s: a server without ErrorLog writes to the default log", at(n))
				}
			}
			return true
		})
	})
}

// sets says whether a literal sets a field.
func sets(literal *ast.CompositeLit, field string) bool {
	for _, e := range literal.Elts {
		if pair, ok := e.(*ast.KeyValueExpr); ok {
			if id, ok := pair.Key.(*ast.Ident); ok && id.Name == field {
				return true
			}
		}
	}
	return false
}

func TestEveryTestsLogIsWatched(t *testing.T) {
	t.Parallel()
	harness := map[string]bool{
		"internal/local/calls_test.go": true, // starts systems, with a watch
		"internal/local/bench_test.go": true, // a benchmark checks nothing, and measures the product without a watch
	}
	everyFile(t, func(path string, file *ast.File, at func(ast.Node) token.Position) {
		if !strings.HasSuffix(path, "_test.go") || harness[path] {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch pkg, name := named(file, n); {
			case pkg == "log/slog":
				t.Errorf("%s: slog.%s: log into a logwatch.Watch, which reads every line at the end", at(n), name)
			case pkg == module+"internal/local" && name == "Start":
				t.Errorf("%s: local.Start: use the harness's start, which watches the log", at(n))
			}
			return true
		})
	})
}
