package chaos

import (
	"context"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
	"github.com/millrace/millrace/internal/query"
	"github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/value"
	"github.com/millrace/millrace/test/services"
)

// deaf is the weather in which a warehouse does what it is asked, and some answers are lost.
const deaf weather = "deaf"

var climates = []weather{fair, failing, deaf, slow}

// flakyWarehouse is the warehouse that has the model's rows and in which the Lightning engine plans. All workers share its
// connections.
type flakyWarehouse struct {
	connector.Warehouse

	world *world

	mu      sync.Mutex
	rnd     *rand.Rand
	weather weather
}

const plannerSchema = "millrace_planner"

// build makes the warehouse.
func (w *world) build() {
	w.t.Helper()
	address := services.Postgres(w.t)
	c, err := pgx.Connect(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	defer c.Close(context.Background()) //nolint:errcheck // a test's connection
	if _, err := c.Exec(w.t.Context(), "CREATE SCHEMA "+plannerSchema); err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		w.t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		w.t.Fatal(err)
	}
	info := postgres.Info()
	settings := connector.Settings{"host": u.Hostname(), "port": port, "database": strings.TrimPrefix(u.Path, "/"), "user": u.User.Username(), "sslMode": "disable"}
	s, err := info.Open(connector.SourceOptions{Settings: settings.WithDefaults(info.Fields)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = s.Close() }) //nolint:errcheck // the test is over
	w.warehouse = &flakyWarehouse{Warehouse: s.(connector.Warehouse), world: w, rnd: rand.New(rand.NewPCG(w.seed, 4)), weather: fair}
	w.bundle.ModelSpec.SQL = "SELECT * FROM shop.people"
	w.protocol()
	w.warehouse.fill()
}

// enlighten lets the source change to the Lightning engine.
func (w *world) enlighten() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bundle.SourceSpec.Engine = connector.EngineLightning
	w.note("   the source plans with the Lightning engine")
}

// climate is what the warehouse does in a step.
func (w *world) climate(step int) {
	if w.warehouse == nil {
		return
	}
	if step > 0 && step == w.enlightenAt {
		w.enlighten()
	}
	c := climates[w.rnd.IntN(len(climates))]
	w.warehouse.set(c)
	w.note("   the warehouse is %s", c)
}

func (h *flakyWarehouse) set(w weather) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.weather = w
}

// fill brings the model's rows into the warehouse. It waits for runs that read them, and holds nothing meanwhile.
func (h *flakyWarehouse) fill() {
	h.world.t.Helper()
	h.world.mu.Lock()
	r, err := h.world.reader()
	h.world.mu.Unlock()
	if err != nil {
		h.world.t.Fatal(err)
	}
	defer r.Release()
	if err := h.Warehouse.Load(h.world.t.Context(), query.TableRef{Schema: "shop", Name: "people"}, r); err != nil {
		h.world.t.Fatal(err)
	}
}

// do makes a call the way the weather lets it.
func (h *flakyWarehouse) do(call func() error) error {
	h.mu.Lock()
	w, struck := h.weather, h.rnd.IntN(12) == 0
	delay := h.rnd.IntN(20)
	h.mu.Unlock()
	h.world.mu.Lock()
	away := h.world.source
	h.world.mu.Unlock()
	switch {
	case away != nil:
		return away
	case w == failing && struck:
		return fault.New(fault.CodeSourceUnreachable, "the warehouse refuses the connection")
	case w == slow:
		pause(delay)
	}
	if err := call(); err != nil || w != deaf || !struck {
		return err
	}
	return fault.New(fault.CodeSourceUnreachable, "the warehouse has closed the connection")
}

// Describe fails as the weather says.
func (h *flakyWarehouse) Describe(ctx context.Context, q connector.Query) (s *arrow.Schema, err error) {
	err = h.do(func() error { s, err = h.Warehouse.Describe(ctx, q); return err })
	return s, err
}

// Query fails as the weather says.
func (h *flakyWarehouse) Query(ctx context.Context, q connector.Query) (r array.RecordReader, err error) {
	lost := h.do(func() error { r, err = h.Warehouse.Query(ctx, q); return err })
	if lost != nil && r != nil {
		r.Release()
	}
	return r, lost
}

// Load fails as the weather says.
func (h *flakyWarehouse) Load(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return h.do(func() error { return h.Warehouse.Load(ctx, table, r) })
}

// Append fails as the weather says.
func (h *flakyWarehouse) Append(ctx context.Context, table query.TableRef, r array.RecordReader) error {
	return h.do(func() error { return h.Warehouse.Append(ctx, table, r) })
}

// Execute fails as the weather says.
func (h *flakyWarehouse) Execute(ctx context.Context, commands ...connector.Query) (n int64, err error) {
	err = h.do(func() error { n, err = h.Warehouse.Execute(ctx, commands...); return err })
	return n, err
}

// Columns fails as the weather says.
func (h *flakyWarehouse) Columns(ctx context.Context, table query.TableRef) (s value.Schema, err error) {
	err = h.do(func() error { s, err = h.Warehouse.Columns(ctx, table); return err })
	return s, err
}

// OwnTables fails as the weather says.
func (h *flakyWarehouse) OwnTables(ctx context.Context, schema, prefix string) (names []string, err error) {
	err = h.do(func() error { names, err = h.Warehouse.OwnTables(ctx, schema, prefix); return err })
	return names, err
}

// Close leaves the connections to the test.
func (h *flakyWarehouse) Close() error { return nil }

// kept is how many tables the planner may leave: two for what was settled, and the two before them (SY-49).
const kept = 4

// check looks for tables that nothing needs any more. A run drops them after it has ended.
func (h *flakyWarehouse) check() {
	h.world.t.Helper()
	var names []string
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); pause(10) {
		var err error
		if names, err = h.Warehouse.OwnTables(h.world.t.Context(), plannerSchema, ""); err != nil {
			h.world.t.Fatal(err)
		}
		if len(names) <= kept {
			return
		}
	}
	slices.Sort(names)
	h.world.tell("the warehouse is left with the tables %v", names)
}
