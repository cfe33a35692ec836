package app

import (
	"context"
	"time"

	"github.com/millrace/millrace/internal/alert"
	"github.com/millrace/millrace/internal/alert/notify"
	"github.com/millrace/millrace/internal/engine/sync/watch"
	"github.com/millrace/millrace/internal/jobs"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/uptrace/bun"
)

// How often a process asks whether there is something to evaluate, to send, to remove.
const (
	pulseTick  = 5 * time.Second
	noticeTick = time.Second
)

// alerts is what tells people that something is wrong. Every process has it, those that only serve the API too: when
// no worker is left, somebody must say so.
type alerts struct {
	*process

	store      *alert.Store
	watcher    *watch.Watcher
	sender     *notify.Sender
	dispatcher *alert.Dispatcher
}

func newAlerts(p *process) *alerts {
	a := &alerts{process: p, store: alert.NewStore(p.db, p.clock)}
	a.watcher = &watch.Watcher{Documents: p.documents, Runs: p.runs, Alerts: a.store, Clock: p.clock, Log: p.log}
	p.documents.OnDelete(func(ctx context.Context, tx bun.Tx, sc resource.Scope, d resource.Document) error {
		if d.Kind != watch.Kind {
			return nil
		}
		return a.store.Forget(ctx, tx, watch.Subject(sc.WorkspaceID, d), alerting.SyncTypes)
	})
	return a
}

// open makes what sends notices, whose links begin with the base URL.
func (a *alerts) open(base string) (err error) {
	c := a.Config
	a.sender, err = notify.New(notify.Options{
		Network: networkOf(c), Public: base, Clock: a.clock,
		Mail: notify.Mail{Host: c.SMTPHost, Port: c.SMTPPort, User: c.SMTPUser, Password: c.SMTPPassword, From: c.SMTPFrom, TLS: c.SMTPTLS},
	})
	a.dispatcher = &alert.Dispatcher{Store: a.store, Channels: channels{a.documents}, Sender: a.sender, Log: a.log}
	return err
}

// start begins to evaluate and to send. What it returns stops both.
func (a *alerts) start(ctx context.Context) (stop func()) {
	alive := context.WithoutCancel(ctx)
	loops := []*jobs.Loop{
		jobs.StartLoop(alive, pulseTick, a.watcher.Pulse),
		jobs.StartLoop(alive, noticeTick, a.dispatcher.Sweep),
		jobs.StartLoop(alive, expireEvery, a.expire),
	}
	return func() {
		for _, l := range loops {
			l.Stop()
		}
	}
}

func (a *alerts) expire(ctx context.Context) {
	if err := a.store.Expire(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("removing old alerts", "error", err)
	}
}

// channels reads alert channels for sending.
type channels struct{ store *resource.Store }

var _ alert.Channels = channels{}

// Channel returns a channel with its secrets in place.
func (c channels) Channel(ctx context.Context, workspaceID int64, slug string) (channel.Spec, error) {
	d, err := c.store.Resolve(ctx, resource.Scope{WorkspaceID: workspaceID, Actor: engineActor}, alerting.ChannelKind, slug)
	if err != nil {
		return channel.Spec{}, err
	}
	return *d.Spec.(*channel.Spec), nil //nolint:forcetypeassert // the kind's own spec
}
