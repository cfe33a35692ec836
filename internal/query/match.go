package query

import "strings"

// What follows compares texts by their code points, whatever the collation of a column is.

// Exactly holds where a text is another, letter by letter.
func (e Expr) Exactly(text string) Expr { return Expr{n: like{e, "", text, "", false}} }

// Contains holds where a text has another in it.
func (e Expr) Contains(text string) Expr { return Expr{n: like{e, "%", text, "%", false}} }

// StartsWith holds where a text begins with another.
func (e Expr) StartsWith(text string) Expr { return Expr{n: like{e, "", text, "%", false}} }

// EndsWith holds where a text ends with another.
func (e Expr) EndsWith(text string) Expr { return Expr{n: like{e, "%", text, "", false}} }

// Fold makes Exactly, Contains, StartsWith and EndsWith disregard the case of letters, as far as the database knows
// them: lower is its own.
func Fold(e Expr) Expr {
	l, ok := e.n.(like)
	if !ok {
		panic("query: only a comparison of texts disregards the case of letters")
	}
	l.fold = true
	return Expr{n: l, name: e.name}
}

// like is a text of which a beginning or an end, or both, may be anything. No character of text has a meaning.
type like struct {
	e                   Expr
	before, text, after string
	fold                bool
}

func (l like) level() int { return levelCompare }

func (l like) condition() bool { return true }

func (l like) print(p *printer) {
	g := p.d.g
	pattern := Text(l.before + g.likeEscaped(l.text) + l.after)
	e := spell(g.exact, l.e)
	if l.fold {
		e, pattern = Lower(e), Lower(pattern)
	}
	p.spell(g.like, e, pattern)
}

// likeEscaped takes their meaning from the characters that have one in a pattern.
func (g *grammar) likeEscaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune(g.likeSpecial, r) || string(r) == g.likeEscape {
			b.WriteString(g.likeEscape)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Matches holds where a part of a text is as a regular expression says, in the database's own dialect of them; what all
// know is classes, repetitions, groups and anchors.
func (e Expr) Matches(pattern string) Expr { return Expr{n: matching{e, pattern}} }

type matching struct {
	e       Expr
	pattern string
}

func (m matching) level() int { return levelCompare }

func (m matching) condition() bool { return true }

func (m matching) print(p *printer) {
	p.mustHave(ConstructMatches)
	p.spell(p.d.g.matches, spell(p.d.g.exact, m.e), Text(m.pattern))
}
