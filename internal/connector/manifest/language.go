package manifest

import (
	"time"

	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/fault"
)

// Version is the version of the language. A manifest names the version that it was written in.
const Version = 1

// Manifest is a whole file. The tag doc of each member is its text in the JSON Schema and in the reference.
type Manifest struct {
	Version    int                 `yaml:"version" doc:"The version of the language: 1." required:"true"`
	Slug       string              `yaml:"slug" doc:"The destination's name in documents: lower-case letters, digits and hyphens." required:"true"`
	Name       string              `yaml:"name" doc:"The vendor's own name of the product." required:"true"`
	Category   string              `yaml:"category" doc:"Where the catalogue shows it, such as crm or ads." required:"true"`
	Summary    string              `yaml:"summary" doc:"One sentence on what arrives there." required:"true"`
	Docs       []string            `yaml:"docs" doc:"The vendor's pages that the facts in this file come from." required:"true"`
	Notes      []string            `yaml:"notes" doc:"What could not be verified, and what users must know."`
	Verified   bool                `yaml:"verified" doc:"True once it was seen to work against the vendor's own service."`
	Connection Connection          `yaml:"connection" doc:"How the vendor is reached." required:"true"`
	Limits     []Limit             `yaml:"limits" doc:"What the vendor allows all syncs with one credential together."`
	Answers    []Answer            `yaml:"answers" doc:"What answers mean, before the general rules of HTTP; the first that fits counts."`
	Lists      map[string]List     `yaml:"lists" doc:"Pick-lists that are loaded from the vendor, by the name that a field's optionsFrom has."`
	FieldSets  map[string]FieldSet `yaml:"fieldSets" doc:"Fields that rows can fill, by a name that sync types use."`
	Audiences  *Audiences          `yaml:"audiences" doc:"With an ad platform: how the audiences of its accounts are listed, with their sizes."`
	SyncTypes  []SyncType          `yaml:"syncTypes" doc:"What can be synced." required:"true"`

	doubts fault.Issues
}

// Connection is how the vendor is reached.
type Connection struct {
	Fields  []Field         `yaml:"fields" doc:"What a person fills in to connect."`
	Base    Text            `yaml:"base" doc:"What every address begins with. Templates see the fields as connection." required:"true"`
	Headers map[string]Text `yaml:"headers" doc:"Headers of every request."`
	Query   map[string]Text `yaml:"query" doc:"Query parameters of every request."`
	Auth    []Auth          `yaml:"auth" doc:"How requests prove who sends them; the first whose when holds counts."`
	Timeout Duration        `yaml:"timeout" doc:"How long one request may take; 30s unless said."`
	Test    []Step          `yaml:"test" doc:"Requests that change nothing and show that the connection works." required:"true"`
}

// Auth is one way of authentication. One of its members besides when and showIf is filled.
type Auth struct {
	ShowIf *ShowIf `yaml:"showIf" doc:"With oauth and the grant code: the settings that it is for, where there are others."`
	When   Cond    `yaml:"when" doc:"The settings that it is for; always unless said."`
	Bearer Text    `yaml:"bearer" doc:"A token in the header Authorization, after the word Bearer."`
	Basic  *Basic  `yaml:"basic" doc:"User and password in the header Authorization (RFC 7617)."`
	Header *Pair   `yaml:"header" doc:"A header of the vendor's own."`
	Query  *Pair   `yaml:"query" doc:"A query parameter; it is redacted in the request log."`
	OAuth  *OAuth  `yaml:"oauth" doc:"OAuth 2.0: the token is fetched, kept and renewed."`
	OAuth1 *OAuth1 `yaml:"oauth1" doc:"OAuth 1.0a: every request is signed (RFC 5849)."`
}

// Basic is a user and a password.
type Basic struct {
	User     Text `yaml:"user" doc:"The user." required:"true"`
	Password Text `yaml:"password" doc:"The password; empty unless said."`
}

// Pair is a name and a value.
type Pair struct {
	Name  string `yaml:"name" doc:"The name." required:"true"`
	Value Text   `yaml:"value" doc:"The value." required:"true"`
}

