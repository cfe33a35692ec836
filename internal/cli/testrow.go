package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/millrace/millrace/internal/fault"
	"github.com/spf13/cobra"
)

// TestedRow is what one row did at the destination.
type TestedRow struct {
	Key       string
	Operation string
	Outcome   string
	Reason    string
	Error     *APIError
	Exchanges []Exchange
}

// Exchange is one request and its answer.
type Exchange struct {
	Method         string
	URL            string
	RequestHeaders []struct{ Name, Value string }
	RequestBody    string
	Status         int
	ResponseBody   string
	Error          string
}

func testRowCommand() *cobra.Command {
	var key, op, output string
	var set []string
	cmd := &cobra.Command{
		Use: "test-row SYNC --key KEY", Short: "Send one row of a sync's model and show the requests and answers", Args: cobra.ExactArgs(1),
		Long: "Sends one row to the destination as a run would, and shows what was sent and answered. The row really arrives there. " +
			"No run is made, and later runs send the row as if there had been no test.",
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := editsOf(set)
			if err != nil {
				return err
			}
			return testRow(cmd, args[0], map[string]any{"key": key, "operation": op, "values": values}, output)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "primary key of the row")
	cmd.Flags().StringVar(&op, "op", "added", "what the row is sent as: added, changed or removed")
	cmd.Flags().StringArrayVar(&set, "set", nil, "another value for a column: COLUMN=VALUE for text, COLUMN:TYPE=VALUE with string, number, boolean, timestamp, date or object, COLUMN:null; may be repeated")
	cmd.Flags().StringVarP(&output, "output", "o", "", "json for the whole answer")
	return required(cmd, "key")
}

// edit is another value for a column.
type edit struct {
	Type  string `json:"type"`
	Value any    `json:"value"`
}

// editsOf reads COLUMN=VALUE, COLUMN:TYPE=VALUE and COLUMN:null.
func editsOf(set []string) (map[string]edit, error) {
	edits := map[string]edit{}
	for _, s := range set {
		name, text, given := strings.Cut(s, "=")
		if column, null := strings.CutSuffix(name, ":null"); null && column != "" {
			edits[column] = edit{Type: "string"}
			continue
		}
		if !given || name == "" {
			return nil, fault.New(fault.CodeInvalid, "--set %s is not COLUMN=VALUE, COLUMN:TYPE=VALUE or COLUMN:null", s)
		}
		column, kind := name, "string"
		if at := strings.LastIndexByte(name, ':'); at > 0 {
			column, kind = name[:at], name[at+1:]
		}
		edits[column] = edit{Type: kind, Value: text}
	}
	return edits, nil
}

func testRow(cmd *cobra.Command, name string, in any, output string) error {
	slug := strings.TrimPrefix(strings.TrimPrefix(name, "syncs/"), "sync/")
	var raw json.RawMessage
	if err := clientOf(cmd).Do(cmd.Context(), http.MethodPost, "/api/syncs/"+url.PathEscape(slug)+"/test-row", in, &raw); err != nil {
		return err
	}
	var r TestedRow
	if err := json.Unmarshal(raw, &r); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if output == "json" {
		fmt.Fprintln(cmd.OutOrStdout(), string(raw))
	} else {
		printTested(cmd.OutOrStdout(), r)
	}
	return r.failure()
}

func printTested(w io.Writer, r TestedRow) {
	for _, x := range r.Exchanges {
		fmt.Fprintf(w, "%s %s\n", x.Method, x.URL)
		for _, h := range x.RequestHeaders {
			fmt.Fprintf(w, "%s: %s\n", h.Name, h.Value)
		}
		if x.RequestBody != "" {
			fmt.Fprintf(w, "\n%s\n", x.RequestBody)
		}
		fmt.Fprintln(w)
		if x.Error != "" {
			fmt.Fprintf(w, "→ %s\n\n", x.Error)
			continue
		}
		if x.Status > 0 {
			fmt.Fprintf(w, "→ %d\n", x.Status)
		}
		fmt.Fprintf(w, "%s\n\n", x.ResponseBody)
	}
	fmt.Fprintf(w, "row %s as %s: %s\n", r.Key, r.Operation, strings.ReplaceAll(r.Outcome, "_", " "))
}

// failure is the error that the command ends with; nil where the row was taken.
func (r TestedRow) failure() error {
	switch {
	case r.Outcome == "succeeded":
		return nil
	case r.Error != nil:
		return r.Error
	case r.Outcome == "in_doubt":
		return fault.New(fault.CodeDestinationUnknown, "the answer was lost, and the row may have been taken: %s", r.Reason)
	default:
		return fault.New(fault.CodeDestinationRejected, "the row was refused: %s", r.Reason)
	}
}
