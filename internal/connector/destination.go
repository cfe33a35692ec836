package connector

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/value"
)

// Mode is what a sync does with the rows of its model (SY-18).
type Mode string

// The modes.
const (
	ModeUpdate   Mode = "update"
	ModeInsert   Mode = "insert"
	ModeUpsert   Mode = "upsert"
	ModeAdd      Mode = "add"
	ModeRemove   Mode = "remove"
	ModeArchive  Mode = "archive"
	ModeAll      Mode = "all" // also called mirror
	ModeSnapshot Mode = "snapshot"
	ModeDiff     Mode = "diff"
	ModeTrigger  Mode = "trigger" // the sync's own triggers decide, as in HTTP Request
)

// Operation is what happened to a row between two runs.
type Operation string

// The operations.
const (
	Added   Operation = "added"
	Changed Operation = "changed"
	Removed Operation = "removed"
)

// Operations lists the operations in the order in which a run sends them.
var Operations = []Operation{Removed, Changed, Added}

// DeleteBehavior is what happens in the destination to a row that left the model (SY-15).
type DeleteBehavior string

// The delete behaviours.
const (
	DeleteNothing     DeleteBehavior = "nothing"
	DeleteClear       DeleteBehavior = "clear"       // empty the mapped fields of the record
	DeleteRecord      DeleteBehavior = "delete"      // delete the record
	DeleteMember      DeleteBehavior = "remove"      // take the record off the list and leave the record itself
	DeleteArchive     DeleteBehavior = "archive"     // what the vendor calls archiving: can be undone there
	DeleteUnsubscribe DeleteBehavior = "unsubscribe" // revoke the consent
	DeleteComplete    DeleteBehavior = "complete"    // mark the task as done
)

// DeleteBehaviors lists the delete behaviours.
var DeleteBehaviors = []DeleteBehavior{
	DeleteNothing, DeleteClear, DeleteRecord, DeleteMember, DeleteArchive, DeleteUnsubscribe, DeleteComplete,
}

// Compare says which columns decide whether a row changed (SY-40).
type Compare string

// What is compared.
const (
	CompareMapped Compare = "mapped"
	CompareAll    Compare = "all"
)

// Idempotency says what may be done with rows whose outcome is unknown.
type Idempotency string

// The kinds of idempotency.
const (
	Idempotent    Idempotency = "idempotent"    // sending again has the same effect: in-doubt rows are resent
	Keyed         Idempotency = "keyed"         // the vendor drops a second request with the same Batch.ID, or a row with the same key
	Transactional Idempotency = "transactional" // a receipt of Batch.ID is written in the same transaction
	NotIdempotent Idempotency = "none"          // sending again may duplicate: reported, unless the sync says resend
)

// Weaker returns the lesser promise of two parts that are sent as one: none before keyed before idempotent. No part
// may be Transactional, since a receipt does not cover what another part sends; it counts as Idempotent.
func Weaker(a, b Idempotency) Idempotency {
	for _, i := range []Idempotency{NotIdempotent, Keyed} {
		if a == i || b == i {
			return i
		}
	}
	return Idempotent
}

// Tier is how a destination is made.
type Tier string

// The tiers. The zero value is TierNative.
const (
	TierNative   Tier = "native"   // in Go
	TierManifest Tier = "manifest" // a manifest of the build
	TierCustom   Tier = "custom"   // a manifest of the operator's own
)

// DestinationInfo describes a kind of destination.
type DestinationInfo struct {
	Slug      string     `json:"slug"`
	Name      string     `json:"name"`
	Category  string     `json:"category"`
	Summary   string     `json:"summary"`
	Fields    []Field    `json:"fields"`
	SyncTypes []SyncType `json:"syncTypes"`
	Verified  bool       `json:"verified"`
	Tunnels   bool       `json:"tunnels"` // as of a source
	Tier      Tier       `json:"tier"`
	Docs      []string   `json:"docs,omitempty"`  // the vendor's pages that its facts come from
	Notes     []string   `json:"notes,omitempty"` // what could not be verified, and what users must know

	// SpecChecked says that the vendor publishes a description of its API, and that tests judge every request by it.
	SpecChecked bool `json:"specChecked"`

	// Authorize says when a person must allow the access at the vendor: while all of these hold. Then what Open
	// returns is an Authorizer. Empty means never.
	Authorize []ShowIf `json:"authorize,omitempty"`

	// Audiences says what is told of the audiences of its ad accounts: then what Open returns is an AudienceReporter.
	// nil means nothing.
	Audiences *AudienceReport `json:"audiences,omitempty"`

	// Open reads the settings and returns a destination. It does not connect.
	Open func(DestinationOptions) (Destination, error) `json:"-"`
}

