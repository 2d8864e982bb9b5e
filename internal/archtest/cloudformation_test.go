package archtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// node is a value of a CloudFormation template, with the short form of an intrinsic function as its tag: "Ref", "GetAtt", "Sub", "If". What is not there is
// nil, of which everything may be asked.
type node struct {
	tag    string
	text   string
	items  []*node
	fields map[string]*node
}

// parseTemplate reads a template.
func parseTemplate(text string) (*node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	if document.Kind != yaml.DocumentNode {
		return nil, fmt.Errorf("the template is empty")
	}
	return nodeOf(document.Content[0])
}

func nodeOf(y *yaml.Node) (*node, error) {
	n := &node{text: y.Value}
	if strings.HasPrefix(y.Tag, "!") && !strings.HasPrefix(y.Tag, "!!") {
		n.tag = y.Tag[1:]
	}
	switch y.Kind {
	case yaml.SequenceNode:
		for _, item := range y.Content {
			child, err := nodeOf(item)
			if err != nil {
				return nil, err
			}
			n.items = append(n.items, child)
		}
	case yaml.MappingNode:
		n.fields = map[string]*node{}
		for i := 0; i < len(y.Content); i += 2 {
			name := y.Content[i].Value
			if name == "Ref" || strings.HasPrefix(name, "Fn::") {
				return nil, fmt.Errorf("line %d: %s: write the short form, which the rules read", y.Line, name)
			}
			child, err := nodeOf(y.Content[i+1])
			if err != nil {
				return nil, err
			}
			n.fields[name] = child
		}
	case yaml.AliasNode:
		return nil, fmt.Errorf("line %d: CloudFormation reads no aliases", y.Line)
	case yaml.DocumentNode, yaml.ScalarNode:
	}
	return n, nil
}

// at is what is under a path of names.
func (n *node) at(path ...string) *node {
	for _, name := range path {
		if n == nil {
			return nil
		}
		n = n.fields[name]
	}
	return n
}

// names are those of a mapping, sorted.
func (n *node) names() []string {
	if n == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(n.fields))
}

// list is the values of a list, or the one value that stands for a list of one.
func (n *node) list() []*node {
	switch {
	case n == nil:
		return nil
	case n.tag == "" && n.items != nil:
		return n.items
	}
	return []*node{n}
}

// strings is list, written out.
func (n *node) strings() []string {
	var all []string
	for _, x := range n.list() {
		all = append(all, x.String())
	}
	return all
}

// String writes a value on one line, as a template does: !GetAtt Table.Arn.
func (n *node) String() string {
	if n == nil {
		return ""
	}
	s := n.text
	switch {
	case n.items != nil:
		parts := make([]string, len(n.items))
		for i, x := range n.items {
			parts[i] = x.String()
		}
		s = "[" + strings.Join(parts, ", ") + "]"
	case n.fields != nil:
		var parts []string
		for _, name := range n.names() {
			parts = append(parts, name+": "+n.fields[name].String())
		}
		s = "{" + strings.Join(parts, ", ") + "}"
	}
	if n.tag != "" {
		s = "!" + n.tag + " " + s
	}
	return s
}

// attribute is what !GetAtt of a resource gives.
func attribute(resource, name string) string { return "!GetAtt " + resource + "." + name }

// resourceOf is the resource whose attribute a value is; empty if it is none.
func resourceOf(n *node, attribute string) string {
	if n == nil || n.tag != "GetAtt" {
		return ""
	}
	resource, ok := strings.CutSuffix(n.text, "."+attribute)
	if !ok {
		return ""
	}
	return resource
}

// stack is a template, by what is in it.
type stack struct{ *node }

// of lists the resources of a type.
func (s stack) of(kind string) []string {
	return slices.DeleteFunc(s.at("Resources").names(), func(name string) bool { return s.at("Resources", name, "Type").String() != kind })
}

// properties are those of a resource.
func (s stack) properties(resource string) *node { return s.at("Resources", resource, "Properties") }

// functions gives each function its short name: IngestFunction is "ingest".
func (s stack) functions() map[string]string {
	all := map[string]string{}
	for _, name := range s.of("AWS::Serverless::Function") {
		all[name] = strings.ToLower(strings.TrimSuffix(name, "Function"))
	}
	return all
}

// property is one of a function, its own or that of all functions.
func (s stack) property(function, name string) *node {
	if own := s.properties(function).at(name); own != nil {
		return own
	}
	return s.at("Globals", "Function", name)
}

// environment is a function's variables, its own and those of all functions.
func (s stack) environment(function string) map[string]string {
	variables := map[string]string{}
	for _, from := range []*node{s.at("Globals", "Function"), s.properties(function)} {
		for _, name := range from.at("Environment", "Variables").names() {
			variables[name] = from.at("Environment", "Variables", name).String()
		}
	}
	return variables
}

// source is something that calls a function.
type source struct {
	function, name, kind string
	*node                // its properties
}

func (s stack) sources() []source {
	var all []source
	for _, function := range s.of("AWS::Serverless::Function") {
		events := s.properties(function).at("Events")
		for _, name := range events.names() {
			all = append(all, source{function, name, events.at(name, "Type").String(), events.at(name, "Properties")})
		}
	}
	return all
}

// roleOf is the name that a function's role has.
func roleOf(function string) string { return strings.TrimSuffix(function, "Function") + "Role" }

// logsOf is the name that a function's log group has.
func logsOf(function string) string { return strings.TrimSuffix(function, "Function") + "Logs" }

// statements are those of all policies of a role.
func (s stack) statements(role string) []*node {
	var all []*node
	for _, policy := range s.properties(role).at("Policies").list() {
		all = append(all, policy.at("PolicyDocument", "Statement").list()...)
	}
	return all
}

// actions are all that a role may do, whatever to.
func (s stack) actions(role string) []string {
	var all []string
	for _, x := range s.statements(role) {
		all = append(all, x.at("Action").strings()...)
	}
	return all
}

// may says whether a role may do something to a resource.
func (s stack) may(role, action, resource string) bool {
	return slices.ContainsFunc(s.statements(role), func(x *node) bool {
		return x.at("Effect").String() == "Allow" && slices.Contains(x.at("Action").strings(), action) && slices.Contains(x.at("Resource").strings(), resource)
	})
}
