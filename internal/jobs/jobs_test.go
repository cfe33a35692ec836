package jobs_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/db"
	"github.com/millrace/millrace/internal/db/dbtest"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/uptrace/bun"
)

type greet struct {
	Name string `json:"name" river:"unique"`
}

func (greet) Kind() string { return "greet" }

func open(t *testing.T, d *db.DB, workers int, got chan<- string) *jobs.Client {
	t.Helper()
	c := jobs.New(d, jobs.Config{Workers: workers, Log: slog.New(slog.DiscardHandler)})
	jobs.Register(c, func(_ context.Context, a greet) error { got <- a.Name; return nil })
	if err := c.Open(); err != nil {
		t.Fatal(err)
	}
	return c
}

func insert(t *testing.T, d *db.DB, c *jobs.Client, name string, fail error) {
	t.Helper()
	err := d.InTx(t.Context(), func(ctx context.Context, tx bun.Tx) error {
		return errors.Join(c.Insert(ctx, tx, greet{name}), fail)
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
}

func TestJobsFollowTheirTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		got := make(chan string, 10)
		c := open(t, d, 2, got)
		if err := c.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		insert(t, d, c, "lost", errors.New("rolled back"))
		insert(t, d, c, "kept", nil)
		select {
		case name := <-got:
			if name != "kept" {
				t.Errorf("got %s", name)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no job came")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestAWaitingJobIsNotAddedTwice(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := open(t, d, 0, nil)
		insert(t, d, c, "once", nil)
		insert(t, d, c, "once", nil)
		n, err := d.NewSelect().Table("river_job").Count(t.Context())
		if err != nil || n != 1 {
			t.Errorf("%d jobs: %v", n, err)
		}
	})
}

// A job whose process died is done again as soon as the next one starts, where there is only one.
func TestJobsOfADeadProcess(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	got := make(chan string, 10)
	c := open(t, d, 1, got)
	insert(t, d, c, "again", nil)
	if _, err := d.ExecContext(t.Context(), "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = CURRENT_TIMESTAMP"); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
	case <-time.After(15 * time.Second):
		t.Fatal("the job was not done again")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// With several processes, a job that a dead one had taken is done again when it is asked for again; one that was taken
// just now is left to whoever has it.
func TestAJobThatIsAskedForAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := open(t, d, 0, nil)
		insert(t, d, c, "again", nil)
		for _, tt := range []struct {
			taken time.Time
			want  string
		}{
			{time.Now(), "running"},
			{time.Now().Add(-time.Minute), "available"},
		} {
			if _, err := d.NewRaw("UPDATE river_job SET state = 'running', attempt = 1, attempted_at = ?", tt.taken.UTC()).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			insert(t, d, c, "again", nil)
			var states []string
			if err := d.NewSelect().Table("river_job").Column("state").Scan(t.Context(), &states); err != nil || len(states) != 1 || states[0] != tt.want {
				t.Errorf("taken at %s: %v, %v; want %s", tt.taken, states, err, tt.want)
			}
		}
	})
}
