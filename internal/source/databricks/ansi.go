package databricks

import "strings"

// fromANSI writes SQL with the quotes of SQL-92 in those of Databricks (S-59): names stand in double quotes, in which a
// double quote is two; texts stand in single quotes, in which a single quote is two and a backslash is itself. Nothing
// else changes, and no line moves. A backtick still quotes a name.
func fromANSI(sql string) string {
	var b strings.Builder
	for i := 0; i < len(sql); {
		end := i + 1
		switch {
		case sql[i] == '\'' || sql[i] == '"' || sql[i] == '`':
			end = quotedEnd(sql, i)
			b.WriteString(requoted(sql[i:end]))
		case strings.HasPrefix(sql[i:], "--"):
			end = after(sql, i, "\n")
			b.WriteString(sql[i:end])
		case strings.HasPrefix(sql[i:], "/*"):
			end = after(sql, i+2, "*/")
			b.WriteString(sql[i:end])
		default:
			b.WriteByte(sql[i])
		}
		i = end
	}
	return b.String()
}

// after is where the text behind the next mark begins.
func after(sql string, from int, mark string) int {
	at := strings.Index(sql[from:], mark)
	if at < 0 {
		return len(sql)
	}
	return from + at + len(mark)
}

// quotedEnd is where the text behind something quoted begins; two quotes inside are one.
func quotedEnd(sql string, start int) int {
	quote := sql[start]
	for i := start + 1; i < len(sql); i++ {
		switch {
		case sql[i] != quote:
		case i+1 < len(sql) && sql[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

// requoted writes one quoted text or name. What does not end stays as it is: the warehouse says so.
func requoted(s string) string {
	quote := s[:1]
	if quote == "`" || len(s) < 2 || !strings.HasSuffix(s, quote) {
		return s
	}
	inside := strings.ReplaceAll(s[1:len(s)-1], quote+quote, quote)
	if quote == `"` {
		return "`" + strings.ReplaceAll(inside, "`", "``") + "`"
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(inside) + "'"
}
