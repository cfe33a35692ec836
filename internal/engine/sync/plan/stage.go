package plan

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/value"
)

// StageInput is the result of a model's query, as rows or as a file.
type StageInput struct {
	Reader array.RecordReader // the rows; read once, and not released
	File   string             // or a Parquet file (connector.Unloader)
	Schema value.Schema       // of File, where the source knows more than Parquet says; may be nil

	PrimaryKey string
	Occurrence string   // the column that numbers repeated elements (query.Expansion); empty where no array is expanded
	KeyType    string   // the source's own type of the key (M-09); empty means what the rows say
	Columns    []string // what to keep; nil means every column
	Compare    []string // what decides whether a row changed; kept as well
	Dir        string   // where to write; exists
}

// Staged is a model's result on disk. It survives as JSON; set Dir after reading it back.
type Staged struct {
	Dir   string          `json:"-"`
	Files []string        `json:"files,omitempty"` // names in Dir
	Table *query.TableRef `json:"table,omitempty"` // instead of Files: where a warehouse has the rows
	Layout
	Read     int64 `json:"read"`               // rows of the model
	Kept     int64 `json:"kept"`               // rows on disk: those whose key is not null
	NullKeys int64 `json:"nullKeys"`           // rows left out because their key is null (M-04)
	Repeated int64 `json:"repeated,omitempty"` // rows that are an element which its array has before (SY-90)
	NoArray  int64 `json:"noArray,omitempty"`  // rows whose column to expand holds no array (SY-91)
}

// Layout says what staged files hold: the key as text in _k, the hash of the compared columns in _h,
// and the kept columns by position in c0, c1 ….
type Layout struct {
	Schema      value.Schema `json:"schema"`   // of the kept columns
	Physical    []string     `json:"physical"` // types of the kept columns where they are stored
	Compare     []string     `json:"compare"`  // in alphabetical order
	PrimaryKey  string       `json:"primaryKey"`
	KeyType     string       `json:"keyType"`
	HashVersion string       `json:"hashVersion"` // what made _h; other versions are not comparable
}

// hashRecipe counts the ways in which this package has hashed rows.
const hashRecipe = "1"

const stageFile = "stage.parquet"

// Stage writes the model's rows to Parquet without holding them in memory. Keys become text, so that 1
// and '1' are one key (M-06); every other value keeps its type (M-12), nested values become canonical
// JSON. A reader's error is returned as it is, and leaves no file.
func (e *Engine) Stage(ctx context.Context, in StageInput) (Staged, error) {
	src, err := openSource(in)
	if err != nil {
		return Staged{}, failure(ctx, err, "reading the model's result")
	}
	staged, err := e.stage(ctx, in, src)
	return staged, errors.Join(err, src.close())
}

func (e *Engine) stage(ctx context.Context, in StageInput, src *source) (staged Staged, err error) {
	s, err := e.open(ctx, in.Dir)
	if err != nil {
		return Staged{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()

	staged = Staged{Dir: in.Dir, Files: []string{stageFile}, Layout: src.layout}
	if staged.HashVersion, err = hashVersion(ctx, s); err != nil {
		return Staged{}, failure(ctx, err, "staging the model's rows")
	}
	from, err := src.attach(s)
	if err != nil {
		return Staged{}, failure(ctx, err, "staging the model's rows")
	}
	staged.Kept, err = s.write(ctx, src.stageQuery(from), filepath.Join(in.Dir, stageFile))
	if cause := src.err(); cause != nil {
		return Staged{}, errors.Join(cause, removeIfThere(filepath.Join(in.Dir, stageFile)))
	}
	if err != nil {
		return Staged{}, failure(ctx, err, "staging the model's rows")
	}
	staged.Read = src.read()
	staged.NullKeys = staged.Read - staged.Kept
	return staged, nil
}

func hashVersion(ctx context.Context, s *session) (string, error) {
	var version string
	err := s.conn.QueryRowContext(ctx, "SELECT version()").Scan(&version)
	return hashRecipe + "/" + version, err
}

// stageQuery selects key, hash and values from the source's columns.
func (src *source) stageQuery(from string) string {
	var inner, outer []string
	inner = append(inner, src.key+" AS _k")
	for i, expr := range src.values {
		inner = append(inner, fmt.Sprintf("%s AS c%d", expr, i))
		outer = append(outer, fmt.Sprintf("c%d", i))
	}
	outer = append([]string{"_k", hashOf("", src.layout.ComparePositions()) + " AS _h"}, outer...)
	return "SELECT " + strings.Join(outer, ", ") + " FROM (SELECT " + strings.Join(inner, ", ") +
		" FROM " + from + ") WHERE _k IS NOT NULL"
}

// ComparePositions returns the positions of the compared columns in the order of their names.
func (l Layout) ComparePositions() []int {
	positions := make([]int, len(l.Compare))
	for i, name := range l.Compare {
		positions[i] = l.Schema.Index(name)
	}
	return positions
}

// hashOf is the hash of columns by position. DuckDB hashes every column by itself and mixes the
// results in order, so that neither nulls nor texts that border on each other can be confused.
func hashOf(prefix string, positions []int) string {
	if len(positions) == 0 {
		return "0::UBIGINT"
	}
	columns := make([]string, len(positions))
	for i, p := range positions {
		columns[i] = fmt.Sprintf("%sc%d", prefix, p)
	}
	return "hash(" + strings.Join(columns, ", ") + ")"
}

// Kept returns the columns to keep, without repetitions: those asked for, then those compared.
func (in StageInput) Kept(all []string) ([]string, error) {
	columns := in.Columns
	if columns == nil {
		columns = all
	}
	var kept []string
	for _, name := range slices.Concat(columns, in.Compare) {
		if !slices.Contains(all, name) {
			return nil, fault.New(fault.CodeMappingColumn, "Unknown field name: the model has no column %q", name)
		}
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept, nil
}

// Layout describes what is staged: the kept columns of the schema.
func (in StageInput) Layout(schema value.Schema, kept []string) (Layout, error) {
	key := schema.Index(in.PrimaryKey)
	if key < 0 {
		return Layout{}, fault.New(fault.CodeModelKey, "the model has no column %q, which is its primary key", in.PrimaryKey)
	}
	l := Layout{PrimaryKey: in.PrimaryKey, KeyType: in.KeyType, Compare: slices.Compact(slices.Sorted(slices.Values(in.Compare)))}
	if l.KeyType == "" {
		l.KeyType = schema[key].Native
	}
	for _, name := range kept {
		l.Schema = append(l.Schema, schema[schema.Index(name)])
	}
	return l, nil
}
