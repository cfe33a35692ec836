package plan

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// DiffInput is what is compared, and what for.
type DiffInput struct {
	Staged      Staged
	Baseline    *Baseline // nil: nothing was ever settled
	BaselineDir string    // where its files are
	Dir         string    // where to write; exists

	FullResync     bool // treat the sync as never run (SY-12)
	ResetCDC       bool // send nothing and remember the rows as they are (SY-14); wins over FullResync
	MappingChanged bool // what is sent of a row changed although the row did not (SY-36)
	Rules          ModeRules
	Before         []string // columns whose previous values changed rows carry
	Identify       []string // columns that tell the destination's records apart; nil: the key does
}

// Check reports what of the input does not fit together, without looking at any row.
func (in DiffInput) Check() error {
	for _, name := range in.Identify {
		if in.Staged.Schema.Index(name) < 0 {
			return fault.New(fault.CodeMappingColumn, "Unknown field name: the model has no column %q", name)
		}
	}
	p := NewPlan(in)
	if !p.Compares() {
		return nil
	}
	if was, is := in.Baseline.PrimaryKey, in.Staged.PrimaryKey; was != is {
		return fault.New(fault.CodeRunKeyChanged, "the model's primary key was %q and is %q now", was, is)
	}
	return nil
}

// Claims reports whether a row that left may share its record with one that is there.
func (in DiffInput) Claims() bool {
	return in.Rules.RemovedActs && len(in.Identify) > 0 && !slices.Contains(in.Identify, in.Staged.PrimaryKey)
}

// Diff compares the staged rows with the baseline. Rows that share a key are neither sent nor removed.
// A key whose outcome is unknown is planned whatever its values are. A key column of another native
// type than the baseline's turns the run into a full resync (M-09), another key column is
// fault.CodeRunKeyChanged, and a baseline that is gone fault.CodeRunBaseline. A row that left is not removed
// while another row of the model claims its record.
func (e *Engine) Diff(ctx context.Context, in DiffInput) (_ Plan, err error) {
	if err := in.Check(); err != nil {
		return Plan{}, err
	}
	d := &differ{in: in, plan: NewPlan(in), engine: e}
	if d.plan.Compares() {
		if err := in.Baseline.check(in.BaselineDir); err != nil {
			return Plan{}, err
		}
	}
	if d.session, err = e.open(ctx, in.Dir); err != nil {
		return Plan{}, err
	}
	defer func() { err = errors.Join(err, d.session.close()) }()
	if err := d.run(ctx); err != nil {
		return Plan{}, failure(ctx, err, "comparing the model with the previous run")
	}
	return d.plan, nil
}

type differ struct {
	engine  *Engine
	session *session
	in      DiffInput
	plan    Plan
	parts   int // number of the next part of a section
}

func (d *differ) run(ctx context.Context) error {
	if !d.plan.Compares() {
		return d.takeAll(ctx)
	}
	c := d.in.Staged.CompareWith(d.in.Baseline.Layout)
	now, err := d.in.Staged.current(c)
	if err != nil {
		return err
	}
	base, err := d.in.Baseline.relation(d.in.BaselineDir, d.in.Staged.Layout, d.plan.Before, c)
	if err != nil {
		return err
	}
	d.plan.Attempts = d.in.Baseline.Dirty > 0
	if err := d.session.run(ctx,
		"CREATE TEMP VIEW now AS "+now, "CREATE TEMP VIEW base AS "+base,
		"CREATE TEMP TABLE candidate (kh UBIGINT)"); err != nil {
		return err
	}
	if err := d.compare(ctx); err != nil {
		return err
	}
	d.plan.Derive(d.in.Rules)
	return nil
}

// passes is how many parts the keys are compared in, so that each part fits into memory.
func (d *differ) passes() int64 {
	rows := d.in.Staged.Kept
	if b := d.in.Baseline; b != nil {
		rows = max(rows, b.Rows)
	}
	per := d.engine.options.PassRows
	if d.plan.Compares() && d.plan.MappingChanged {
		per = max(per/2, 1) // whole rows are compared, not keys alone
	}
	return max(1, (rows+per-1)/per)
}

// inPass restricts rows to one part of the keys.
func inPass(pass, passes int64) string {
	if passes == 1 {
		return "true"
	}
	return fmt.Sprintf("(hash(_k) >> 8) %% %d = %d", passes, pass)
}

