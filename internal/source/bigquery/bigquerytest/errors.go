package bigquerytest

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

var (
	syntax   = regexp.MustCompile(`syntax error at (?:or near "([^"]*)"|end of input)`)
	line     = regexp.MustCompile(`LINE (\d+):`)
	noTable  = regexp.MustCompile(`Table with name (.+?) does not exist`)
	noColumn = regexp.MustCompile(`(?:Referenced column|column named|Values list ".*?" does not have a column named) "?([^" ]+)"?`)
	noSchema = regexp.MustCompile(`Schema with name (\S+) does not exist`)
	exists   = regexp.MustCompile(`with name "(.+?)" already exists`)
	badCast  = regexp.MustCompile(`Could not convert string '(.*?)' to INT64`)
)

// explain puts DuckDB's errors in BigQuery's words.
func explain(err error, sql string) error {
	var known *apiError
	if err == nil || errors.As(err, &known) {
		return err
	}
	said := err.Error()
	invalid := func(format string, args ...any) error {
		return failure(http.StatusBadRequest, "invalidQuery", format, args...)
	}
	if found := syntax.FindStringSubmatch(said); found != nil {
		if found[1] == "" || found[1] == ")" {
			return invalid("Syntax error: Unexpected end of statement %s", where(sql, len(strings.TrimRight(sql, " \n;"))))
		}
		return invalid("Syntax error: Unexpected keyword %s %s", strings.ToUpper(found[1]), where(sql, inLine(said, sql, found[1])))
	}
	if found := noTable.FindStringSubmatch(said); found != nil {
		table := strings.Trim(found[1], `"`)
		if i := strings.Index(sql, table); i > 0 && sql[i-1] != '.' && sql[i-1] != '`' {
			return failure(http.StatusBadRequest, "invalid", "Table %q must be qualified with a dataset (e.g. dataset.table).", table)
		}
		full := table
		for _, p := range datasetsIn(sql) {
			if p.table == table {
				full = p.name + "." + table
			}
		}
		return failure(http.StatusNotFound, "notFound", "Not found: Table %s:%s was not found in location %s", Project, full, Location)
	}
	if found := noSchema.FindStringSubmatch(said); found != nil {
		return failure(http.StatusNotFound, "notFound", "Not found: Dataset %s:%s was not found in location %s", Project, strings.Trim(found[1], `"!`), Location)
	}
	if found := exists.FindStringSubmatch(said); found != nil {
		return failure(http.StatusConflict, "duplicate", "Already Exists: Table %s:%s", Project, found[1])
	}
	if found := noColumn.FindStringSubmatch(said); found != nil {
		return invalid("Unrecognized name: %s %s", found[1], where(sql, max(strings.Index(sql, found[1]), 0)))
	}
	if found := badCast.FindStringSubmatch(said); found != nil {
		return invalid("Bad int64 value: %s", found[1])
	}
	return invalid("%s", said)
}

// inLine is where a word stands in the line that DuckDB names.
func inLine(said, sql, word string) int {
	found := line.FindStringSubmatch(said)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) //nolint:errcheck // digits
	at := 0
	for range n - 1 {
		i := strings.IndexByte(sql[at:], '\n')
		if i < 0 {
			return at
		}
		at += i + 1
	}
	return at + max(strings.LastIndex(sql[at:], word), 0)
}