// Field is one setting that a person fills in. It is connector.Field as YAML.
type Field struct {
	Name        string   `yaml:"name" doc:"Its name in documents and templates." required:"true"`
	Label       string   `yaml:"label" doc:"Its name in the form." required:"true"`
	Help        string   `yaml:"help" doc:"A sentence below it."`
	Type        string   `yaml:"type" doc:"What it holds." enum:"string,text,secret,number,boolean,select,list,headers,credential" required:"true"`
	Default     any      `yaml:"default" doc:"What counts where nothing is filled in."`
	Example     string   `yaml:"example" doc:"A value to show."`
	Required    bool     `yaml:"required" doc:"It must be filled in."`
	Advanced    bool     `yaml:"advanced" doc:"It is shown under Advanced."`
	Target      bool     `yaml:"target" doc:"It names the place that rows go to: another value makes the sync begin anew."`
	Options     []Option `yaml:"options" doc:"The values to choose from."`
	OptionsFrom string   `yaml:"optionsFrom" doc:"The list of values to choose from, loaded from the vendor."`
	Creatable   bool     `yaml:"creatable" doc:"A value outside the list may be typed in."`
	Providers   []string `yaml:"providers" doc:"For credentials: aws, gcp or azure."`
	ShowIf      *ShowIf  `yaml:"showIf" doc:"The field exists only while another one has one of some values."`
	Min         *float64 `yaml:"min" doc:"The smallest number."`
	Max         *float64 `yaml:"max" doc:"The largest number."`
	Rendered    bool     `yaml:"rendered" doc:"The person writes a Liquid template over a row's columns: row.rendered.NAME is its text."`
}

// Option is one entry of a pick-list.
type Option struct {
	Value string `yaml:"value" doc:"What is stored." required:"true"`
	Label string `yaml:"label" doc:"What is shown; the value unless said."`
	Help  string `yaml:"help" doc:"A sentence about it."`
}

// ShowIf is a condition on another field.
type ShowIf struct {
	Field string   `yaml:"field" doc:"The other field." required:"true"`
	In    []string `yaml:"in" doc:"Its values." required:"true"`
}

// Limit is a rate or a number of requests at once.
type Limit struct {
	Class    string   `yaml:"class" doc:"What is counted together; all requests unless said."`
	Only     bool     `yaml:"only" doc:"Of a class: only the requests of steps that name it are counted, instead of all those of the sync."`
	Requests int      `yaml:"requests" doc:"How many requests the window allows." required:"true"`
	Per      Duration `yaml:"per" doc:"The length of the window, such as 1s or 10m; without it the limit is on requests at once."`
	When     Cond     `yaml:"when" doc:"The settings that it is for; always unless said."`
}

// Answer says what one kind of answer means.
type Answer struct {
	Status  []int  `yaml:"status" doc:"The statuses that it is about; any unless said. A single digit such as 5 means all of 500 to 599."`
	When    Cond   `yaml:"when" doc:"A condition on status, headers and body (parsed where it is JSON, otherwise text)."`
	Then    string `yaml:"then" doc:"accept: the rows were taken. reject: they were refused. retry: nothing was done, try again. throttle: the same, after the wait that the answer names. fatal: the run cannot go on. doubt: nobody knows." enum:"accept,reject,retry,throttle,fatal,doubt" required:"true"`
	Message Text   `yaml:"message" doc:"The vendor's words; what the answer says as a whole unless said."`
	Hint    string `yaml:"hint" doc:"What to do about it, for people."`
	After   Text   `yaml:"after" doc:"With throttle: how many seconds to wait, where no Retry-After header says it."`
}

// List is a pick-list.
type List struct {
	Request `yaml:",inline"`
	If      Cond     `yaml:"if" doc:"The settings with which it is asked for; without them only static is offered."`
	When    Cond     `yaml:"when" doc:"The entries that are offered: a condition on item."`
	Value   Expr     `yaml:"value" doc:"An entry's value: an expression on item." required:"true"`
	Label   Text     `yaml:"label" doc:"An entry's label: a template on item; the value unless said."`
	Help    Text     `yaml:"help" doc:"A sentence about the entry."`
	Static  []Option `yaml:"static" doc:"Entries that are always there, before the loaded ones."`
}

// Request is a request whose answer is a list of items, perhaps on several pages.
type Request struct {
	Request Call            `yaml:"request" doc:"Method and path, such as GET /lists; the path may be a template."`
	Query   map[string]Text `yaml:"query" doc:"Query parameters; one whose value is null is left out."`
	Headers map[string]Text `yaml:"headers" doc:"Headers."`
	Body    *Tree           `yaml:"body" doc:"The body."`
	Format  string          `yaml:"format" doc:"How the body is written; JSON unless said." enum:"json,form,ndjson,xml,text"`
	Items   Expr            `yaml:"items" doc:"Where the answer has the list: an expression on body; the body itself unless said. The members of an object are items with key and value."`
	Paging  *Paging         `yaml:"paging" doc:"How the next page is asked for; there is one page unless said."`
	Answers []Answer        `yaml:"answers" doc:"What its answers mean, before those of the manifest."`
}

