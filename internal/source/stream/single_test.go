package stream

import "testing"

// A comment inside of a comment ends at different places at different servers.
//
// Req: M-30
func TestCheckSingle(t *testing.T) {
	t.Parallel()
	for sql, fits := range map[string]bool{
		"SELECT ')' AS \";\" FROM t -- ; )\n":                true,
		"(SELECT 1) /* ; ) */":                               true,
		"SELECT 1; DELETE FROM t":                            false,
		"SELECT 1) AS x, (SELECT 2":                          false,
		"SELECT (1":                                          false,
		"SELECT 'a":                                          false,
		"SELECT 1 /* a":                                      false,
		"SELECT 1 /* /* */ ; DELETE FROM t -- */":            false,
		"SELECT 1 -- a\u2028; DELETE FROM t":                 false,
		"SELECT [a;b] FROM t":                                false,
		"SELECT a FROM t WHERE b = 'it''s' AND c = \"\"\"\"": true,
	} {
		if err := CheckSingle(sql, false); (err == nil) != fits {
			t.Errorf("%s: %v", sql, err)
		}
	}
	for _, sql := range []string{"SELECT [a;b] FROM t", "SELECT 1 /* /* ; */ */"} {
		if err := CheckSingle(sql, true); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func FuzzSingle(f *testing.F) {
	f.Add("SELECT '(' AS a, [b]]] FROM c /* ; /* ) */ */ -- )\n WHERE (1 = 1)")
	f.Fuzz(func(_ *testing.T, text string) { _ = CheckSingle(text, true) }) //nolint:errcheck // it must end, and not panic
}
