package api

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/millrace/millrace/internal/connector"
	"github.com/millrace/millrace/internal/dbt"
	"github.com/millrace/millrace/internal/dbt/manifest"
	"github.com/millrace/millrace/internal/engine/sequence"
	"github.com/millrace/millrace/internal/engine/sync/run"
	"github.com/millrace/millrace/internal/engine/timetable"
	"github.com/millrace/millrace/internal/kind/alerting"
	"github.com/millrace/millrace/internal/kind/bitool"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/dbtproject"
	"github.com/millrace/millrace/internal/kind/model"
	kindmonitor "github.com/millrace/millrace/internal/kind/monitor"
	"github.com/millrace/millrace/internal/kind/orchestrator"
	kindsequence "github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/value"
)

// anyValue describes a value of a row: what JSON can hold.
type anyValue struct{}

// Schema returns a schema that takes everything.
func (anyValue) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Description: "null, a boolean, a number, text, an array or an object"}
}

// schemas returns the registry of the API description's types. Types of other packages carry their
// package's name, since several packages have a Column or a Field.
func schemas() huma.Registry {
	own := reflect.TypeFor[Server]().PkgPath()
	r := huma.NewMapRegistry("#/components/schemas/", func(t reflect.Type, hint string) string {
		name := camel(strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body"))
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
			t = t.Elem()
		}
		if pkg := t.PkgPath(); pkg != "" && pkg != own && t.Name() != "" {
			base := path.Base(pkg)
			name = strings.ToUpper(base[:1]) + base[1:] + name
		}
		return name + ofPackage(t, own)
	})
	r.RegisterTypeAlias(reflect.TypeFor[value.Value](), reflect.TypeFor[anyValue]())
	return r
}

// ofPackage ends the name of a page of another package's things: several packages have a Type.
func ofPackage(t reflect.Type, own string) string {
	_, of, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	at := strings.LastIndexByte(of, '.')
	if !generic || at < 0 || of[:at] == own {
		return ""
	}
	return "Of" + camel(path.Base(of[:at]))
}

