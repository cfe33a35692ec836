package athena

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"
	"github.com/millrace/millrace/internal/source/trino/trinotype"
)

// asText are the types that are left as the texts that Athena writes (S-74); it writes nested values in a way that nobody
// can read back.
var asText = map[string]bool{"bigint": true, "array": true, "map": true, "row": true, "struct": true}

// typeOf is the type of a result's column.
func typeOf(c types.ColumnInfo) trinotype.Type {
	name := aws.ToString(c.Type)
	if name == "decimal" {
		name = fmt.Sprintf("decimal(%d,%d)", c.Precision, c.Scale)
	}
	return named(name)
}

// named is a type by its name, in the words of queries.
func named(name string) trinotype.Type {
	t := trinotype.Parse(name)
	if asText[t.Base] {
		return trinotype.Type{Text: t.Text, Base: "varchar"}
	}
	return t
}

// hive are the words that DDL and the catalogue have for the types of queries.
// https://docs.aws.amazon.com/athena/latest/ug/data-types.html
var hive = map[string]string{"string": "varchar", "int": "integer", "binary": "varbinary", "float": "real", "struct": "row"}

// catalogued is a type by its name in the catalogue: array<string> and struct<a:int> are nested.
func catalogued(name string) trinotype.Type {
	base, _, nested := strings.Cut(strings.ToLower(name), "<")
	if query, known := hive[base]; known {
		base = query
	}
	t := named(base)
	if nested {
		t.Text = name
	} else {
		t.Text = base
	}
	return t
}

// appendCell adds a value to a batch.
func appendCell(t trinotype.Type, b array.Builder, c cell) error {
	if c.null {
		b.AppendNull()
		return nil
	}
	if bytes, ok := b.(*array.BinaryBuilder); ok {
		raw, err := hex.DecodeString(strings.ReplaceAll(c.text, " ", "")) // 00 ff 10
		if err != nil {
			return errors.New("the text is no bytes")
		}
		bytes.Append(raw)
		return nil
	}
	return t.AppendText(b, c.text)
}
