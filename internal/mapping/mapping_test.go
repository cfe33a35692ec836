package mapping_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/mapping"
	"github.com/millrace/millrace/internal/value"
)

// people is the model of these tests.
var people = []model.Column{
	{Name: "id", Type: value.TypeNumber}, {Name: "name", Type: value.TypeString}, {Name: "first name", Type: value.TypeString},
	{Name: "age", Type: value.TypeString, Cast: value.TypeNumber}, {Name: "since", Type: value.TypeTimestamp},
	{Name: "cart", Type: value.TypeObject}, {Name: "address", Type: value.TypeObject},
}

// oneRow is a row of people; null text is null.
type oneRow struct{ name, first, age, cart, address string }

const null = "\x00"

var ann = oneRow{
	name: "O'Brien", first: "Ann", age: "42",
	cart:    `[{"item_id":"542","quantity":50,"note":null},{"item_id":"7","tags":[{"t":"x"},{"t":"y"}]}]`,
	address: `{"city":"Rome","zip":"00184"}`,
}

func schemaOfPeople() *arrow.Schema {
	object := arrow.NewMetadata([]string{value.MetaType}, []string{string(value.TypeObject)})
	return arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "name", Type: arrow.BinaryTypes.String}, {Name: "first name", Type: arrow.BinaryTypes.String},
		{Name: "age", Type: arrow.BinaryTypes.String}, {Name: "since", Type: &arrow.TimestampType{Unit: arrow.Microsecond}},
		{Name: "cart", Type: arrow.BinaryTypes.String, Metadata: object}, {Name: "address", Type: arrow.BinaryTypes.String, Metadata: object},
	}, nil)
}

// bind makes the row readable through a mapping.
func bind(t testing.TB, m *mapping.Mapping, r oneRow) *mapping.Binding {
	t.Helper()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schemaOfPeople())
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(7)
	for i, text := range []string{r.name, r.first, r.age} {
		appendText(b.Field(i+1), text)
	}
	b.Field(4).(*array.TimestampBuilder).Append(arrow.Timestamp(noon.UnixMicro()))
	appendText(b.Field(5), r.cart)
	appendText(b.Field(6), r.address)
	return bindBatch(t, m, b.NewRecordBatch())
}

func appendText(b array.Builder, text string) {
	if text == null {
		b.AppendNull()
		return
	}
	b.(*array.StringBuilder).Append(text)
}