// Paging is how pages follow each other. One of next and from is filled.
type Paging struct {
	Next  Expr   `yaml:"next" doc:"What names the next page: an expression on body and headers; null, false or empty at the last one. An address is asked for as it is, everything else goes into param."`
	Param string `yaml:"param" doc:"The query parameter that takes next, or the number of the page or of the first item. Without it, the request's templates see that as page, which is null in the first request where pages have no numbers; so a cursor gets into a body."`
	Size  int    `yaml:"size" doc:"With from: how many items a full page has; a page that is not full is the last one."`
	From  *int   `yaml:"from" doc:"The pages are numbered, or their items are: the first number."`
	Step  int    `yaml:"step" doc:"With from: by how much the number grows, 1 for pages and the size for items; 1 unless said."`
}

// FieldSet is fields that rows can fill.
type FieldSet struct {
	Static   []TargetField `yaml:"static" doc:"Fields that every account has."`
	Discover []Discovery   `yaml:"discover" doc:"Fields that are read from the account."`
}

// Discovery reads fields from the account.
type Discovery struct {
	Request  `yaml:",inline"`
	If       Cond              `yaml:"if" doc:"The settings that it is for; always unless said."`
	When     Cond              `yaml:"when" doc:"The items that are fields: a condition on item."`
	Name     Expr              `yaml:"name" doc:"The field's name: an expression on item." required:"true"`
	Label    Expr              `yaml:"label" doc:"The field's label; the name unless said."`
	Type     Expr              `yaml:"type" doc:"The vendor's name of its type."`
	Types    map[string]string `yaml:"types" doc:"What the vendor's types are: boolean, number, string, timestamp, date, object, array or reference; unknown unless said."`
	Forms    map[string]string `yaml:"forms" doc:"The form that values of a vendor's type take (as of a field), by the type."`
	Required Cond              `yaml:"required" doc:"Whether a mapping must fill it."`
	ReadOnly Cond              `yaml:"readOnly" doc:"Whether it cannot be written."`
	Match    Cond              `yaml:"match" doc:"Whether rows can be matched by it."`
	Help     Expr              `yaml:"help" doc:"The vendor's description."`
	Options  Expr              `yaml:"options" doc:"The only values that it takes: a list of texts, or of objects with value and label."`
	Section  string            `yaml:"section" doc:"The section that the fields belong to."`
}

// TargetField is a field that rows can fill, with what is done to its values.
type TargetField struct {
	Name     string   `yaml:"name" doc:"Its name in mappings. In a section it is SECTION.NAME there." required:"true"`
	Label    string   `yaml:"label" doc:"Its name for people; the name unless said."`
	Type     string   `yaml:"type" doc:"What it holds." enum:"boolean,number,string,timestamp,date,object,array,reference,unknown" required:"true"`
	Help     string   `yaml:"help" doc:"A sentence about it."`
	Required bool     `yaml:"required" doc:"A mapping must fill it."`
	Match    bool     `yaml:"match" doc:"Rows can be matched by it."`
	Section  string   `yaml:"section" doc:"The object of the row that has it in templates, row.SECTION; fields unless said."`
	Options  []Option `yaml:"options" doc:"The only values that it takes."`
	When     Cond     `yaml:"when" doc:"The settings and modes that it exists for; always unless said."`
	Pipeline `yaml:",inline"`
}