// NeedsAuthorization reports whether a person must allow the access at the vendor with these settings.
func (d DestinationInfo) NeedsAuthorization(s Settings) bool {
	return allHold(d.Authorize, s.WithDefaults(d.Fields))
}

// Lists reports whether a field of the connection's form has the pick-list.
func (d DestinationInfo) Lists(list string) bool {
	return slices.ContainsFunc(d.Fields, func(f Field) bool { return f.OptionsFrom == list })
}

// Listable reports whether settings that are being written are enough for the pick-lists of the connection's form: every
// field that must be filled in is, but for those with such lists, and the access is allowed where a person must.
func (d DestinationInfo) Listable(s Settings) bool {
	if d.NeedsAuthorization(s) && s.Text("refreshToken") == "" {
		return false
	}
	full := s.WithDefaults(d.Fields)
	return !slices.ContainsFunc(d.Fields, func(f Field) bool {
		return f.Required && f.OptionsFrom == "" && f.exists(full) && full.Text(f.Name) == ""
	})
}

// Credential identifies at whose expense requests are made: what names the place and whatever of the settings is
// secret. It holds secrets.
func (d DestinationInfo) Credential(s Settings) string {
	full := s.WithDefaults(d.Fields)
	parts := map[string]any{"type": d.Slug}
	for _, f := range d.Fields {
		if value, set := full[f.Name]; set && f.exists(full) && (f.Target || f.Secret || f.Type == FieldCredential || f.Type == FieldHeaders && !f.Advanced) {
			parts["field "+f.Name] = value
		}
	}
	text, _ := json.Marshal(parts) //nolint:errcheck,errchkjson // settings come from JSON
	return string(text)
}

// SyncType is one thing that a destination takes (SY-17).
type SyncType struct {
	Slug    string           `json:"slug"`
	Name    string           `json:"name"`
	Summary string           `json:"summary,omitempty"`
	Modes   []Mode           `json:"modes"`
	Deletes []DeleteBehavior `json:"deletes"` // empty means that removed rows cannot be acted on
	Fields  []Field          `json:"fields"`  // the sync's settings besides mode, matching, mapping and delete behaviour
	Match   MatchRule        `json:"match"`

	// ByMode is what is special to a mode. A mode that is not in it has all Deletes, and matches by every field that
	// says so (TargetField.Match).
	ByMode map[Mode]ModeRule `json:"byMode,omitempty"`

	Mapping MappingRule `json:"mapping"`
	Compare Compare     `json:"compare"`

	// Identifiers are the fields by which an audience finds its members. Where a row has an array in one of them, each
	// element is sent as a record of its own (SY-92): several rows of a batch then have one ordinal and key.
	Identifiers Identifiers `json:"identifiers,omitempty"`

	// Clears says that what the sync's settings select can be emptied, as an audience can (SY-13): its sessions are
	// Clearers.
	Clears bool `json:"clears,omitempty"`

	// Deferred says that rows count only once a run is over, as those of a file do: no single row can be tried. It
	// agrees with Limits.Deferred in every mode but all and snapshot, which replace or write the whole target.
	Deferred bool `json:"deferred,omitempty"`

	// Quality says that the vendor tells how good the events of such a sync are: then what Open returns is a
	// QualityReporter.
	Quality bool `json:"quality,omitempty"`
}

// Identifiers are groups of fields. The arrays of one group belong together by their indexes, as first and last names
// do; the groups are independent, so that every combination of their elements is sent (SY-93). A session of such a
// sync type asks for previous values (Limits.NeedBefore) where it acts on removed rows: elements that left a row's
// array are removed before the row's change is sent.
type Identifiers [][]string

// MatchRule says whether rows are matched to existing records (SY-21).
type MatchRule struct {
	Modes []Mode `json:"modes,omitempty"` // the modes that need a match; empty means never
}

// ModeRule is what a sync type does differently in one mode.
type ModeRule struct {
	Match         []string         `json:"match,omitempty"`         // the only fields that rows can be matched by
	Deletes       []DeleteBehavior `json:"deletes,omitempty"`       // instead of SyncType.Deletes; nothing alone means none
	DefaultDelete DeleteBehavior   `json:"defaultDelete,omitempty"` // what is proposed; empty means nothing
}

