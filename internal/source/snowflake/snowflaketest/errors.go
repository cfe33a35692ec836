package snowflaketest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// knownErrors are DuckDB's errors with Snowflake's words.
var knownErrors = []struct {
	pattern *regexp.Regexp
	tell    func(name string, line int, sql string) *failure
}{
	{regexp.MustCompile(`syntax error at or near "([^"]*)"`), func(name string, line int, sql string) *failure {
		return &failure{"001003", "42000", fmt.Sprintf("SQL compilation error:\nsyntax error line %d at position %d unexpected '%s'.", line, positionOf(sql, line, name), name)}
	}},
	{regexp.MustCompile(`(?:Table|View) with name "?([^" ]+)"? does not exist`), func(name string, _ int, _ string) *failure {
		return &failure{"002003", "42S02", "SQL compilation error:\nObject '" + strings.ToUpper(name) + "' does not exist or not authorized."}
	}},
	{regexp.MustCompile(`[Ss]chema (?:with name )?"?([^" !]+)"? (?:does not exist|not found)`), func(name string, _ int, _ string) *failure {
		return &failure{"002003", "02000", "SQL compilation error:\nSchema '" + name + "' does not exist or not authorized."}
	}},
	{regexp.MustCompile(`Referenced column "([^"]+)" (?:was )?not found`), unknownColumn},
	{regexp.MustCompile(`does not have a column named "([^"]+)"`), unknownColumn},
	{regexp.MustCompile(`Table with name "([^"]+)" already exists`), func(name string, _ int, _ string) *failure {
		return &failure{"002002", "42710", "SQL compilation error:\nObject '" + name + "' already exists."}
	}},
	{regexp.MustCompile(`(Parser Error: .*)`), func(text string, line int, _ string) *failure {
		return &failure{"001003", "42000", fmt.Sprintf("SQL compilation error:\nsyntax error line %d at position 0 unexpected '<EOF>'. (%s)", max(line, 1), text)}
	}},
}

func unknownColumn(name string, line int, sql string) *failure {
	return &failure{"000904", "42000", fmt.Sprintf("SQL compilation error: error line %d at position %d\ninvalid identifier '%s'", line, positionOf(sql, line, name), strings.ToUpper(name))}
}

var lineWord = regexp.MustCompile(`LINE (\d+):`)

// lineOf is the line that DuckDB names; the rewritten statement has the lines of the original.
func lineOf(text string) int {
	if m := lineWord.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			return n
		}
	}
	return 1
}

// positionOf finds a word in a line, from 0.
func positionOf(sql string, line int, word string) int {
	lines := strings.Split(sql, "\n")
	if line < 1 || line > len(lines) {
		return 0
	}
	before, _, found := strings.Cut(strings.ToUpper(lines[line-1]), strings.ToUpper(word))
	if !found {
		return 0
	}
	return utf8.RuneCountInString(before)
}
