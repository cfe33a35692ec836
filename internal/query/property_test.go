package query_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/query/dialecttest"
)

// letters are those that mean something somewhere: in constants, in patterns, in comments, in regular expressions.
var letters = []string{"%", "_", "!", `\`, "'", `"`, "`", "[", "]", "^", "-", "a", "b", "A", "é", "ß", "\U0001f600", "\n", "\t", "?", "*", ".", "$", "{", "}", "/", " ", "%%", `\'`, "''", "--", "/*", ":x", "@p", "#"}

func word(random *rand.Rand, longest int) string {
	var b strings.Builder
	for range random.IntN(longest + 1) {
		b.WriteString(letters[random.IntN(len(letters))])
	}
	return b.String()
}

// Whatever a text holds, it reaches a database as it is, no letter of it means anything in a comparison, and it is in
// the bucket that Go computes.
//
// Req: SY-48
func TestTextsMeanThemselves(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(t *testing.T) dialecttest.Database{
		"DuckDB":     func(t *testing.T) dialecttest.Database { return database(t, openDuckDB(t), query.DuckDB) },
		"PostgreSQL": func(t *testing.T) dialecttest.Database { return database(t, openPostgres(t), query.Postgres) },
		"digits by their places": func(t *testing.T) dialecttest.Database {
			return database(t, openPostgres(t), query.Variants(query.Postgres)["digits by their places"])
		},
		"MariaDB": openMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			random := rand.New(rand.NewPCG(rand.Uint64(), 1)) // a failure prints the texts
			for range 40 {
				checkTexts(t, d, random)
			}
		})
	}
}

// checkTexts asks one question about many texts.
func checkTexts(t *testing.T, d dialecttest.Database, random *rand.Rand) {
	t.Helper()
	var columns []query.Expr
	var want, about []string
	ask := func(e query.Expr, holds bool, words string) {
		columns = append(columns, query.Case().When(e, query.Text("true")).Else(query.Text("false")).As(fmt.Sprintf("c%d", len(columns))))
		want, about = append(want, strconv.FormatBool(holds)), append(about, words)
	}
	for range 25 {
		text, part := word(random, 8), word(random, 3)
		if random.IntN(2) == 0 && len(text) > 0 { // one that is there
			runes := []rune(text)
			at := random.IntN(len(runes))
			part = string(runes[at:min(len(runes), at+1+random.IntN(3))])
		}
		e := query.Text(text)
		words := fmt.Sprintf("%q, %q", text, part)
		ask(e.Contains(part), strings.Contains(text, part), "contains "+words)
		ask(e.StartsWith(part), strings.HasPrefix(text, part), "starts with "+words)
		ask(e.EndsWith(part), strings.HasSuffix(text, part), "ends with "+words)
		ask(e.Exactly(part), text == part, "exactly "+words)
		ask(e.Exactly(text), true, "is itself "+words)
		ask(query.Fold(e.Contains(strings.ToUpper(ascii(part)))), strings.Contains(lower(text), lower(ascii(part))), "contains in any letters "+words)
		columns = append(columns, query.Bucket(e, part, 1000).As(fmt.Sprintf("c%d", len(columns))), query.Concat(query.Text("="), e).As(fmt.Sprintf("c%d", len(columns)+1)))
		want, about = append(want, strconv.FormatInt(query.BucketOf(text, part, 1000), 10), "="+text), append(about, "bucket of "+words, "constant "+words)
	}
	rows, err := d.Query(t.Context(), d.Dialect.SQL(query.Values(columns...)))
	if err != nil {
		t.Fatal(err)
	}
	for i, got := range rows[0] {
		if got != want[i] {
			t.Errorf("%s: %q, want %q: %s", about[i], got, want[i], d.Dialect.Expr(columns[i]))
		}
	}
}

// ascii is a text without the letters whose cases databases see differently.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r > 127 {
			return -1
		}
		return r
	}, s)
}

func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 32
		}
		return r
	}, s)
}

// A pattern of each dialect has a meaning for nothing that a person wrote: what its escapes protect is the text again.
func TestPatternsMeanThemselves(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 1))
	for _, d := range query.Dialects {
		special, escape := query.LikeOf(d)
		for range 500 {
			text := word(random, 8)
			got, meant := []rune{}, false
			runes := []rune(query.LikeEscaped(d, text))
			for i := 0; i < len(runes); i++ {
				switch {
				case string(runes[i]) == escape && i+1 < len(runes):
					i++
					got = append(got, runes[i])
				case strings.ContainsRune(special, runes[i]) || string(runes[i]) == escape:
					meant = true
				default:
					got = append(got, runes[i])
				}
			}
			if meant || string(got) != text {
				t.Errorf("%s: %q became %q", d.Name, text, string(runes))
			}
		}
	}
}