// compare goes through the keys part by part. What differs is gathered until it is worth a pass over
// whole rows.
func (d *differ) compare(ctx context.Context) error {
	passes := d.passes()
	var gathered int64
	for pass := range passes {
		if d.plan.MappingChanged {
			if err := d.resolve(ctx, scope{where: inPass(pass, passes)}); err != nil {
				return err
			}
			continue
		}
		n, err := d.session.exec(ctx, candidates(inPass(pass, passes)))
		if err != nil {
			return err
		}
		gathered += n
		if gathered > 0 && (gathered >= d.engine.options.PassRows/2 || pass == passes-1) {
			if err := d.resolve(ctx, scope{keys: gathered}); err != nil {
				return err
			}
			gathered = 0
		}
	}
	return nil
}

// candidates inserts the hashes of the keys whose rows may differ. Only hashes are compared here: it
// finds every difference, and the few keys that share a hash are told apart by resolve.
func candidates(where string) string {
	return `INSERT INTO candidate SELECT coalesce(n.kh, b.kh)
		FROM (SELECT hash(_k) AS kh, any_value(_x) AS x, count(*) AS n FROM now WHERE ` + where + ` GROUP BY 1) AS n
		FULL JOIN (SELECT hash(_k) AS kh, _x AS x FROM base WHERE ` + where + `) AS b ON n.kh = b.kh
		WHERE n.kh IS NULL OR b.kh IS NULL OR n.n > 1 OR n.x IS DISTINCT FROM b.x`
}

// scope is the rows that one resolve looks at: those of the candidates, or those of a pass.
type scope struct {
	where string
	keys  int64 // number of candidates
}

// tableRows is how many rows are taken out of the files once instead of being read again for every
// operation.
const tableRows = 1_000_000

// statements make the relations now_rows and base_rows.
func (s scope) statements() []string {
	kind := "TEMP VIEW"
	if s.where == "" && s.keys <= tableRows {
		kind = "TEMP TABLE"
	}
	var out []string
	for _, name := range []string{"now", "base"} {
		from := name + " SEMI JOIN candidate ON hash(" + name + "._k) = candidate.kh"
		if s.where != "" {
			from = name + " WHERE " + s.where
		}
		out = append(out, "CREATE OR REPLACE "+kind+" "+name+"_rows AS SELECT * FROM "+from)
	}
	return out
}

func (s scope) drop() []string {
	kind := "VIEW"
	if s.where == "" && s.keys <= tableRows {
		kind = "TABLE"
	}
	return []string{"DROP " + kind + " now_rows", "DROP " + kind + " base_rows", "DROP TABLE verdict", "DELETE FROM candidate"}
}

// resolve decides on every key in scope, exactly, and writes the rows of each operation.
func (d *differ) resolve(ctx context.Context, s scope) error {
	statements := append(s.statements(), d.verdict())
	if d.in.Claims() {
		statements = append(statements, d.claimed())
	}
	if err := d.session.run(ctx, statements...); err != nil {
		return err
	}
	found, err := d.tally(ctx)
	if err != nil {
		return err
	}
	if err := d.writeSections(ctx, found); err != nil {
		return err
	}
	return d.session.run(ctx, s.drop()...)
}

// The verdicts on a key.
const (
	verdictRemoved   = "r"
	verdictChanged   = "c"
	verdictAdded     = "a"
	verdictDuplicate = "d"
	verdictSame      = "u"
	verdictClaimed   = "k" // it left, and another row has its record now
)

// claimed finds the removals whose record another row of the model claims.
func (d *differ) claimed() string {
	var same []string
	for _, name := range d.in.Identify {
		i := d.plan.Schema.Index(name)
		same = append(same, fmt.Sprintf("n.c%d = %s", i, d.lastKnown(i)))
	}
	return `UPDATE verdict SET op = '` + verdictClaimed + `' WHERE op = '` + verdictRemoved + `' AND _k IN (
		SELECT b._k FROM base_rows AS b JOIN verdict AS v ON b._k = v._k JOIN now AS n ON ` + strings.Join(same, " AND ") + `
		WHERE v.op = '` + verdictRemoved + `')`
}