// Pipeline is what is done to a value before it is sent.
type Pipeline struct {
	As         string `yaml:"as" doc:"The form that values take: text, integer, number, boolean, list (a text is split at its commas, one value becomes a list), json (a text is parsed), or a time as iso, iso_seconds, date, unix or unix_ms." enum:"text,integer,number,boolean,list,json,iso,iso_seconds,date,unix,unix_ms"`
	Identifier string `yaml:"identifier" doc:"The rules by which an identifier is normalised and hashed, such as google.email."`
	HashIf     Cond   `yaml:"hashIf" doc:"While this holds, plain identifiers are normalised and hashed, and what is a hash already is sent as it is; always unless said. Otherwise only hashes are taken."`
	DropIf     Cond   `yaml:"dropIf" doc:"With identifier: while this holds, a value that cannot be normalised is left out; otherwise it refuses the row."`
	Country    Text   `yaml:"country" doc:"With identifier: the ISO 3166-1 code of the country of values that do not say theirs, such as phone numbers without a calling code."`
	Value      Text   `yaml:"value" doc:"What is sent instead: a template on value."`
	Clear      any    `yaml:"clear" doc:"What empties the field; null unless said."`
	MaxLength  int    `yaml:"maxLength" doc:"The most characters of a text; a longer one refuses the row."`
	Pattern    string `yaml:"pattern" doc:"A regular expression that texts must fit."`
	NotNull    bool   `yaml:"notNull" doc:"A row without a value is refused."`
}

// SyncType is one thing that can be synced.
type SyncType struct {
	Slug        string                  `yaml:"slug" doc:"Its name in documents." required:"true"`
	Name        string                  `yaml:"name" doc:"Its name for people." required:"true"`
	Summary     string                  `yaml:"summary" doc:"A sentence about it."`
	Fields      []Field                 `yaml:"fields" doc:"The sync's settings. Templates see them as settings."`
	Modes       map[connector.Mode]Mode `yaml:"modes" doc:"Its modes." required:"true"`
	FieldSets   []string                `yaml:"fieldSets" doc:"The fields that rows can fill."`
	Targets     []TargetField           `yaml:"targets" doc:"Further fields of this sync type alone."`
	Sections    []Section               `yaml:"sections" doc:"The sections that fields are in."`
	Rules       []Rule                  `yaml:"rules" doc:"What must be true of the mapped fields, and of every row."`
	Mapping     Mapping                 `yaml:"mapping" doc:"How fields are mapped."`
	Batch       Batch                   `yaml:"batch" doc:"How many rows a request has."`
	Limits      []Limit                 `yaml:"limits" doc:"Limits besides the manifest's."`
	Idempotency string                  `yaml:"idempotency" doc:"What a second sending of the same rows does. idempotent: nothing. keyed: nothing, since a key is sent that is made of batch.id, or of batch.origin and row.key where each row has a key of its own. none: it may double them." enum:"idempotent,keyed,none" required:"true"`
	Before      bool                    `yaml:"before" doc:"row.before has what was sent before."`
	Columns     bool                    `yaml:"columns" doc:"row.columns has the model's columns."`
	FirstRun    string                  `yaml:"firstRun" doc:"remember: the first run sends nothing, it only remembers the rows. setting NAME: the same while the setting is true." `
	Audience    *SyncAudience           `yaml:"audience" doc:"The audience that a sync fills, where the manifest lists audiences."`
	Identifiers [][]string              `yaml:"identifiers" doc:"Groups of fields that find members: each element of an array is sent by itself."`
	Resources   []Resource              `yaml:"resources" doc:"What is made at the vendor once for a sync, such as a list."`
	Begin       []Step                  `yaml:"begin" doc:"Requests that read, before the first rows of a run: with require, whether what rows go to is still there. They are left out where a resource was just made."`
	Write       []Write                 `yaml:"write" doc:"What is sent; the first that fits counts." required:"true"`
	Finish      []Step                  `yaml:"finish" doc:"Requests after the last batch of a run."`
	Clear       []Step                  `yaml:"clear" doc:"Requests that empty the target before it is filled anew."`
	Answers     []Answer                `yaml:"answers" doc:"Answers before the manifest's."`
	Hook        string                  `yaml:"hook" doc:"The name of the Go code beside this file that sends the rows."`
}

// Section is a heading and an object of the row.
type Section struct {
	Name   string `yaml:"name" doc:"row.NAME in templates." required:"true"`
	Label  string `yaml:"label" doc:"The heading." required:"true"`
	Custom bool   `yaml:"custom" doc:"Further fields may be typed in as NAME.field."`
	Nested bool   `yaml:"nested" doc:"A dot in a field's name makes an object in an object."`
}

// Mode is what is special to a mode.
type Mode struct {
	Match   []string                   `yaml:"match" doc:"The fields that rows can be matched by; empty with a mode that needs no match."`
	Any     bool                       `yaml:"any" doc:"Rows are matched by any field that says so."`
	Deletes []connector.DeleteBehavior `yaml:"deletes" doc:"What can happen to rows that left the model, besides nothing."`
	Default connector.DeleteBehavior   `yaml:"default" doc:"Which of these is proposed; nothing unless said."`
}