// DeletesIn returns what can happen in a mode to rows that left the model, besides nothing.
func (t SyncType) DeletesIn(m Mode) []DeleteBehavior {
	deletes := t.Deletes
	if r, special := t.ByMode[m]; special && r.Deletes != nil {
		deletes = r.Deletes
	}
	return slices.DeleteFunc(slices.Clone(deletes), func(d DeleteBehavior) bool { return d == DeleteNothing })
}

// MatchIn returns the only fields that rows can be matched by in a mode; nil where the destination's fields say it.
func (t SyncType) MatchIn(m Mode) []string { return t.ByMode[m].Match }

// MappingRule says how fields are mapped.
type MappingRule struct {
	Enabled   bool `json:"enabled"`   // false where the sync's own settings say what is sent
	Required  bool `json:"required"`  // at least one mapping
	Advanced  bool `json:"advanced"`  // static, variable, template and inline mappings are offered (SY-24)
	Custom    bool `json:"custom"`    // target names may be typed in
	AllByName bool `json:"allByName"` // "every column under its own name" is offered (SyncJob.AllColumns)

	// Clear is what empties a field at the destination: many take null for "no change" and an empty text for "no
	// value". Mappings that clear send it instead of null (FLD-19). Null where null itself empties a field.
	Clear value.Value `json:"clear,omitzero"`
}

// DestinationOptions is what a destination is opened with.
type DestinationOptions struct {
	Settings Settings // with secrets and defaults
	Dir      string   // a private folder that outlives the process; created by the caller
	Network  Network  // how the place is reached
	State    State    // what other runs and workers learned of this connection; nil where it is not saved
	Clock    clock.Clock
	Log      *slog.Logger
}

// Destination is one place that rows are sent to. Implementations are safe for concurrent use.
// Errors are *fault.Error with a destination.* code and carry the vendor's own words.
type Destination interface {
	// Test connects and checks permissions, without changing anything.
	Test(ctx context.Context) error
	// Check reports every error of a sync's settings that can be known without the network.
	Check(job SyncJob) error
	// Begin prepares a run. Nothing is written before it returns, except what an unfinished run left.
	Begin(ctx context.Context, job SyncJob) (Session, error)
	// Close ends every connection.
	Close() error
}

// FieldLister is a destination whose fields can be discovered (tables' columns, custom fields).
type FieldLister interface {
	TargetFields(ctx context.Context, job SyncJob) ([]TargetField, error)
}

// OptionLister is a destination with pick-lists that are loaded (Field.OptionsFrom).
type OptionLister interface {
	ListOptions(ctx context.Context, list string, job SyncJob) ([]Option, error)
}

// FormLister is a destination with settings whose forms only it knows (Field.FieldsFrom).
type FormLister interface {
	// ListForm returns the members of the object that the setting holds as JSON. Without any, the JSON is typed in.
	ListForm(ctx context.Context, form string, job SyncJob) ([]Field, error)
}

// Reviewer is a Destination whose place has a say in a sync before the sync is saved, besides what Check knows.
type Reviewer interface {
	// Review asks the place about a job that Check has nothing against, and changes nothing there. It returns fault.Issues,
	// with paths as Check has them, where the place refuses the sync. Every other error says that the place could not be
	// asked: that keeps nobody from saving, since a run asks again. The job's columns are as the model's document has
	// them; where that has none, ModelInfo.Schema is empty, and types are not known.
	Review(ctx context.Context, job SyncJob) error
}

// TargetTypes are the types of a destination's fields (M-24). A reference links to a record of another table or
// object; unknown says that the destination's own name of the type is all there is to know.
var TargetTypes = []string{"boolean", "number", "string", "timestamp", "date", "object", "array", "reference", "null", "unknown"}

// TargetField is one field of the destination that a mapping can fill (M-24).
type TargetField struct {
	Name     string   `json:"name"`
	Label    string   `json:"label,omitempty"`
	Type     string   `json:"type"`   // one of TargetTypes
	Native   string   `json:"native"` // the destination's own name of the type
	Required bool     `json:"required"`
	Match    bool     `json:"match"`             // rows can be matched by it
	Section  string   `json:"section,omitempty"` // the heading under which it is offered; empty means the first one
	Options  []Option `json:"options,omitempty"` // the only values that it takes
	ReadOnly bool     `json:"readOnly,omitempty"`
	Help     string   `json:"help,omitempty"`
}