func bindBatch(t testing.TB, m *mapping.Mapping, batch arrow.RecordBatch) *mapping.Binding {
	t.Helper()
	schema, err := value.SchemaOf(batch.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var readers []value.Reader
	for i, f := range batch.Schema().Fields() {
		r, err := value.NewReader(f, batch.Column(i))
		if err != nil {
			t.Fatal(err)
		}
		readers = append(readers, r)
	}
	binding := m.Bind(schema, readers, &mapping.Variables{ModelID: 5, ModelName: "People", SyncID: 77, RunID: 901, Now: noon})
	binding.Row(0, connector.Changed)
	return binding
}

func compile(t testing.TB, mappings ...sync.Mapping) *mapping.Mapping {
	t.Helper()
	m, err := mapping.Compile(mapping.Input{Columns: people, PrimaryKey: "id", Mappings: mappings})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func fields(names ...string) []sync.Mapping {
	all := make([]sync.Mapping, len(names))
	for i, n := range names {
		from, to, _ := strings.Cut(n, ">")
		all[i] = sync.Mapping{From: from, To: to}
	}
	return all
}

// Req: SY-22, SY-24, SY-26, SY-27, SY-33, SY-34, M-06, M-12, M-25, SY-97, FLD-32
func TestValues(t *testing.T) {
	t.Parallel()
	static := func(v value.Value) sync.Mapping { return sync.Mapping{To: "f", Kind: sync.FromStatic, Value: v} }
	variable := func(name string) sync.Mapping { return sync.Mapping{To: "f", Kind: sync.FromVariable, Variable: name} }
	template := func(text string) sync.Mapping { return sync.Mapping{To: "f", Kind: sync.FromTemplate, Template: text} }
	object := func(members ...sync.Mapping) sync.Mapping {
		return sync.Mapping{To: "f", Kind: sync.FromObject, Fields: members}
	}
	list := func(from string, members ...sync.Mapping) sync.Mapping {
		return sync.Mapping{To: "f", Kind: sync.FromArray, From: from, Fields: members}
	}
	tests := []struct {
		name    string
		mapping sync.Mapping
		want    string // as JSON
	}{
		{"a column", sync.Mapping{To: "f", From: "name"}, `"O'Brien"`},
		{"the primary key is text", sync.Mapping{To: "f", From: "id"}, `"7"`},
		{"a cast column", sync.Mapping{To: "f", From: "age"}, `42`},
		{"an instant", sync.Mapping{To: "f", From: "since"}, `"2026-03-01T12:00:00.000Z"`},
		{"an object as it is", sync.Mapping{To: "f", From: "address"}, `{"city":"Rome","zip":"00184"}`},

		{"static text", static(value.OfText("USD")), `"USD"`},
		{"static number", static(value.OfInt(3)), `3`},
		{"static boolean", static(value.OfBool(false)), `false`},
		{"static null", static(value.Value{}), `null`},

		{"model-id is text", variable("model-id"), `"5"`},
		{"model-name", variable("model-name"), `"People"`},
		{"sync-id", variable("sync-id"), `"77"`},
		{"sync-run-id", variable("sync-run-id"), `"901"`},
		{"operation", variable("operation"), `"changed"`},
		{"current-timestamp", variable("current-timestamp"), `"2026-03-01T12:00:00.000Z"`},

		{"a template's text", template("{{ row['first name'] }} {{ name }}"), `"Ann O'Brien"`},
		{"a template's number stays one", template("{{ age | plus: 1 }}"), `43`},
		{"a template's boolean", template("{% assign grown = false %}{% if row.age >= 18 %}{% assign grown = true %}{% endif %}{{ grown }}"), `true`},
		{"a template's null", template("{{ null }}"), `null`},
		{"a template's array", template("{{ '[]' | parse }}"), `[]`},
		{"a template's object", template("{{ row.address }}"), `{"city":"Rome","zip":"00184"}`},
		{"a property in a template", template("{{ row.address.city }}"), `"Rome"`},
		{"context in a template", template("{{ context['sync_run_id'] }}-{{ context.operation }}"), `"901-changed"`},
		{"the key is text in a template", template("{{ row.id }}"), `"7"`},

		{"an object", object(sync.Mapping{To: "email", From: "name"}, sync.Mapping{To: "shipping", Kind: sync.FromObject, Fields: fields("address>address", "first name>who")}),
			`{"email":"O'Brien","shipping":{"address":{"city":"Rome","zip":"00184"},"who":"Ann"}}`},
		{"an array: absent stays absent, null is sent", list("cart", append(fields("item_id>id", "quantity>n", "note>note"), sync.Mapping{To: "currency", Kind: sync.FromStatic, Value: value.OfText("USD")})...),
			`[{"id":"542","n":50,"note":null,"currency":"USD"},{"id":"7","currency":"USD"}]`},
		{"an array without nulls", list("cart", sync.Mapping{To: "note", From: "note", OmitNull: true}, sync.Mapping{To: "id", From: "item_id"}),
			`[{"id":"542"},{"id":"7"}]`},
		{"an object of an item's properties", list("cart", sync.Mapping{To: "product", Kind: sync.FromObject, Fields: fields("item_id>sku", "quantity>n")}),
			`[{"product":{"sku":"542","n":50}},{"product":{"sku":"7"}}]`},
		{"an array in an item", list("cart", sync.Mapping{To: "labels", Kind: sync.FromArray, From: "tags", Fields: fields("t>label")}),
			`[{},{"labels":[{"label":"x"},{"label":"y"}]}]`},
		{"a template in an item sees the row", list("cart", sync.Mapping{To: "who", Kind: sync.FromTemplate, Template: "{{ name }}"}),
			`[{"who":"O'Brien"},{"who":"O'Brien"}]`},
	}
	for _, tt := range tests {
		got, err := bind(t, compile(t, tt.mapping), ann).Values(nil)
		if err != nil || len(got) != 1 || string(got[0].AppendJSON(nil)) != tt.want {
			t.Errorf("%s: %v, %v; want %s", tt.name, jsonOf(got), err, tt.want)
		}
	}
}

func jsonOf(values []value.Value) []string {
	var all []string
	for _, v := range values {
		all = append(all, string(v.AppendJSON(nil)))
	}
	return all
}

// A null is sent, unless the mapping says that it is left out: the destination leaves it out by TargetColumn.Omit,
// objects and arrays leave it out themselves.
//
// Req: SY-25, SY-34
func TestNulls(t *testing.T) {
	t.Parallel()
	m := compile(t,
		sync.Mapping{To: "sent", From: "name"}, sync.Mapping{To: "left out", From: "name", OmitNull: true},
		sync.Mapping{To: "object", Kind: sync.FromObject, Fields: []sync.Mapping{{To: "sent", From: "name"}, {To: "left out", From: "name", OmitNull: true}}},
		sync.Mapping{To: "array", Kind: sync.FromArray, From: "cart", Fields: fields("a>a")})
	if c := m.Columns(); c[0].Omit || !c[1].Omit {
		t.Errorf("%+v", c)
	}
	row := ann
	row.name, row.cart = null, null
	got, err := bind(t, m, row).Values(nil)
	if want := []string{`null`, `null`, `{"sent":null}`, `null`}; err != nil || !slices.Equal(jsonOf(got), want) {
		t.Errorf("%v, %v; want %v", jsonOf(got), err, want)
	}
}

// What is sent of null, empty and absent values, for each choice of a mapping.
//
// Req: FLD-19, SY-25
func TestNullPolicies(t *testing.T) {
	t.Parallel()
	row := ann
	row.cart = `[{"v":null},{"v":""},{}]`
	for _, tt := range []struct {
		name string
		with func(m sync.Mapping) sync.Mapping
		// Of the fields a (null) and b (empty), of an object of both, and of items that are null, empty and absent.
		want []string
		omit bool
	}{
		{"send", func(m sync.Mapping) sync.Mapping { return m }, []string{`null`, `""`, `{"a":null,"b":""}`, `[{"v":null},{"v":""},{}]`}, false},
		{"skip", func(m sync.Mapping) sync.Mapping { m.OmitNull = true; return m }, []string{`null`, `""`, `{"b":""}`, `[{},{"v":""},{}]`}, true},
		{"clear", func(m sync.Mapping) sync.Mapping { m.ClearNull = true; return m }, []string{`"-"`, `""`, `{"a":"-","b":""}`, `[{"v":"-"},{"v":""},{}]`}, false},
	} {
		field := func(to, template string) sync.Mapping {
			return tt.with(sync.Mapping{To: to, Kind: sync.FromTemplate, Template: template})
		}
		in := mapping.Input{Columns: people, PrimaryKey: "id", Clear: value.OfText("-"), Mappings: []sync.Mapping{
			tt.with(sync.Mapping{To: "a", From: "name"}), field("b", "{{ '' }}"),
			{To: "o", Kind: sync.FromObject, Fields: []sync.Mapping{field("a", "{{ nil }}"), field("b", "{{ '' }}")}},
			{To: "l", Kind: sync.FromArray, From: "cart", Fields: []sync.Mapping{tt.with(sync.Mapping{To: "v", From: "v"})}},
		}}
		m, err := mapping.Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		row.name = null
		got, err := bind(t, m, row).Values(nil)
		if err != nil || !slices.Equal(jsonOf(got), tt.want) || m.Columns()[0].Omit != tt.omit {
			t.Errorf("%s: %v, %v, left out %t; want %v", tt.name, jsonOf(got), err, m.Columns()[0].Omit, tt.want)
		}
	}
}

// What a destination clears with changes what is sent, and so the mapping.
//
// Req: SY-36
func TestHashOfClearing(t *testing.T) {
	t.Parallel()
	hash := func(with value.Value, m sync.Mapping) string {
		c, err := mapping.Compile(mapping.Input{Columns: people, PrimaryKey: "id", Clear: with, Mappings: []sync.Mapping{m}})
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash()
	}
	plain, clears := sync.Mapping{To: "a", From: "name"}, sync.Mapping{To: "a", From: "name", ClearNull: true}
	empty := value.OfText("")
	if hash(empty, clears) == hash(value.Value{}, clears) || hash(empty, plain) != hash(value.Value{}, plain) || hash(empty, plain) == hash(empty, clears) {
		t.Error("the hash does not follow what is sent")
	}
}

// A row that cannot be mapped is refused with the field and the reason, and the next one is mapped.
//
// Req: M-28, SY-28, SY-30, FLD-08
func TestRowsThatCannotBeMapped(t *testing.T) {
	t.Parallel()
	bad := ann
	bad.age = "123.12345678910"
	tests := []struct {
		name    string
		mapping sync.Mapping
		row     oneRow
		says    string
	}{
		{"a cast", sync.Mapping{To: "years", From: "age"}, bad, `field "years": Imprecise conversion`},
		{"a cast in a template", sync.Mapping{To: "years", Kind: sync.FromTemplate, Template: "{{ row.age }}"}, bad, `field "years": Imprecise conversion`},
		{"a cast in a template that hides it", sync.Mapping{To: "years", Kind: sync.FromTemplate, Template: "{{ age | default: 0 }}"}, bad, "Imprecise conversion"},
		{"a cast in an object", sync.Mapping{To: "o", Kind: sync.FromObject, Fields: fields("age>years")}, bad, `field "o": field "years": Imprecise conversion`},
		{"a rejecting filter", sync.Mapping{To: "mail", Kind: sync.FromTemplate, Template: "{{ name | validate_email }}"}, ann, `field "mail"`},
		{"an array of no array", sync.Mapping{To: "a", Kind: sync.FromArray, From: "address", Fields: fields("x>x")}, ann, "does not hold an array"},
	}
	for _, tt := range tests {
		m := compile(t, tt.mapping)
		_, err := bind(t, m, tt.row).Values(nil)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.says)
		}
		if err != nil && strings.Contains(err.Error(), bad.age) {
			t.Errorf("%s: the reason tells the value: %v", tt.name, err)
		}
	}
	m := compile(t, sync.Mapping{To: "years", Kind: sync.FromTemplate, Template: "{{ age }}"})
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "age", Type: arrow.BinaryTypes.String}}, nil))
	b.Field(0).(*array.StringBuilder).AppendValues([]string{"old", "42"}, nil)
	binding := bindBatch(t, m, b.NewRecordBatch())
	if _, err := binding.Values(nil); err == nil {
		t.Error("the first row was mapped")
	}
	binding.Row(1, connector.Added)
	if got, err := binding.Values(nil); err != nil || jsonOf(got)[0] != "42" {
		t.Errorf("the row after a refused one: %v, %v", got, err)
	}
}

