package bigquery

import (
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/bigquery/bigquerytest"
)

// Several changes are all made or none.
//
// Req: S-12
func TestChangesTogether(t *testing.T) {
	t.Parallel()
	s := openAt(t, settingsOf(bigquerytest.New(t, options())))
	of := func(sql ...string) []connector.Query {
		all := make([]connector.Query, len(sql))
		for i, text := range sql {
			all[i] = connector.Query{SQL: text, Tag: "changes"}
		}
		return all
	}
	n, err := s.Execute(t.Context(), of("DELETE FROM `shop`.`customers` WHERE `id` <= 50 -- fifty", "INSERT INTO `crm`.`a` (`id`) VALUES (1), (2)", "UPDATE `shop`.`customers` SET `score` = 1 WHERE `id` <= 60;")...)
	if err != nil || n != 10 {
		t.Errorf("%d rows, %v", n, err)
	}
	_, err = s.Execute(t.Context(), of("DELETE FROM `shop`.`customers` WHERE 1 = 1", "INSERT INTO `crm`.`a` (`nothing`) VALUES (1)")...)
	if !fault.Is(err, fault.CodeSourceQuery) {
		t.Errorf("a wrong command: %v", err)
	}
	if rows := read(t, s, "SELECT id FROM shop.customers").Rows; len(rows) != 200 {
		t.Errorf("%d customers are left", len(rows))
	}
	if _, err := s.Execute(t.Context(), of("DROP TABLE IF EXISTS `crm`.`b`", "CREATE TABLE `crm`.`b` AS SELECT 1 AS `id`")...); err != nil {
		t.Error(err)
	}
}

func oneRow(t *testing.T, f arrow.Field) array.RecordReader {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{f}, nil))
	defer b.Release()
	b.Field(0).AppendEmptyValue()
	batch := b.NewRecordBatch()
	r, err := array.NewRecordReader(batch.Schema(), []arrow.RecordBatch{batch})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

// Req: S-12, S-51
func TestLoadFails(t *testing.T) {
	t.Parallel()
	number := arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64}
	s := openAt(t, settingsOf(bigquerytest.New(t, options())))
	err := s.Load(t.Context(), query.TableRef{Schema: "crm", Name: "t"}, oneRow(t, arrow.Field{Name: `a "b"`, Type: arrow.PrimitiveTypes.Int64}))
	if !fault.Is(err, fault.CodeSourceQuery) || !strings.Contains(err.Error(), "Invalid field name") {
		t.Errorf("a name that BigQuery does not allow: %v", err)
	}
	if err := s.Append(t.Context(), query.TableRef{Schema: "crm", Name: "nowhere"}, oneRow(t, number)); !fault.Is(err, fault.CodeSourceQuery) {
		t.Errorf("appending to nothing: %v", err)
	}
	o := options()
	o.Denied = map[string]bool{"bigquery.datasets.create": true, "bigquery.tables.create": true}
	poor := openAt(t, settingsOf(bigquerytest.New(t, o)))
	for _, schema := range []string{"new_one", "crm"} {
		err := poor.Load(t.Context(), query.TableRef{Schema: schema, Name: "t"}, oneRow(t, number))
		if !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(fault.As(err).Hint(), "create") {
			t.Errorf("%s: %v", schema, err)
		}
	}
	err = connector.TestWarehouse(t.Context(), poor, Info(), settingsOf(bigquerytest.New(t, o)))
	if !fault.Is(err, fault.CodeSourceDenied) || !strings.Contains(fault.As(err).Hint(), "bq --location=LOCATION mk --force --dataset 'PROJECT_ID:millrace_planner'") {
		t.Errorf("%v\n%s", err, fault.As(err).Hint())
	}
}