// SyncJob is what a run asks of a destination. All of it stays the same when a run is repeated after
// a crash, except RunID, StartedAt and Pace.
type SyncJob struct {
	SyncID     int64
	SyncSlug   string
	RunID      int64
	StartedAt  time.Time // of the run, UTC
	Type       string    // slug of the sync type
	Mode       Mode
	Delete     DeleteBehavior
	Settings   Settings // of the sync type's fields, with defaults
	Columns    []TargetColumn
	Match      []MatchPair
	AllColumns bool // Columns are the model's columns under their own names
	Model      ModelInfo
	FirstRun   bool // nothing was ever settled for this sync
	Rows       int64
	Pace       Pace // of the requests that a session makes outside batches; nil: nobody paces them
}

// Pace keeps requests that belong to no batch within limits: those of Destination.Begin, Clearer.Clear and
// Session.Finish.
type Pace interface {
	// Next waits until the limits allow a request. An error says that it must not be made, as that of Batch.Next.
	Next(ctx context.Context, rates []Rate, t Turn) error
	// Hold keeps all requests with the credential from beginning for a while, since the destination asked for it.
	Hold(ctx context.Context, rates []Rate, after time.Duration)
}

// ModelInfo is what a destination may know of the model.
type ModelInfo struct {
	ID         int64
	Name       string
	Slug       string
	PrimaryKey string
	Schema     value.Schema // the columns of Row.Source
}

// TargetColumn is one mapped field: Row.Values has its value at the same position.
type TargetColumn struct {
	Name string     // the destination's field
	From string     // the model's column, where the mapping is one
	Type value.Type // what the values are; empty where it is known only per row
	Omit bool       // a null value is left out instead of sent (SY-25)
}

// MatchPair matches a model column to a destination field: Row.Match has its value at the same position.
type MatchPair struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Session sends the rows of one run. The engine alone batches, paces, retries and splits; a session
// turns a batch into requests and reads the answers.
type Session interface {
	// Limits says how batches are made. The engine asks once.
	Limits() Limits
	// Write sends one batch. A nil error means that every row has an answer: rows in Result.Rejected
	// were refused, all others were taken. An error is about the whole batch, and its fault.Class says
	// what happened: Permanent — refused, none was taken; Retryable or Throttled — none was taken and
	// the batch may be sent again; Unknown — some may have been taken; Fatal — none was taken and the
	// run cannot go on. Write is called from Limits.Concurrency goroutines.
	Write(ctx context.Context, b *Batch) (Result, error)
	// Finish completes the run after the last batch: deferred sessions publish what was written. It is
	// not called when the run failed or was cancelled.
	Finish(ctx context.Context) error
	// Close releases what the session holds and, without a Finish before, discards what was not published.
	Close() error
}

// Clearer is a Session whose target can be emptied before it is filled again (SyncType.Clears).
type Clearer interface {
	// Clear removes everything that the sync's settings select, also what Millrace did not put there. It is called
	// before the first Write, and again after every error but a Permanent or Fatal one, until it returns nil: the
	// vendor has nothing left then. Where the vendor takes long, Clear does not wait for it: it returns
	// fault.RetryAfter and asks how far it is when it is called again, in another session and maybe another process.
	Clear(ctx context.Context) error
}

// OperationLimiter is a Session that is fed differently for each operation, as triggers with limits of
// their own are.
type OperationLimiter interface {
	// LimitsOf returns the limits of one operation's batches. They must agree with Session.Limits in what
	// is about the whole run: Operations, Deferred, NeedSource, NeedBefore, SkipInitial.
	LimitsOf(op Operation) Limits
}

// Resolver is a Destination that can tell later what became of a batch whose answer was lost.
type Resolver interface {
	// Resolve looks up the token of Batch.Checkpoint.
	Resolve(ctx context.Context, job SyncJob, token string) (Resolution, error)
}

// Resolution is what became of a batch.
type Resolution string

// The resolutions.
const (
	ResolvedTaken    Resolution = "taken"
	ResolvedNotTaken Resolution = "not_taken"
	ResolvedUnknown  Resolution = "unknown"
)

// Limits is how a session wants to be fed.
type Limits struct {
	Rows        int           // rows in a batch, at least 1
	Bytes       int           // bytes of JSON in a batch, roughly; 0 means no limit
	Concurrency int           // batches in flight, at least 1
	Rates       []Rate        // limits that all must allow a request
	WaitOut     bool          // the sync's next run must not find the windows used up by this one
	Pause       time.Duration // wait between batches of one lane
	Operations  []Operation   // what is acted on; other changes are ignored by configuration (SY-75)
	Idempotency Idempotency
	Split       bool // a refused batch is halved until each row has its own answer (SY-78)
	Retry       RetryPolicy
	Deferred    bool // rows count as taken only after Finish (files)
	NeedSource  bool // Row.Source is filled
	NeedBefore  bool // Row.Before and Row.Matched are filled for changed rows
	SkipInitial bool // a first run sends nothing and only remembers the rows
	OneKind     bool // a batch never mixes operations; always true for the engine, stated for readers
}