// camel joins the parts of an operation's id, after which types without a name are called.
func camel(name string) string {
	parts := strings.Split(name, "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}

// anyName is the component that stands for every JSON value.
const anyName = "Json"

// refinement is what Go's type of a property does not say: the words that it may be, that it holds any JSON,
// that it may be null, or that it is a list which is never null.
type refinement struct {
	words    []any
	json     bool
	nullable bool
	present  bool
}

func words[T ~string](all ...T) refinement {
	r := refinement{}
	for _, w := range all {
		r.words = append(r.words, string(w))
	}
	return r
}

var (
	anyJSON   = refinement{json: true}
	orNull    = refinement{nullable: true}
	present   = refinement{present: true}
	modeWords = words(connector.ModeUpdate, connector.ModeInsert, connector.ModeUpsert, connector.ModeAdd, connector.ModeRemove,
		connector.ModeArchive, connector.ModeAll, connector.ModeSnapshot, connector.ModeDiff, connector.ModeTrigger)
	deleteWords    = words(connector.DeleteBehaviors...)
	operationAll   = words(connector.Operations...)
	columnTypes    = words(value.Types...)
	rowStatuses    = words(run.RowSucceeded, run.RowFailed, run.RowAborted, run.RowRejected, run.RowPending)
	terminateWords = words(kindsequence.TerminateRejected, kindsequence.TerminateFatal, kindsequence.TerminateNever)
	channelTypes   = words(channel.Email, channel.Slack, channel.PagerDuty, channel.SMS, channel.Webhook)
	levelWords     = words(alerting.LevelsAll, alerting.LevelsCritical)
	weekdays       = words("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
)

// always is the refinement of a list which, with the lists in it, is never null.
func (r refinement) always() refinement {
	r.present = true
	return r
}

// refinements are by component and property. They only describe answers; what is sent is checked by the kinds.
var refinements = map[string]map[string]refinement{
	"ConnectorDestinationInfo": {"tier": words(connector.TierNative, connector.TierManifest, connector.TierCustom)},
	"ConnectorModeRule":        {"deletes": deleteWords, "defaultDelete": deleteWords},
	"Run":                      {"state": words(run.States...), "error": orNull},
	"Row":                      {"operation": operationAll, "status": rowStatuses, "values": anyJSON, "before": anyJSON},
	"OneRow":                   {"operation": operationAll, "status": rowStatuses, "values": anyJSON, "before": anyJSON},
	"TestRows":                 {"operations": operationAll.always()},
	"TestColumn":               {"type": columnTypes},
	"TestableRow":              {"values": anyJSON.always()},
	"Edit":                     {"type": columnTypes, "value": anyJSON},
	"TestedRow":                {"operation": operationAll, "outcome": words(run.TrialSucceeded, run.TrialRejected, run.TrialInDoubt, run.TrialNotSent), "values": anyJSON, "error": orNull},
	"SourceStatus":             {"lastTest": orNull},
	"DestinationStatus":        {"lastTest": orNull},
	"StorageStatus":            {"lastTest": orNull},
	"StorageSpec":              {"configuration": anyJSON},
	"CredentialSpec":           {"configuration": anyJSON},
	"StorageOverview":          {"switch": orNull},
	"StorageSwitch":            {"error": orNull},
	"StorageSync":              {"mode": modeWords},
	"StorageType":              {"fields": present},
	"SyncLogs":                 {"written": orNull, "error": orNull, "givenUp": orNull},
	"SyncStatus":               {"lastRun": orNull, "lastSkip": orNull},
	"Skip":                     {"reason": words(timetable.Reasons...)},
	"SequenceStatus":           {"lastRun": orNull, "lastSkip": orNull},
	"SequenceSpec":             {"steps": present},
	"SequenceStep":             {"terminate": terminateWords},
	"SequenceRun":              {"state": words(sequence.States...), "error": orNull},
	"SequenceRunStep":          {"state": words(sequence.StepStates...), "terminate": terminateWords, "run": orNull},
	"AlertChannelStatus":       {"lastNotice": orNull},
	"MonitorStatus":            {"lastReport": orNull},
	"ChannelSpec":              {"configuration": anyJSON, "type": channelTypes, "levels": levelWords},
	"ChannelInfo":              {"slug": channelTypes},
	"MonitorSpec":              {"configuration": anyJSON, "type": words(kindmonitor.Datadog)},
	"MonitorInfo":              {"slug": words(kindmonitor.Datadog)},
	"AlertingRecipient":        {"levels": levelWords},
	"AlertingTriggerType":      {"compare": words(alerting.AtLeast, alerting.Above, alerting.Below)},
	"SourceSpec":               {"configuration": anyJSON},
	"DestinationSpec":          {"configuration": anyJSON},
	"ModelSpec":                {"method": words(model.Methods...)},
	"ModelColumn":              {"type": columnTypes, "cast": columnTypes},
	"ValueColumn":              {"type": columnTypes},
	"SyncSpec":                 {"mode": modeWords, "delete": deleteWords, "settings": anyJSON, "inDoubt": words(sync.InDoubtReport, sync.InDoubtResend)},
	"SyncMapping":              {"kind": words("", sync.FromColumn, sync.FromStatic, sync.FromVariable, sync.FromTemplate, sync.FromObject, sync.FromArray), "value": anyJSON},
	"SyncSchedule":             {"type": words(sync.ScheduleManual, sync.ScheduleInterval, sync.ScheduleCron, sync.ScheduleCustom, sync.ScheduleDBTCloud, sync.ScheduleFivetran)},
	"SyncInterval":             {"unit": words("minute", "hour", "day", "week")},
	"SyncAfter":                {"jobs": present},
	"BitoolSpec":               {"configuration": anyJSON, "type": words(bitool.Looker, bitool.Sigma)},
	"BitoolInfo":               {"slug": words(bitool.Looker, bitool.Sigma)},
	"OrchestratorSpec":         {"configuration": anyJSON, "type": words(orchestrator.DBTCloud, orchestrator.Fivetran)},
	"OrchestratorInfo":         {"slug": words(orchestrator.DBTCloud, orchestrator.Fivetran)},
	"SyncRecurrence":           {"days": weekdays.always()},
	"ConnectorSourceInfo":      {"methods": words(model.Methods...), "engines": words("basic", "lightning")},
	"ConnectorSyncType":        {"modes": modeWords, "deletes": deleteWords, "compare": words(connector.CompareMapped, connector.CompareAll)},
	"ConnectorShowIf":          {"in": present},
	"ConnectorMatchRule":       {"modes": modeWords},
	"ConnectorTable":           {"kind": words("table", "view")},
	"ConnectorField":           {"default": anyJSON, "type": words(connector.FieldString, connector.FieldText, connector.FieldSecret, connector.FieldNumber, connector.FieldBoolean, connector.FieldSelect, connector.FieldList, connector.FieldHeaders, connector.FieldObject, connector.FieldCredential)},
	"Change":                   {"from": anyJSON, "to": anyJSON},
	"Preview":                  {"rows": anyJSON.always()},

	"ModelStatus":          {"drift": orNull, "dbt": orNull},
	"Drift":                {"added": present, "removed": present, "retyped": present, "renamed": present},
	"ModelRetyped":         {"from": columnTypes, "to": columnTypes},
	"ConnectorTargetField": {"type": words(connector.TargetTypes...)},
	"CastFailure":          {"to": columnTypes},
	"ConnectorMappingRule": {"clear": anyJSON},
	"Tried":                {"value": anyJSON},
	"DBTProjectStatus":     {"manifest": orNull, "refresh": orNull},
	"DBTRefresh":           {"state": words(dbt.RefreshStates...), "error": orNull},
	"DbtprojectSpec":       {"origin": words(dbtproject.Origins...), "configuration": anyJSON},
	"DbtprojectInfo":       {"slug": words(dbtproject.Origins...)},
	"DBTNode":              {"read": words(manifest.Accesses...)},
	"DBTNodeDetail":        {"read": words(manifest.Accesses...)},
	"DBTWay":               {"read": words(manifest.Accesses...), "error": orNull},
	"DBTOfModel":           {"read": words(manifest.Accesses...), "node": orNull, "error": orNull},
	"ModelDBT":             {"read": words(manifest.Accesses...)},
}

// refine writes into the API's description what Go's types do not say. A property that is not there is a
// programming error.
func refine(components huma.Registry) {
	all := components.Map()
	all[anyName] = &huma.Schema{Description: "any JSON value", AnyOf: []*huma.Schema{
		{Type: "null"}, {Type: huma.TypeBoolean}, {Type: huma.TypeNumber}, {Type: huma.TypeString},
		{Type: huma.TypeArray, Items: &huma.Schema{}}, {Type: huma.TypeObject, AdditionalProperties: anyRef()},
	}}
	for component, properties := range refinements {
		for name, r := range properties {
			if all[component] == nil || all[component].Properties[name] == nil {
				panic(fmt.Sprintf("api: the description has no %s.%s", component, name))
			}
			all[component].Properties[name] = r.apply(all[component].Properties[name])
		}
	}
}

func anyRef() *huma.Schema { return &huma.Schema{Ref: "#/components/schemas/" + anyName} }

// apply returns a property's schema with the refinement, which is about the innermost items of a list.
func (r refinement) apply(s *huma.Schema) *huma.Schema {
	switch {
	case r.nullable:
		return &huma.Schema{AnyOf: []*huma.Schema{s, {Type: "null"}}}
	case s.Type == huma.TypeArray:
		s.Nullable = s.Nullable && !r.present
		s.Items = r.apply(s.Items)
	case r.json && s.Type == huma.TypeObject:
		s.AdditionalProperties = anyRef()
	case r.json:
		return anyRef()
	case len(r.words) > 0:
		s.Enum = r.words
	}
	return s
}
