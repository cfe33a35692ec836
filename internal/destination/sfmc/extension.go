package sfmc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/connector/manifest"
	"github.com/millrace/millrace/internal/destination/file"
	"github.com/millrace/millrace/internal/fault"
)

// Where rows go.
const (
	targetExisting = "existing"
	targetNew      = "new"
)

// extension is the data extension that a run fills.
type extension struct {
	run *manifest.Run

	mu  sync.Mutex
	key string // its customer key, once it is known that it is as the sync wants it
}

// get returns the customer key. The first one who asks makes the data extension, its new fields and its retention.
func (x *extension) get(ctx context.Context) (string, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.key != "" {
		return x.key, nil
	}
	key, err := x.prepare(ctx)
	if err != nil {
		if class := fault.ClassOf(err); class == fault.Permanent || class == fault.Unknown {
			err = fault.Reclass(err, fault.Fatal) // it is about no row
		}
		return "", err
	}
	x.key = key
	return key, nil
}

func (x *extension) prepare(ctx context.Context) (string, error) {
	if _, err := x.run.Token(ctx); err != nil { // before the state is held: a new token is kept there as well
		return "", err
	}
	settings := x.run.Job().Settings
	if settings.Text("target") != targetNew {
		key := settings.Text("key")
		return key, x.retain(ctx, key)
	}
	fresh := false
	key, err := x.run.State().Update(ctx, x.stateKey("data extension", settings.Text("name"), settings.Text("folder")), func(ctx context.Context, old string) (string, error) {
		if old != "" {
			return old, nil
		}
		fresh = true
		return x.create(ctx)
	})
	if err != nil || fresh {
		return key, err
	}
	if err := x.extend(ctx, key); err != nil {
		return "", err
	}
	return key, x.retain(ctx, key)
}

// stateKey names something that is known of the sync with some settings.
func (x *extension) stateKey(what string, settings ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(settings, "\x00")))
	return what + " of " + strconv.FormatInt(x.run.Job().SyncID, 10) + " " + hex.EncodeToString(sum[:8])
}

// create makes the data extension in its folder. Its name is its customer key as well.
// https://developer.salesforce.com/docs/marketing/marketing-cloud/guide/creating_a_data_extension_using_web_service_api.html
func (x *extension) create(ctx context.Context) (string, error) {
	job := x.run.Job()
	folders, name, err := placeOf(job)
	if err != nil {
		return "", err
	}
	fields, err := fieldsOf(job)
	if err != nil {
		return "", err
	}
	category, err := x.folder(ctx, job.Settings.Text("folder"), folders)
	if err != nil {
		return "", err
	}
	list := element("Fields")
	for _, f := range fields {
		list.Nodes = append(list.Nodes, f.node())
	}
	nodes := append([]*node{leaf("CustomerKey", name), leaf("Name", name)}, sendable(job.Settings)...)
	nodes = append(nodes, retention(job.Settings)...)
	nodes = append(nodes, list, period(job.Settings), leaf("CategoryID", category))
	answer, err := call(ctx, x.run, "Create", element("CreateRequest", object("Objects", "DataExtension", nodes...)))
	if err != nil {
		return "", err
	}
	if err := done(answer.all("Results")); err != nil {
		return "", fault.Wrap(err, fault.CodeDestinationSchema, "making the data extension %s", name).
			WithSuggestion("Where one of this name exists, choose another name, or sync to the one that exists. Otherwise look at the types of the fields, and at the package's permission to write data extensions.")
	}
	return name, nil
}

// placeOf returns the folders and the name of a data extension that is made.
func placeOf(job connector.SyncJob) (folders []string, name string, err error) {
	text := job.Settings.Text("name")
	if text == "" {
		text = "{model.name}"
	}
	full, err := file.Name(text, job)
	if err != nil {
		return nil, "", err
	}
	parts := slices.DeleteFunc(strings.Split(full, "/"), func(p string) bool { return strings.TrimSpace(p) == "" })
	if len(parts) == 0 {
		return nil, "", fault.New(fault.CodeInvalid, "%q has no name of a data extension", text)
	}
	return parts[:len(parts)-1], parts[len(parts)-1], nil
}

// sendable says to whom messages go that are sent to the data extension.
func sendable(s connector.Settings) []*node {
	set, _ := s["sendable"].(bool)
	if !set {
		return []*node{flag("IsSendable", false)}
	}
	testable, _ := s["testable"].(bool)
	return []*node{
		flag("IsSendable", true), flag("IsTestable", testable),
		element("SendableDataExtensionField", leaf("Name", s.Text("sendField"))),
		element("SendableSubscriberField", leaf("Name", s.Text("sendTo"))),
	}
}

// What is deleted at the end of the retention period.
const (
	retainNothing  = "none" // there is no policy, or it stays as it is
	retainAll      = "extension"
	retainRecords  = "records"
	retainEachItem = "each"
)

// retention is the policy of a data extension, without the unit of its period, which stands elsewhere.
func retention(s connector.Settings) []*node {
	what := s.Text("retention")
	if what == retainNothing || what == "" {
		return nil
	}
	reset, _ := s["retentionReset"].(bool)
	return []*node{
		leaf("DataRetentionPeriodLength", s.Text("retentionDays")), flag("RowBasedRetention", what == retainEachItem),
		flag("ResetRetentionPeriodOnImport", reset), flag("DeleteAtEndOfRetentionPeriod", what == retainAll),
	}
}