// verdict decides: a key that appears twice is refused; a key in doubt is planned even when its values
// are the settled ones; otherwise the hashes decide, unless the mapping changed.
func (d *differ) verdict() string {
	changed := "n.x IS DISTINCT FROM b._x"
	if d.plan.MappingChanged {
		changed = "true"
	}
	return `CREATE TEMP TABLE verdict AS SELECT coalesce(n._k, b._k) AS _k, coalesce(n.n, 0) AS n, CASE
		WHEN n.n > 1 THEN 'd'
		WHEN n._k IS NULL THEN 'r'
		WHEN b._k IS NULL OR NOT b._held THEN 'a'
		WHEN b._dirty THEN ` + d.doubtful() + `
		WHEN ` + changed + ` THEN 'c'
		ELSE 'u' END AS op
		FROM (SELECT _k, any_value(_x) AS x, count(*) AS n FROM now_rows GROUP BY _k) AS n
		FULL JOIN base_rows AS b ON n._k = b._k`
}

// doubtful is the verdict on a present key that was settled once and is in doubt since. It is a change.
// Where the sync ignores changes, a row that may have been removed is added instead.
func (d *differ) doubtful() string {
	if d.in.Rules.DoubtAdds() {
		return "CASE WHEN b._op = '" + string(connector.Removed) + "' THEN 'a' ELSE 'c' END"
	}
	return "'c'"
}

// verdicts is how many keys got each verdict.
type verdicts map[string]struct{ keys, rows int64 }

func (d *differ) tally(ctx context.Context) (verdicts, error) {
	rows, err := d.session.conn.QueryContext(ctx, "SELECT op, count(*), sum(n)::BIGINT FROM verdict GROUP BY op")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() //nolint:errcheck // Err has told already
	found := verdicts{}
	for rows.Next() {
		var op string
		var n struct{ keys, rows int64 }
		if err := rows.Scan(&op, &n.keys, &n.rows); err != nil {
			return nil, err
		}
		found[op] = n
	}
	return found, rows.Err()
}

