// Package replay runs the cases of a manifest: rows go in, and the requests that leave are compared with what a
// person has read, byte for byte. A case is a txtar file:
//
//	job.yaml       the connection, the sync, and what is done
//	rows.ndjson    the rows: {"op": "added", "row": {…}, "before": {…}}
//	answers.yaml   what the vendor answers, in order; 200 and {} after the last one
//	requests       what left
//	result         what became of the rows, or what else was asked
package replay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// Case is one file.
type Case struct {
	Job     Job
	Rows    []Row
	Answers []Answer

	archive *txtar.Archive
	watch   *Watch // nil where nobody watches
}

// Job says what a case is about. Test, Fields and List are about the connection; otherwise rows are sent.
type Job struct {
	Connection connector.Settings       `yaml:"connection"`
	Type       string                   `yaml:"type"`
	Mode       connector.Mode           `yaml:"mode"`
	Delete     connector.DeleteBehavior `yaml:"delete"`
	Settings   connector.Settings       `yaml:"settings"`
	Match      []Pair                   `yaml:"match"`
	Mappings   []Pair                   `yaml:"mappings"`
	Model      struct {
		Name string `yaml:"name"`
		Key  string `yaml:"key"` // the column of the primary key; id unless said
	} `yaml:"model"`
	First     bool   `yaml:"first"`
	Test      bool   `yaml:"test"`      // the connection is tested
	Fields    bool   `yaml:"fields"`    // the fields are listed
	List      string `yaml:"list"`      // a pick-list is loaded
	Audiences bool   `yaml:"audiences"` // the audiences are listed, and the sync's own is looked for
	Quality   bool   `yaml:"quality"`   // the vendor is asked for the quality of events
	Check     bool   `yaml:"check"`     // only the settings are checked
	Clear     bool   `yaml:"clear"`     // the target is emptied first
	Finish    bool   `yaml:"finish"`    // the run is finished
	Spec      *bool  `yaml:"spec"`      // false: requests are not judged by the vendor's description, which says why not
}

// Pair maps a column to a field.
type Pair struct {
	From string `yaml:"from"`
	To   string `yaml:"to"`
	Omit bool   `yaml:"omit"`
}

// Row is one row of the plan.
type Row struct {
	Operation connector.Operation `json:"op"`
	Row       value.Value         `json:"row"`
	Before    value.Value         `json:"before"`
}

// Answer is what the vendor answers to one request.
type Answer struct {
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    any               `yaml:"body"`
	Text    string            `yaml:"text"` // instead of a body of JSON
	Cut     bool              `yaml:"cut"`  // the connection ends in the middle of the answer
}

// Read reads a case.
func Read(text []byte) (*Case, error) {
	c := &Case{archive: txtar.Parse(text)}
	if err := decodeYAML(c.file("job.yaml"), &c.Job); err != nil {
		return nil, fmt.Errorf("job.yaml: %w", err)
	}
	if err := decodeYAML(c.file("answers.yaml"), &c.Answers); err != nil {
		return nil, fmt.Errorf("answers.yaml: %w", err)
	}
	for line := range strings.Lines(string(c.file("rows.ndjson"))) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		var r Row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			return nil, fmt.Errorf("rows.ndjson: %w", err)
		}
		c.Rows = append(c.Rows, r)
	}
	return c, nil
}

func decodeYAML(text []byte, to any) error {
	if len(bytes.TrimSpace(text)) == 0 {
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	return d.Decode(to) //nolint:wrapcheck // the caller names the file
}

// File returns a file of the case.
func (c *Case) File(name string) string { return string(c.file(name)) }

func (c *Case) file(name string) []byte {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// Set replaces a file of the case, or adds it.
func (c *Case) Set(name, text string) {
	for i := range c.archive.Files {
		if c.archive.Files[i].Name == name {
			c.archive.Files[i].Data = []byte(text)
			return
		}
	}
	c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(text)})
}

// Text returns the case as its file has it.
func (c *Case) Text() []byte { return txtar.Format(c.archive) }

// columns are the names of the model's columns, in the order in which rows show them first.
func (c *Case) columns() []string {
	var names []string
	seen := map[string]bool{}
	for _, r := range c.Rows {
		for _, f := range r.Row.Fields() {
			if !seen[f.Name] {
				seen[f.Name] = true
				names = append(names, f.Name)
			}
		}
	}
	return names
}
