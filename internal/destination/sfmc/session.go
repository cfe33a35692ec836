package sfmc

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/value"
)

// Ways to send rows.
const (
	byAPI   = "api"
	byFiles = "files"
)

// session sends the rows of a data extension.
type session struct {
	connector.Session // the manifest's own

	run       *manifest.Run
	extension *extension
	lanes     chan *location // free places for a file; nil where rows go by the API alone
	opened    []*location

	mu     sync.Mutex
	mirror connector.Session // of the one file of mode all
}

var (
	_ connector.Session          = (*session)(nil)
	_ connector.OperationLimiter = (*session)(nil)
)

// begin reads what the run needs. Nothing is sent.
func begin(_ context.Context, r *manifest.Run) (connector.Session, error) {
	s := &session{Session: r.Session(), run: r, extension: &extension{run: r}}
	lanes := 1
	switch {
	case s.mirrors():
	case s.uploads():
		lanes = whole(r.Job().Settings["parallel"], 1)
	default:
		return s, nil
	}
	s.lanes = make(chan *location, lanes)
	for i := range lanes {
		l, err := openLocation(r, i)
		if err != nil {
			return nil, err
		}
		s.opened = append(s.opened, l)
		s.lanes <- l
	}
	return s, nil
}

func (s *session) mirrors() bool { return s.run.Job().Mode == connector.ModeAll }

func (s *session) uploads() bool { return s.run.Job().Settings.Text("by") == byFiles }

// Rows of a file.
const (
	fileRows  = 100_000
	fileBytes = 64 << 20 // of all files at a time: their rows are in memory
)

// Limits are those of requests, or of files.
func (s *session) Limits() connector.Limits { return s.chosen(s.Session.Limits(), connector.Added) }

// LimitsOf are the limits of one operation: rows are always deleted by requests.
func (s *session) LimitsOf(op connector.Operation) connector.Limits {
	return s.chosen(s.run.LimitsOf(op), op)
}

func (s *session) chosen(l connector.Limits, op connector.Operation) connector.Limits {
	switch {
	case s.mirrors():
		l.Rows, l.Bytes, l.Concurrency, l.Deferred, l.Split, l.Rates = mirrorRows, mirrorBytes, 1, true, false, nil
	case s.uploads():
		l.Concurrency = cap(s.lanes)
		if op != connector.Removed {
			l.Rows, l.Bytes, l.Split = whole(s.run.Job().Settings["rowsPerFile"], fileRows), fileBytes/l.Concurrency, false
		}
	}
	return l
}

// whole is a setting that is a whole number.
func whole(setting any, otherwise int) int {
	switch n := setting.(type) {
	case float64:
		return int(n)
	case int:
		return n
	default:
		return otherwise
	}
}

// Write sends one batch.
func (s *session) Write(ctx context.Context, b *connector.Batch) (connector.Result, error) {
	if !slices.Contains(s.run.Limits().Operations, b.Operation) {
		return connector.Result{}, fault.New(fault.CodeInvalid, "the sync sends nothing for rows that were %s", b.Operation)
	}
	r, err := s.run.With(ctx, b)
	if err != nil {
		return connector.Result{}, err
	}
	if s.mirrors() {
		return s.collect(ctx, r)
	}
	key, err := s.extension.get(ctx)
	if err != nil {
		return connector.Result{}, err
	}
	path := "/hub/v1/dataevents/key:" + segment(key) + "/rowset"
	switch {
	case b.Operation == connector.Removed:
		err = put(ctx, r, path+"/delete", false)
	case s.uploads():
		err = s.upload(ctx, r, key)
	default:
		err = put(ctx, r, path, true)
	}
	if err != nil {
		return connector.Result{}, err
	}
	return r.Result(), nil
}

// put sends rows in one request, which is carried out at once.
func put(ctx context.Context, r *manifest.Run, path string, values bool) error {
	rows := r.Rows()
	if len(rows) == 0 {
		return nil
	}
	body := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		fields := value.OfMap(nil)
		if values {
			fields = row.Get("fields")
		}
		body = value.OfMap([]value.Field{{Name: "keys", Value: row.Get("matched")}, {Name: "values", Value: fields}}).AppendJSON(body)
	}
	_, err := r.Ask(ctx, "POST", path, append(body, ']'), nil)
	return err
}

// columnsOf are the columns of a file: what rows are matched by, and what is mapped.
func columnsOf(job connector.SyncJob) []connector.TargetColumn {
	var all []connector.TargetColumn
	for _, m := range job.Match {
		all = append(all, connector.TargetColumn{Name: m.To, From: m.From})
	}
	for _, c := range job.Columns {
		if !slices.ContainsFunc(all, func(o connector.TargetColumn) bool { return strings.EqualFold(o.Name, c.Name) }) {
			all = append(all, c)
		}
	}
	return all
}

// pack makes rows of a file of rows of a batch.
func pack(r *manifest.Run, columns []connector.TargetColumn, rows []manifest.Row) *connector.Batch {
	packed := *r.Batch()
	packed.Operation, packed.Rows = connector.Added, nil
	for _, row := range rows {
		values := make([]value.Value, len(columns))
		for i, c := range columns {
			values[i] = row.Value(c.Name)
		}
		packed.Rows = append(packed.Rows, connector.Row{Ordinal: r.Batch().Rows[row.Index()].Ordinal, Key: row.Key(), Values: values})
	}
	packed.Exchanges = nil
	return &packed
}

// fill writes rows of a batch into a file, and refuses those that it cannot have.
func fill(ctx context.Context, r *manifest.Run, f connector.Session, columns []connector.TargetColumn, rows []manifest.Row) error {
	packed := pack(r, columns, rows)
	result, err := f.Write(ctx, packed)
	for _, x := range packed.Exchanges {
		r.Batch().Record(x)
	}
	for _, refused := range result.Rejected {
		r.Reject(rows[refused.Row], refused.Reason, refused.Retry)
	}
	return err
}

// Close discards a file that was not published.
func (s *session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mirror != nil {
		s.mirror.Close() //nolint:errcheck // nothing depends on it
		s.mirror = nil
	}
	for _, l := range s.opened {
		l.Close() //nolint:errcheck // the same
	}
	return s.Session.Close()
}
