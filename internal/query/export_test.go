package query

// Variants are dialects that write a construct in the way of databases which do not run here.
func Variants(d Dialect) map[string]Dialect {
	variants := map[string]Dialect{}
	for name, change := range map[string]func(g *grammar){
		"no full join":             func(g *grammar) { g.noFull = true },
		"null compared by case":    func(g *grammar) { g.distinct = distinctByCase },
		"with at the beginning":    func(g *grammar) { g.hoists = true },
		"with before insert":       func(g *grammar) { g.hoists, g.withFirst = true, true },
		"rows selected":            func(g *grammar) { g.rowsSelected = true },
		"a relation for constants": func(g *grammar) { g.dual = ` FROM (SELECT 1 AS "one") AS "dual"` },
		"fetch first":              func(g *grammar) { g.limit = limitFetch },
		"a condition for deletes":  func(g *grammar) { g.needsWhere = true },
		"booleans by case": func(g *grammar) {
			g.boolean, g.truth = [2]string{"0", "1"}, truthByCase
		},
		"names without as":     func(g *grammar) { g.aliased = " " },
		"nulls sorted by case": func(g *grammar) { g.nullsLast = "" },
		"time zones spelled out": func(g *grammar) {
			g.clock.utc, g.clock.ununiv = "(%s AT TIME ZONE 'UTC')", "(%s AT TIME ZONE 'UTC')"
			g.clock.zone, g.clock.unzone, g.clock.shift = "", "", "(%s + (%s) * INTERVAL '1 second')"
		},
		"digits by their places": func(g *grammar) { g.bits = hexByPlaces("position(%s IN %s)", "md5(%[1]s)") },
		"no merge":               func(g *grammar) { g.merge = false },
		"rows of random numbers": func(g *grammar) { g.sample, g.random = "", "random() * 1000000 < %s" },
	} {
		g := *d.g
		change(&g)
		variants[name] = Dialect{Name: d.Name, Quote: d.Quote, g: &g}
	}
	return variants
}

// Unordered is unordered.
func Unordered(sql string) string { return unordered(sql) }

// SplitWith is splitWith.
func SplitWith(sql string) (definitions, rest string) { return splitWith(sql) }

// LikeOf is what means something in a pattern, and what takes its meaning away.
func LikeOf(d Dialect) (special, escape string) { return d.g.likeSpecial, d.g.likeEscape }

// LikeEscaped is a text in a pattern.
func LikeEscaped(d Dialect, text string) string { return d.g.likeEscaped(text) }