// Rule is something that must be true. One of its members besides when is filled.
type Rule struct {
	When       Cond             `yaml:"when" doc:"The settings that it is for; always unless said."`
	Modes      []connector.Mode `yaml:"modes" doc:"The modes that it is for; all unless said."`
	AtLeastOne []string         `yaml:"atLeastOne" doc:"One of these fields has a value."`
	ExactlyOne []string         `yaml:"exactlyOne" doc:"One of these fields has a value, and no other."`
	AtMostOne  []string         `yaml:"atMostOne" doc:"No two of these fields have a value."`
	Together   []string         `yaml:"together" doc:"All of these fields have a value, or none."`
	Required   []string         `yaml:"required" doc:"All of these fields have a value."`
	Row        Cond             `yaml:"row" doc:"A condition that every row must meet; rows that do not are refused."`
	Settings   Cond             `yaml:"settings" doc:"A condition that the settings must meet."`
	Message    string           `yaml:"message" doc:"What to tell where row or settings does not hold."`
}

// Mapping says how fields are mapped.
type Mapping struct {
	None      bool `yaml:"none" doc:"Nothing is mapped: settings say what is sent."`
	Optional  bool `yaml:"optional" doc:"No mapping is needed."`
	Custom    bool `yaml:"custom" doc:"Further fields may be typed in."`
	Nested    bool `yaml:"nested" doc:"A dot in the name of a field outside of sections makes an object in an object."`
	AllByName bool `yaml:"allByName" doc:"Every column under its own name is offered."`
	Clear     any  `yaml:"clear" doc:"What empties a field at the vendor, where null does not."`
	Emptied   any  `yaml:"emptied" doc:"What a removed row has in each field with the delete behaviour clear, where it is something else."`
}

// Batch says how rows are batched.
type Batch struct {
	Rows        int    `yaml:"rows" doc:"The most rows of a request; 1 unless said."`
	Setting     string `yaml:"setting" doc:"The name of a setting that has the number of rows instead."`
	Bytes       int    `yaml:"bytes" doc:"The most bytes of a request, roughly."`
	Concurrency int    `yaml:"concurrency" doc:"Requests at once; 4 unless said."`
	Whole       bool   `yaml:"whole" doc:"One row that is refused makes the vendor refuse the whole request: it is halved until each row has an answer of its own."`
	Group       []Expr `yaml:"group" doc:"Rows of one request have the same values of these expressions on row."`
	Unique      Expr   `yaml:"unique" doc:"Rows of one request have different values of this expression on row; a later one goes into a request of its own."`
}

// Resource is made at the vendor once for a sync. Templates see its value as resources.NAME.
type Resource struct {
	Name  string `yaml:"name" doc:"resources.NAME in templates." required:"true"`
	When  Cond   `yaml:"when" doc:"The settings with which it is made; otherwise its value is else." `
	Else  Text   `yaml:"else" doc:"Its value where it is not made, such as the list that was chosen."`
	Steps []Step `yaml:"steps" doc:"The requests that make it." required:"true"`
	Value Expr   `yaml:"value" doc:"What identifies it: an expression on vars and on body, the last answer's." required:"true"`
}

// Write is what is sent for some operations.
type Write struct {
	On          []connector.Operation      `yaml:"on" doc:"The operations; added and changed unless said." enum:"added,changed,removed"`
	Modes       []connector.Mode           `yaml:"modes" doc:"The modes; all unless said."`
	Delete      []connector.DeleteBehavior `yaml:"delete" doc:"With removed: the delete behaviours; all unless said."`
	When        Cond                       `yaml:"when" doc:"A condition on settings, connection and run."`
	Rows        int                        `yaml:"rows" doc:"The most rows of a request, instead of the batch's."`
	Idempotency string                     `yaml:"idempotency" doc:"What a second sending does, instead of the sync type's." enum:"idempotent,keyed,none"`
	Steps       []Step                     `yaml:"steps" doc:"The requests, one after another."`
	Hook        string                     `yaml:"hook" doc:"The name of the Go code that sends the rows instead of steps."`
}

