package destinationtest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/value"
)

// members is an audience in memory: the smallest destination with identifiers.
type members struct {
	mu  sync.Mutex
	all map[string]Record
}

func (m *members) Test(context.Context) error    { return nil }
func (m *members) Check(connector.SyncJob) error { return nil }
func (m *members) Close() error                  { return nil }

func (m *members) Begin(_ context.Context, job connector.SyncJob) (connector.Session, error) {
	return memberSession{m, job}, nil
}

type memberSession struct {
	members *members
	job     connector.SyncJob
}

func (s memberSession) Finish(context.Context) error { return nil }
func (s memberSession) Close() error                 { return nil }

func (s memberSession) Clear(context.Context) error {
	s.members.mu.Lock()
	defer s.members.mu.Unlock()
	clear(s.members.all)
	return nil
}

func (s memberSession) Limits() connector.Limits {
	return connector.Limits{Rows: 4, Concurrency: 1, Idempotency: connector.Idempotent, NeedBefore: true}
}

func (s memberSession) Write(_ context.Context, b *connector.Batch) (connector.Result, error) {
	s.members.mu.Lock()
	defer s.members.mu.Unlock()
	b.Record(connector.Exchange{Method: "TEST", URL: "memory:", StartedAt: time.Now()})
	for _, row := range b.Rows {
		name := memberText(s.job, func(i int) value.Value { return row.Values[i] })
		if b.Operation == connector.Removed {
			delete(s.members.all, name)
			continue
		}
		record := Record{}
		for i, c := range s.job.Columns {
			record[c.Name] = row.Values[i]
		}
		s.members.all[name] = record
	}
	return connector.Result{}, nil
}

// The suite's own audience passes it.
//
// Req: SY-13, SY-92
func TestAudience(t *testing.T) {
	t.Parallel()
	m := &members{all: map[string]Record{}}
	f := Fixture{
		Info: connector.DestinationInfo{
			Slug: "members", Name: "Members", Category: "test", Summary: "An audience in memory",
			SyncTypes: []connector.SyncType{{
				Slug: "audience", Name: "Audience", Modes: []connector.Mode{connector.ModeUpsert}, Compare: connector.CompareMapped,
				Clears:      true,
				Identifiers: connector.Identifiers{{"email"}, {"phone"}, {"first_name", "last_name"}},
			}},
			Open: func(connector.DestinationOptions) (connector.Destination, error) { return m, nil },
		},
		Audience: func(*testing.T) Target {
			job := connector.SyncJob{Type: "audience", Mode: connector.ModeUpsert, Delete: connector.DeleteRecord, Columns: []connector.TargetColumn{
				{Name: "email", Type: value.TypeString}, {Name: "phone", Type: value.TypeString}, {Name: "first_name", Type: value.TypeString},
			}}
			return Target{Job: job, Read: func(*testing.T) (all []Record) {
				m.mu.Lock()
				defer m.mu.Unlock()
				for _, r := range m.all {
					all = append(all, r)
				}
				return all
			}}
		},
	}
	testDescription(t, f)
	testAudience(t, f)
}
