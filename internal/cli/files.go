package cli

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"

	"github.com/millrace/millrace/internal/fault"
)

// readDocuments reads YAML or JSON documents from files, folders (every .yaml, .yml and .json below
// them) and "-" for standard input. ${NAME} becomes the environment variable's value, so that secrets need
// not stand in files; $${ stays ${.
func readDocuments(paths []string, stdin io.Reader, lookup func(string) (string, bool)) ([]fileDocument, error) {
	var documents []fileDocument
	for _, path := range paths {
		files, err := expand(path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			text, err := readFile(file, stdin)
			if err != nil {
				return nil, err
			}
			found, err := parseDocuments(file, text, lookup)
			if err != nil {
				return nil, err
			}
			documents = append(documents, found...)
		}
	}
	if len(documents) == 0 {
		return nil, fault.New(fault.CodeInvalid, "there is no document in %s", strings.Join(paths, ", "))
	}
	return documents, nil
}

func readFile(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(stdin)
	}
	return os.ReadFile(path) //nolint:gosec // the file that the caller names
}

// expand lists the documents' files below a folder, by name.
func expand(path string) ([]string, error) {
	info, err := os.Stat(path)
	if path == "-" || err == nil && !info.IsDir() {
		return []string{path}, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.CodeNotFound, "reading documents")
	}
	var files []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && isDocument(p) {
			files = append(files, p)
		}
		return err
	})
	sort.Strings(files)
	return files, err
}

func isDocument(path string) bool {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".json":
		return true
	default:
		return false
	}
}

var variable = regexp.MustCompile(`\$?\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// fillVariables replaces ${NAME} in every text of a document. It works on values, never on YAML text, so that
// a variable's content cannot change the document's structure.
func fillVariables(node any, lookup func(string) (string, bool)) (any, error) {
	switch n := node.(type) {
	case map[string]any:
		for k, v := range n {
			filled, err := fillVariables(v, lookup)
			if err != nil {
				return nil, err
			}
			n[k] = filled
		}
		return n, nil
	case []any:
		for i, v := range n {
			filled, err := fillVariables(v, lookup)
			if err != nil {
				return nil, err
			}
			n[i] = filled
		}
		return n, nil
	case string:
		return fillText(n, lookup)
	default:
		return n, nil
	}
}

func fillText(text string, lookup func(string) (string, bool)) (string, error) {
	var missing error
	filled := variable.ReplaceAllStringFunc(text, func(m string) string {
		if strings.HasPrefix(m, "$$") {
			return m[1:]
		}
		name := m[2 : len(m)-1]
		v, ok := lookup(name)
		if !ok && missing == nil {
			missing = fmt.Errorf("the environment variable %s is not set", name)
		}
		return v
	})
	return filled, missing
}