// period is the unit of the retention period.
func period(s connector.Settings) *node {
	if len(retention(s)) == 0 {
		return nil
	}
	return leaf("DataRetentionPeriod", "Days")
}

// retain gives a data extension that exists the sync's policy, once. Without one, it is left alone.
func (x *extension) retain(ctx context.Context, key string) error {
	s := x.run.Job().Settings
	policy := retention(s)
	if len(policy) == 0 {
		return nil
	}
	state := x.stateKey("retention", key, s.Text("retention"), s.Text("retentionDays"), s.Text("retentionReset"))
	_, err := x.run.State().Update(ctx, state, func(ctx context.Context, old string) (string, error) {
		if old != "" {
			return old, nil
		}
		nodes := append([]*node{leaf("CustomerKey", key)}, policy...)
		return "set", x.update(ctx, "setting the retention of "+key, append(nodes, period(s))...)
	})
	return err
}

// update changes a data extension.
func (x *extension) update(ctx context.Context, doing string, nodes ...*node) error {
	answer, err := call(ctx, x.run, "Update", element("UpdateRequest", object("Objects", "DataExtension", nodes...)))
	if err != nil {
		return harmless(err)
	}
	if err := done(answer.all("Results")); err != nil {
		return fault.Wrap(err, fault.CodeDestinationSchema, "%s", doing).
			WithSuggestion("The data extension must be there, and the package needs the permission to write data extensions and to manage their retention.")
	}
	return nil
}

// extend adds the fields that were mapped since the data extension was made. None is taken away.
func (x *extension) extend(ctx context.Context, key string) error {
	wanted, err := fieldsOf(x.run.Job())
	if err != nil {
		return err
	}
	have, err := retrieve(ctx, x.run, "DataExtensionField", []string{"Name"}, equals("DataExtension.CustomerKey", key))
	if err != nil {
		return err
	}
	if len(have) == 0 {
		return fault.New(fault.CodeDestinationSchema, "the data extension %s, which the sync made, is not there any more", key).
			WithSuggestion("Somebody deleted it. Give the sync another name for it, and it is made anew.")
	}
	list := element("Fields")
	for _, f := range wanted {
		known := slices.ContainsFunc(have, func(n *node) bool { return strings.EqualFold(n.text("Name"), f.Name) })
		if known {
			continue
		}
		if f.Key {
			return fault.New(fault.CodeDestinationSchema, "the primary key of the data extension %s cannot change, and %s is not a part of it", key, f.Name).
				WithSuggestion("Match rows by the fields that it was made with, or give the sync another name for a new one.")
		}
		list.Nodes = append(list.Nodes, f.node())
	}
	if len(list.Nodes) == 0 {
		return nil
	}
	return x.update(ctx, "adding fields to "+key, leaf("CustomerKey", key), list)
}

// folderKind is what folders of data extensions are called.
const folderKind = "dataextension"

// folder returns the id of the last of some folders below another one, and makes those that are not there.
func (x *extension) folder(ctx context.Context, parent string, names []string) (string, error) {
	if len(names) == 0 {
		return parent, nil
	}
	have, err := folders(ctx, x.run)
	if err != nil {
		return "", err
	}
	if parent == "" {
		parent = root(have)
	}
	for _, name := range names {
		at := slices.IndexFunc(have, func(n *node) bool {
			return n.text("ParentFolder", "ID") == parent && strings.EqualFold(n.text("Name"), name)
		})
		if at >= 0 {
			parent = have[at].text("ID")
			continue
		}
		if parent, err = x.makeFolder(ctx, parent, name); err != nil {
			return "", err
		}
	}
	return parent, nil
}

// root is the folder that all others are in.
func root(have []*node) string {
	at := slices.IndexFunc(have, func(n *node) bool { return n.text("ParentFolder", "ID") == "0" })
	if at < 0 {
		return ""
	}
	return have[at].text("ID")
}

func (x *extension) makeFolder(ctx context.Context, parent, name string) (string, error) {
	answer, err := call(ctx, x.run, "Create", element("CreateRequest", object("Objects", "DataFolder",
		element("ParentFolder", leaf("ID", parent)), leaf("Name", name), leaf("Description", name), leaf("ContentType", folderKind),
		flag("IsActive", true), flag("IsEditable", true), flag("AllowChildren", true))))
	if err != nil {
		return "", err
	}
	results := answer.all("Results")
	if err := done(results); err != nil {
		return "", fault.Wrap(err, fault.CodeDestinationSchema, "making the folder %s", name).
			WithSuggestion("Choose a folder that the package may make others in.")
	}
	return results[0].text("NewID"), nil
}

// folders lists the folders of data extensions.
func folders(ctx context.Context, r *manifest.Run) ([]*node, error) {
	return retrieve(ctx, r, "DataFolder", []string{"ID", "Name", "ParentFolder.ID"}, equals("ContentType", folderKind))
}