// Step is one request, or one for each row.
type Step struct {
	Name    string          `yaml:"name" doc:"For messages."`
	When    Cond            `yaml:"when" doc:"A condition on settings, connection, run and vars: otherwise the step is left out."`
	Where   Cond            `yaml:"where" doc:"The rows that take part: a condition on row."`
	Per     string          `yaml:"per" doc:"One request for the rows of the batch together, or for each row; batch unless said." enum:"batch,row"`
	Most    int             `yaml:"most" doc:"The most rows of one request; with more, the step is several requests."`
	Class   string          `yaml:"class" doc:"The class of limits with only that its requests count in."`
	Reads   bool            `yaml:"reads" doc:"The request only reads: repeating it does no harm, and an error leaves every row untouched."`
	Request Call            `yaml:"request" doc:"Method and path, such as POST /contacts; the path may be a template."`
	Query   map[string]Text `yaml:"query" doc:"Query parameters; one whose value is null is left out. matches is the list of what finds the rows of the request."`
	Headers map[string]Text `yaml:"headers" doc:"Headers."`
	Body    *Tree           `yaml:"body" doc:"The body. $rows makes an array with an entry for each row, $with adds the members of an object, $json makes a text of something's JSON, $join makes one text of a list with $by between its values (a comma unless said), $if with $then and $else chooses, $each with $as and $do makes an array of a list; $$ before a name stands for a $ of the vendor's. A member whose template gives null is left out; a plain null is sent."`
	Format  string          `yaml:"format" doc:"How the body is written; JSON unless said." enum:"json,form,ndjson,xml,text"`
	Answers []Answer        `yaml:"answers" doc:"What its answers mean, before those of the sync type."`
	Rows    []Reader        `yaml:"rows" doc:"What the answer says of single rows."`
	Save    map[string]Expr `yaml:"save" doc:"What later steps know as vars.NAME: expressions on body, headers and status."`
	Until   Cond            `yaml:"until" doc:"The request is repeated until this condition on body and status holds."`
	Next    Expr            `yaml:"next" doc:"What names the next page of the answer: an expression on body and headers; null, false or empty at the last one. An address is asked for as it is; everything else the step's templates see as page. Rows and save see every page."`
	Fail    Cond            `yaml:"fail" doc:"With until: the condition that the work has failed; message says why."`
	Message Text            `yaml:"message" doc:"With fail: the vendor's words. With require of a step of begin: what is wrong."`
	Every   Duration        `yaml:"every" doc:"With until: the time between requests; 2s unless said."`
	Timeout Duration        `yaml:"timeout" doc:"With until: after this time nobody knows what became of the rows; 10m unless said."`
	Require Cond            `yaml:"require" doc:"A condition on the answer of a test, or of a step of begin; hint says what to do otherwise."`
	Hint    string          `yaml:"hint" doc:"What to do where the request fails or require does not hold."`

	matches bool // a template names matches
	turns   bool // a template names page
}

// Reader reads what an answer says of single rows.
type Reader struct {
	When         Cond            `yaml:"when" doc:"The answers that it reads: a condition on status and body; all that were not failures unless said. With then: accept, an answer whose status is a failure can be read."`
	At           Expr            `yaml:"at" doc:"The list of items: an expression on body. Of an object, its members are the items, with key and value."`
	By           string          `yaml:"by" doc:"index: the items are in the order of the rows. key: an item's key is the row's is." enum:"index,key" required:"true"`
	Index        Expr            `yaml:"index" doc:"With index: the item's own number from 0, or a list of them, where it says it; its place in the list unless said."`
	Key          Expr            `yaml:"key" doc:"With key: an expression on item."`
	Is           Expr            `yaml:"is" doc:"With key: the expression on row that equals it."`
	Fold         bool            `yaml:"fold" doc:"With key: upper and lower case are the same."`
	Reject       Cond            `yaml:"reject" doc:"The row was refused: a condition on item."`
	Retry        Cond            `yaml:"retry" doc:"A refused row is worth another attempt in this run: a condition on item."`
	Reason       Text            `yaml:"reason" doc:"The vendor's words: a template on item and body."`
	Save         map[string]Expr `yaml:"save" doc:"What later steps know as row.NAME: expressions on item."`
	Absent       string          `yaml:"absent" doc:"What it means that no item is about a row. nothing: that it was taken, unless others say more. reject: that it was refused, with absentReason. retry: that it was not taken because of the others, and is worth another attempt." enum:"nothing,reject,retry"`
	AbsentReason string          `yaml:"absentReason" doc:"With reject: what to tell."`
}

// Duration is a time such as 10s, 5m or 1h.
type Duration time.Duration