// writeSections writes what the verdicts found and counts it.
func (d *differ) writeSections(ctx context.Context, found verdicts) error {
	c := &d.plan.Counts
	c.Found.Removed += found[verdictRemoved].keys + found[verdictClaimed].keys
	c.Claimed += found[verdictClaimed].keys
	c.Found.Changed += found[verdictChanged].keys
	c.Found.Added += found[verdictAdded].keys
	c.Duplicates += found[verdictDuplicate].rows
	c.DuplicateKeys += found[verdictDuplicate].keys
	d.parts++
	for _, part := range []struct {
		section *Section
		name    string
		verdict string
		acts    bool
		query   string
	}{
		{&d.plan.Removed, "removed", verdictRemoved, d.in.Rules.RemovedActs, d.removedQuery()},
		{&d.plan.Changed, "changed", verdictChanged, d.in.Rules.ChangedActs, d.changedQuery()},
		{&d.plan.Added, "added", verdictAdded, d.in.Rules.AddedActs, d.addedQuery()},
		{&d.plan.Duplicates, "duplicates", verdictDuplicate, true, d.duplicatesQuery()},
	} {
		if part.acts && found[part.verdict].keys > 0 {
			if err := d.writePart(ctx, part.section, part.name, part.query); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *differ) writePart(ctx context.Context, s *Section, name, query string) error {
	if d.parts > 1 {
		name = fmt.Sprintf("%s-%d", name, d.parts)
	}
	name += ".parquet"
	n, err := d.session.write(ctx, query, filepath.Join(d.in.Dir, name))
	if err != nil {
		return err
	}
	s.Files = append(s.Files, File{Name: name, Rows: n})
	s.Rows += n
	return nil
}

func (d *differ) attempts() string {
	if !d.plan.Attempts {
		return ""
	}
	return ", b._attempts"
}

// removedQuery has the values that were settled last; of a row that never was settled, those that were
// sent in doubt last.
func (d *differ) removedQuery() string {
	columns := make([]string, len(d.plan.Schema))
	for i := range columns {
		columns[i] = fmt.Sprintf("%s AS c%d", d.lastKnown(i), i)
	}
	return "SELECT b._k, " + strings.Join(columns, ", ") + d.attempts() +
		" FROM base_rows AS b JOIN verdict AS v ON b._k = v._k WHERE v.op = '" + verdictRemoved + "'"
}

// lastKnown is the value of a column of the baseline's row b that the destination has, as far as is known.
func (d *differ) lastKnown(column int) string {
	if !d.plan.Attempts {
		return fmt.Sprintf("b.c%d", column)
	}
	return fmt.Sprintf("CASE WHEN b._held THEN b.c%d ELSE b._attempts[-1].c%d END", column, column)
}

func (d *differ) changedQuery() string {
	var before strings.Builder
	for i := range d.plan.Before {
		fmt.Fprintf(&before, ", b.p%d AS b%d", i, i)
	}
	return "SELECT n._k, " + columnList("n.c", len(d.plan.Schema)) + before.String() + d.attempts() +
		" FROM now_rows AS n JOIN verdict AS v ON n._k = v._k JOIN base_rows AS b ON b._k = v._k WHERE v.op = '" + verdictChanged + "'"
}

func (d *differ) addedQuery() string {
	from := " FROM now_rows AS n JOIN verdict AS v ON n._k = v._k"
	if d.plan.Attempts {
		from += " LEFT JOIN base_rows AS b ON b._k = v._k"
	}
	return "SELECT n._k, " + columnList("n.c", len(d.plan.Schema)) + d.attempts() + from + " WHERE v.op = '" + verdictAdded + "'"
}

func (d *differ) duplicatesQuery() string {
	return "SELECT n._k, v.n AS _n, " + columnList("n.c", len(d.plan.Schema)) +
		" FROM now_rows AS n JOIN verdict AS v ON n._k = v._k WHERE v.op = '" + verdictDuplicate + "'"
}

// takeAll plans without a comparison: every row with a key of its own is added, or, when change
// tracking is reset, nothing is.
func (d *differ) takeAll(ctx context.Context) error {
	now, err := d.in.Staged.current(Comparison{Direct: true})
	if err != nil {
		return err
	}
	if err := d.session.run(ctx, "CREATE TEMP VIEW now_rows AS "+now, "CREATE TEMP TABLE verdict (_k VARCHAR, n BIGINT, op VARCHAR)"); err != nil {
		return err
	}
	for pass := range d.passes() {
		if err := d.session.run(ctx, repeated(inPass(pass, d.passes()))); err != nil {
			return err
		}
	}
	found, err := d.tally(ctx)
	if err != nil {
		return err
	}
	if err := d.writeSections(ctx, found); err != nil {
		return err
	}
	return d.addAll(ctx)
}

// repeated inserts the keys that appear more than once. Their hashes are counted first, which costs
// far less than counting the keys.
func repeated(where string) string {
	return `INSERT INTO verdict SELECT _k, count(*), 'd' FROM now_rows
		SEMI JOIN (SELECT hash(_k) AS kh FROM now_rows WHERE ` + where + ` GROUP BY 1 HAVING count(*) > 1) AS r ON hash(now_rows._k) = r.kh
		GROUP BY _k HAVING count(*) > 1`
}

func (d *differ) addAll(ctx context.Context) error {
	c := &d.plan.Counts
	rows := d.in.Staged.Kept - c.Duplicates
	if d.plan.ResetCDC {
		c.Unchanged = rows
		return nil
	}
	c.Found.Added = rows
	d.plan.Derive(d.in.Rules)
	if c.Planned.Added == 0 {
		return nil
	}
	if c.Duplicates == 0 && d.linkStaged() {
		return nil
	}
	return d.writePart(ctx, &d.plan.Added, "added", "SELECT n._k, "+columnList("n.c", len(d.plan.Schema))+
		" FROM now_rows AS n ANTI JOIN verdict AS v ON n._k = v._k")
}

// linkStaged makes the staged file the plan's as well, which costs nothing. It reports false where the
// file system cannot, and the rows must be copied.
func (d *differ) linkStaged() bool {
	staged := d.in.Staged
	if len(staged.Files) != 1 {
		return false
	}
	from, err := local(staged.Dir, staged.Files[0])
	if err != nil {
		return false
	}
	to := filepath.Join(d.in.Dir, addedFile)
	if errors.Join(removeIfThere(to), os.Link(from, to)) != nil {
		return false
	}
	d.plan.Added = Section{Files: []File{{Name: addedFile, Rows: staged.Kept}}, Rows: staged.Kept}
	return true
}

const addedFile = "added.parquet"