// Req: SY-21
func TestMatch(t *testing.T) {
	t.Parallel()
	m, err := mapping.Compile(mapping.Input{
		Columns: people, PrimaryKey: "id", Mappings: fields("name>name"),
		Match: []connector.MatchPair{{From: "id", To: "Id"}, {From: "age", To: "Age"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bind(t, m, ann).Match(nil); err != nil || !slices.Equal(jsonOf(got), []string{`"7"`, `42`}) {
		t.Errorf("%v, %v", jsonOf(got), err)
	}
	row := ann
	row.age = null
	if _, err := bind(t, m, row).Match(nil); !fault.Is(err, fault.CodeMappingReject) || !strings.Contains(err.Error(), `"age"`) {
		t.Errorf("a null match: %v", err)
	}
}

// Every problem is reported at once, each at its path.
//
// Req: SY-35, SY-37
func TestCompileReportsEveryProblem(t *testing.T) {
	t.Parallel()
	deep := sync.Mapping{To: "a", Kind: sync.FromObject, Fields: []sync.Mapping{{To: "b", Kind: sync.FromObject, Fields: []sync.Mapping{{To: "c", Kind: sync.FromObject}}}}}
	deepItems := sync.Mapping{To: "a", Kind: sync.FromArray, From: "cart", Fields: []sync.Mapping{{To: "b", Kind: sync.FromArray, From: "x", Fields: []sync.Mapping{{To: "c", Kind: sync.FromObject}}}}}
	_, err := mapping.Compile(mapping.Input{
		Columns: people, PrimaryKey: "id",
		Mappings: []sync.Mapping{
			{To: "a", From: "nam"}, {To: "b", Kind: sync.FromVariable, Variable: "sync_id"}, {To: "c", Kind: sync.FromTemplate, Template: "{{ name "},
			{To: "d", Kind: "formula"}, deep, deepItems, {To: "e", Kind: sync.FromObject, Fields: fields("nope>x")},
		},
		Match: []connector.MatchPair{{From: "mail", To: "mail"}},
	})
	for _, want := range []string{
		`spec.mappings[0].from: Unknown field name: the model has no column "nam"`, `spec.mappings[1].variable: there is no variable "sync_id"`,
		`spec.mappings[2].template: `, `spec.mappings[3].kind: there is no kind of mapping "formula"`,
		`spec.mappings[4].fields[0].fields[0]: inline objects and arrays nest at most 2 deep`,
		`spec.mappings[5].fields[0].fields[0]: inline objects and arrays nest at most 2 deep`,
		`spec.mappings[6].fields[0].from: Unknown field name`, `spec.match[0].from: Unknown field name: the model has no column "mail"`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q: %v", want, err)
		}
	}
}

// Only what a mapping reads is read and compared; a template that computes names reads everything.
//
// Req: SY-40
func TestReferenced(t *testing.T) {
	t.Parallel()
	all := make([]string, len(people))
	for i, c := range people {
		all[i] = c.Name
	}
	tests := []struct {
		name string
		in   mapping.Input
		want []string
	}{
		{"a column and the key", mapping.Input{Mappings: fields("name>x")}, []string{"id", "name"}},
		{"matching", mapping.Input{Mappings: fields("name>x"), Match: []connector.MatchPair{{From: "age", To: "a"}}}, []string{"id", "name", "age"}},
		{"a template", mapping.Input{Mappings: []sync.Mapping{{To: "x", Kind: sync.FromTemplate, Template: "{{ row['first name'] }}{{ since }}"}}}, []string{"id", "first name", "since"}},
		{"a template with a computed name", mapping.Input{Mappings: []sync.Mapping{{To: "x", Kind: sync.FromTemplate, Template: "{% assign c = 'name' %}{{ row[c] }}"}}}, all},
		{"an array", mapping.Input{Mappings: []sync.Mapping{{To: "x", Kind: sync.FromArray, From: "cart", Fields: fields("name>y")}}}, []string{"id", "cart"}},
		{"a destination that sees whole rows", mapping.Input{Everything: true}, all},
		{"every column under its own name", mapping.Input{AllColumns: true}, all},
	}
	for _, tt := range tests {
		tt.in.Columns, tt.in.PrimaryKey = people, "id"
		m, err := mapping.Compile(tt.in)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if !slices.Equal(m.Referenced(), tt.want) || !slices.Equal(m.Compared(), tt.want) {
			t.Errorf("%s: %v, compared %v; want %v", tt.name, m.Referenced(), m.Compared(), tt.want)
		}
	}
}

// The hash changes with what is sent, and with nothing else.
//
// Req: SY-36
func TestHash(t *testing.T) {
	t.Parallel()
	base := func() mapping.Input {
		return mapping.Input{Columns: slices.Clone(people), PrimaryKey: "id", Mappings: fields("name>x", "age>y")}
	}
	hash := func(change func(in *mapping.Input)) string {
		in := base()
		change(&in)
		m, err := mapping.Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		return m.Hash()
	}
	was := hash(func(*mapping.Input) {})
	for name, change := range map[string]func(in *mapping.Input){
		"an unmapped column's type":     func(in *mapping.Input) { in.Columns[4].Type = value.TypeString },
		"the order of the columns":      func(in *mapping.Input) { slices.Reverse(in.Columns) },
		"a column that nothing maps":    func(in *mapping.Input) { in.Columns = append(in.Columns, model.Column{Name: "new"}) },
		"a description":                 func(in *mapping.Input) { in.Columns[1].Description = "d" },
		"the source's name of the type": func(in *mapping.Input) { in.Columns[1].Native = "varchar(20)" },
	} {
		if hash(change) != was {
			t.Errorf("%s counts as a change of the mapping", name)
		}
	}
	for name, change := range map[string]func(in *mapping.Input){
		"a mapped column's type": func(in *mapping.Input) { in.Columns[1].Type = value.TypeObject },
		"its cast":               func(in *mapping.Input) { in.Columns[3].Cast = "" },
		"another column":         func(in *mapping.Input) { in.Mappings[0].From = "first name" },
		"another field":          func(in *mapping.Input) { in.Mappings[0].To = "z" },
		"the null policy":        func(in *mapping.Input) { in.Mappings[0].OmitNull = true },
		"a static value": func(in *mapping.Input) {
			in.Mappings = append(in.Mappings, sync.Mapping{To: "s", Kind: sync.FromStatic, Value: value.OfInt(1)})
		},
		"the match": func(in *mapping.Input) { in.Match = []connector.MatchPair{{From: "name", To: "x"}} },
	} {
		if hash(change) == was {
			t.Errorf("%s does not count as a change of the mapping", name)
		}
	}
}

// Req: SY-37, M-06, M-25
func TestEveryColumnUnderItsOwnName(t *testing.T) {
	t.Parallel()
	m, err := mapping.Compile(mapping.Input{Columns: people, PrimaryKey: "id", AllColumns: true})
	if err != nil {
		t.Fatal(err)
	}
	b := bind(t, m, ann)
	values, err := b.Values(nil)
	if err != nil {
		t.Fatal(err)
	}
	source, err := b.Source(nil)
	if err != nil || !slices.Equal(jsonOf(values), jsonOf(source)) {
		t.Errorf("mapped %v, whole rows %v, %v", jsonOf(values), jsonOf(source), err)
	}
	schema, err := value.SchemaOf(schemaOfPeople())
	if err != nil {
		t.Fatal(err)
	}
	typed := m.SourceSchema(schema)
	for i, c := range m.Columns() {
		if c.Name != people[i].Name || c.From != c.Name || c.Type != typed[i].Type {
			t.Errorf("%+v, and %+v in whole rows", c, typed[i])
		}
	}
	if typed[0].Type != value.TypeString || typed[3].Type != value.TypeNumber || schema[0].Type != value.TypeNumber {
		t.Errorf("the key is text, and age is cast: %+v; the model's own are %+v", typed, schema)
	}
}

// A column that rows of an older run do not have reads as null.
func TestRowsFromBeforeAColumnExisted(t *testing.T) {
	t.Parallel()
	m := compile(t, fields("name>x", "since>y")...)
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{{Name: "name", Type: arrow.BinaryTypes.String}}, nil))
	b.Field(0).(*array.StringBuilder).Append("Ann")
	got, err := bindBatch(t, m, b.NewRecordBatch()).Values(nil)
	if err != nil || fmt.Sprint(jsonOf(got)) != `["Ann" null]` {
		t.Errorf("%v, %v", jsonOf(got), err)
	}
}