// Rate allows Requests requests in any span of Window. A batch counts as one, unless its session asks Batch.Next before
// each request.
type Rate struct {
	Requests int
	Window   time.Duration // 0 with a Class: Requests batches under way at a time
	// Class names what the vendor counts together: an endpoint, or everything. All runs with the destination's
	// credential share the limits of a class, whichever worker they run in; where the destination asks one of them to
	// wait, the others of the class wait too. Empty: the limit is the sync's own.
	Class string
	// Only says that the class counts the requests alone that say so (Turn.Counts), and no batch as such. It has a window.
	Only bool
}

// RetryPolicy is how batches that were not taken are tried again within the run (SY-76).
type RetryPolicy struct {
	Attempts int           // in all; 1 means no retry; 0 means the engine's default
	Base     time.Duration // first wait; 0 means the engine's default
	Max      time.Duration // longest wait; 0 means the engine's default
}

// Batch is rows with one operation.
type Batch struct {
	// ID is the same for the same rows until they were answered, also when a later run sends them again. It belongs to
	// these rows, what they say and nothing else.
	ID string

	// Origin is ID, except where some of the rows that were sent under it changed since or were answered: then the others
	// have another ID and keep the Origin. Keys of single rows are made of it.
	Origin string

	Operation Operation
	Rows      []Row

	// Checkpoint durably notes a token before a step whose answer may be lost: a transaction's id, the
	// name of an asynchronous job. After a crash the token is handed to Resolver. Never nil.
	Checkpoint func(ctx context.Context, token string) error

	// Next waits until the limits allow a further request of the batch. A session that calls it before each of them, the
	// first one included, keeps to Limits.Rates with every request. An error says that the request must not be made: it
	// is Throttled where the wait would be too long for the run to hold a worker. Nil: nobody paces.
	Next func(ctx context.Context, t Turn) error
	// Hold keeps all requests with the credential from beginning for a while, since the destination asked for it in the
	// middle of the batch. Nil: nobody paces.
	Hold func(ctx context.Context, after time.Duration)

	Exchanges []Exchange // what Write recorded, for the request log
}

// Turn is what a session says of a request that it is about to make.
type Turn struct {
	Counts func(class string) bool // which classes of limits count it (Rate.Class); nil means all
	Begun  bool                    // rows are in doubt unless it is made: it is worth a long wait
}

// Record notes one request and its answer for the request log (SY-74). Secrets must be redacted already.
func (b *Batch) Record(x Exchange) { b.Exchanges = append(b.Exchanges, x) }

// Row is one row to send.
type Row struct {
	Ordinal int64         // its number in the plan
	Record  int           // its number among the records of the model's row, from 0 (SyncType.Identifiers)
	Key     string        // the primary key as text
	Values  []value.Value // by SyncJob.Columns; for a removed row the values last settled
	Match   []value.Value // by SyncJob.Match
	Source  []value.Value // by ModelInfo.Schema, with Limits.NeedSource
	Before  []value.Value // by SyncJob.Columns: what was settled before, with Limits.NeedBefore
	Matched []value.Value // by SyncJob.Match: what the row was matched by then; empty where that is not known, and with SyncType.Identifiers
}

// Result is the answer to a batch: rows that are not listed were taken.
type Result struct {
	Rejected []Rejection
	Stop     error // why the run cannot go on although the rows have their answers; nil where it can
}

// Rejection is one refused row.
type Rejection struct {
	Row    int    // index in Batch.Rows
	Reason string // the destination's own words
	Retry  bool   // worth another attempt in this run
}

// Exchange is one request and its answer.
type Exchange struct {
	Method          string        `json:"method"` // HTTP method, or SQL, PUT FILE …
	URL             string        `json:"url"`
	RequestHeaders  []Header      `json:"requestHeaders,omitempty"`
	RequestBody     string        `json:"requestBody,omitempty"`
	Status          int           `json:"status,omitempty"`
	ResponseHeaders []Header      `json:"responseHeaders,omitempty"`
	ResponseBody    string        `json:"responseBody,omitempty"`
	Error           string        `json:"error,omitempty"`
	StartedAt       time.Time     `json:"startedAt"`
	Duration        time.Duration `json:"duration"` // nanoseconds
}

// Header is one HTTP header, or another named remark about an exchange.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
