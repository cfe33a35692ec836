package databricks

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// The states of a statement.
const (
	statePending   = "PENDING"
	stateRunning   = "RUNNING"
	stateSucceeded = "SUCCEEDED"
	stateFailed    = "FAILED"
)

// How results come. Arrow streams are files in the workspace's storage, whose addresses end soon; results of 25 MiB at
// most come in the answer, as texts.
// https://docs.databricks.com/api/workspace/statementexecution/executestatement
const (
	dispositionLinks  = "EXTERNAL_LINKS"
	dispositionInline = "INLINE"
	formatArrow       = "ARROW_STREAM"
	formatJSON        = "JSON_ARRAY"
)

// request is a statement to run.
type request struct {
	Warehouse   string     `json:"warehouse_id"`
	Session     string     `json:"session_id"`
	Statement   string     `json:"statement"`
	Disposition string     `json:"disposition"`
	Format      string     `json:"format"`
	WaitTimeout string     `json:"wait_timeout"`
	OnTimeout   string     `json:"on_wait_timeout,omitempty"`
	RowLimit    int64      `json:"row_limit,omitempty"`
	Tags        []queryTag `json:"query_tags,omitempty"`
}

// queryTag appears in system.query.history: https://docs.databricks.com/aws/en/sql/user/queries/query-tags
type queryTag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// tagLength is how many characters a tag's value has at most.
const tagLength = 128

func tagsOf(tag string) []queryTag {
	if tag == "" {
		return nil
	}
	value := []rune(tag)
	return []queryTag{{"millrace", string(value[:min(len(value), tagLength)])}}
}

// answer is what the API says of a statement.
type answer struct {
	ID     string `json:"statement_id"`
	Status struct {
		State string `json:"state"`
		Error struct {
			Code    string `json:"error_code"`
			Message string `json:"message"`
		} `json:"error"`
		SQLState string `json:"sql_state"`
	} `json:"status"`
	Manifest manifest `json:"manifest"`
	Result   chunk    `json:"result"`
}

// manifest describes a result.
type manifest struct {
	Schema struct {
		Columns []wireColumn `json:"columns"`
	} `json:"schema"`
	Chunks      int    `json:"total_chunk_count"`
	Rows        int64  `json:"total_row_count"`
	Truncated   bool   `json:"truncated"`
	Compression string `json:"result_compression"`
}

// wireColumn is a column of a result.
type wireColumn struct {
	Name string `json:"name"`
	Text string `json:"type_text"` // such as DECIMAL(12,2)
	Type string `json:"type_name"` // such as DECIMAL
}

// chunk is a part of a result.
type chunk struct {
	Data  [][]*string `json:"data_array"`
	Next  *int        `json:"next_chunk_index"`
	Links []link      `json:"external_links"`
}

// link is where a part of a result can be read.
type link struct {
	Index   int               `json:"chunk_index"`
	URL     string            `json:"external_link"`
	Headers map[string]string `json:"http_headers"`
}

// How often the state of a statement is asked for: soon, and then ever less.
const (
	firstLook = 5 * time.Millisecond
	lastLook  = time.Second
)

// run runs a statement to its end. The warehouse is told at once to go on by itself, and says how the statement is
// called: whatever happens from then on, it can be stopped.
func (x *session) run(st statement, r request) (*answer, error) {
	if err := context.Cause(x.ctx); err != nil {
		return nil, err
	}
	r.Warehouse, r.Session, r.Statement = x.warehouse, x.id, st.text()
	r.WaitTimeout, r.OnTimeout = "0s", ""
	var a answer
	// Not within the context: an order that is on its way when the context ends would run, and nobody knew its name.
	ctx, cancel := lingering(x.ctx)
	defer cancel()
	if err := x.client.do(ctx, call{method: http.MethodPost, path: statementsPath, body: r, until: x.ctx}, &a); err != nil {
		return nil, err
	}
	if a.ID == "" {
		return nil, notDatabricks(http.StatusOK, errors.New("there is no statement_id in the answer"))
	}
	if !x.setRunning(a.ID) {
		return nil, context.Cause(x.ctx)
	}
	if err := x.await(&a); err != nil {
		return nil, err
	}
	return &a, x.outcome(&a, st)
}

// lingering is a context that lives on for a moment when another one ends.
func lingering(ended context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ended), requestLimit)
	stop := context.AfterFunc(ended, func() { time.AfterFunc(farewell, cancel) })
	return ctx, func() {
		stop()
		cancel()
	}
}

// await asks until the statement has ended.
func (x *session) await(a *answer) error {
	for look := firstLook; a.Status.State == statePending || a.Status.State == stateRunning; look = min(2*look, lastLook) {
		if err := wait(x.ctx, look); err != nil {
			return err
		}
		*a = answer{ID: a.ID}
		if err := x.client.do(x.ctx, call{method: http.MethodGet, path: statementPath(a.ID)}, a); err != nil {
			return err
		}
	}
	return nil
}

// outcome is the error of a statement that has ended.
func (x *session) outcome(a *answer, st statement) error {
	if a.Status.State != stateSucceeded {
		x.setRunning("")
	}
	switch a.Status.State {
	case stateSucceeded:
		return nil
	case stateFailed:
		words := a.Status.Error.Message
		if words == "" {
			words = a.Status.Error.Code
		}
		return classify(errors.New(words), a.Status.SQLState, st)
	default:
		return errStopped(a.Status.State)
	}
}

// rows runs a statement whose result is small, and returns it as texts.
func (x *session) rows(st statement, tag string) (*answer, [][]*string, error) {
	a, err := x.run(st, request{Disposition: dispositionInline, Format: formatJSON, Tags: tagsOf(tag)})
	if err != nil {
		return nil, nil, err
	}
	defer x.setRunning("")
	rows := a.Result.Data
	for next := a.Result.Next; next != nil; {
		part, err := x.chunk(a.ID, *next)
		if err != nil {
			return nil, nil, err
		}
		rows, next = append(rows, part.Data...), part.Next
	}
	if int64(len(rows)) != a.Manifest.Rows {
		return nil, nil, errShort(int64(len(rows)), a.Manifest.Rows)
	}
	return a, rows, nil
}
