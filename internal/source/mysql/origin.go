package mysql

import "strings"

// origin is the column of a table that a result's column is.
type origin struct {
	schema, table, column string
}

// comments reads what the tables say of the columns that a statement takes from them as they are, by the names that
// they have in the result. The driver does not tell where a column comes from; the server does, where it explains the
// statement: it leaves the statement as it resolved it as a note. A statement that it cannot explain has no comments.
// https://dev.mysql.com/doc/refman/8.4/en/explain-extended.html
func (x *session) comments(own string) (map[string]string, error) {
	explained := "EXPLAIN FORMAT = TRADITIONAL " + own
	if x.mariaDB() {
		explained = "EXPLAIN EXTENDED " + own // https://mariadb.com/kb/en/explain/
	}
	if _, err := x.table(explained); err != nil {
		return nil, unlessServer(err)
	}
	notes, err := x.table("SHOW WARNINGS")
	if err != nil {
		return nil, unlessServer(err)
	}
	said := map[string]string{}
	for _, note := range notes {
		if len(note) != 3 || note[1].text != "1003" {
			continue
		}
		for name, from := range origins(note[2].text) {
			text, err := x.commentOf(from)
			if err != nil {
				return nil, err
			}
			if text != "" {
				said[name] = text
			}
		}
	}
	return said, nil
}

// unlessServer returns an error that no server sent.
func unlessServer(err error) error {
	if fromServer(err) {
		return nil
	}
	return err
}

// mariaDB tells the servers apart by what they say their version is.
func (x *session) mariaDB() bool {
	version, err := x.table("SELECT VERSION()")
	return err == nil && len(version) == 1 && strings.Contains(version[0][0].text, "MariaDB")
}

func (x *session) commentOf(c origin) (string, error) {
	found, err := x.table("SELECT COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND COLUMN_NAME = ?",
		c.schema, c.table, c.column)
	if err != nil || len(found) != 1 {
		return "", err
	}
	return found[0][0].text, nil
}

// origins reads a statement as the server prints it: select `s`.`t`.`c` AS `name`, … from `s`.`t` `alias` …, in which
// every name is quoted. A union has none.
func origins(resolved string) map[string]origin {
	list, from := parts(tokens(resolved))
	renamed := aliasesOf(from)
	found := map[string]origin{}
	for _, item := range list {
		n := len(item)
		if n < 5 || !item[n-2].is("AS") || item[n-1].kind != kindName {
			continue
		}
		path, plain := pathOf(item[:n-2])
		if !plain {
			continue
		}
		c, known := renamed.resolve(path)
		if !known {
			continue
		}
		found[item[n-1].text] = c
	}
	return found
}

// aliases are the tables that have another name in the statement.
type aliases map[string]origin

// resolve finds the column that a path names. MySQL writes `alias`.`column`, MariaDB `schema`.`alias`.`column`.
func (a aliases) resolve(path []string) (c origin, known bool) {
	column := path[len(path)-1]
	t, known := a[path[len(path)-2]]
	switch {
	case known && (len(path) == 2 || path[0] == t.schema):
		return origin{t.schema, t.table, column}, true
	case len(path) == 3:
		return origin{path[0], path[1], column}, true
	default:
		return origin{}, false
	}
}

// parts splits a statement into what its outermost SELECT yields and what follows; a union of several has no parts.
func parts(all []token) (list [][]token, from []token) {
	depth, begin, behind := 0, -1, -1
	for i, t := range all {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case depth > 0:
		case t.is("UNION", "EXCEPT", "INTERSECT"):
			return nil, nil
		case t.is("SELECT") && begin < 0:
			begin = i + 1
		case begin >= 0 && behind < 0 && (t.is(",") || t.is("FROM")):
			list = append(list, all[begin:i])
			begin = i + 1
			if t.is("FROM") {
				behind = i + 1
			}
		}
	}
	if behind < 0 {
		return nil, nil
	}
	return list, all[behind:]
}

// pathOf reads `a`.`b`.`c`, and reports whether that is all.
func pathOf(item []token) (path []string, plain bool) {
	for i, t := range item {
		switch {
		case i%2 == 0 && t.kind == kindName:
			path = append(path, t.text)
		case i%2 == 1 && t.is("."):
		default:
			return nil, false
		}
	}
	return path, len(item)%2 == 1 && (len(path) == 2 || len(path) == 3)
}

// aliasesOf finds the tables with another name: `s`.`t` `alias`. Those inside of subqueries are
// names of their own.
func aliasesOf(from []token) aliases {
	found := aliases{}
	for i := 0; i < len(from); i++ {
		if from[i].is("(") && i+1 < len(from) && from[i+1].is("SELECT") {
			i = behindParenthesis(from, i)
			continue
		}
		if i+3 < len(from) && from[i].kind == kindName && from[i+1].is(".") && from[i+2].kind == kindName && from[i+3].kind == kindName {
			found[from[i+3].text] = origin{schema: from[i].text, table: from[i+2].text}
		}
	}
	return found
}

// behindParenthesis returns where the parenthesis that begins at i ends.
func behindParenthesis(all []token, i int) int {
	depth := 0
	for ; i < len(all); i++ {
		switch {
		case all[i].is("("):
			depth++
		case all[i].is(")"):
			depth--
		}
		if depth == 0 {
			break
		}
	}
	return i
}
