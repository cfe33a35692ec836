// Package dbtproject is the kind of document that makes the models and analyses of a dbt project choosable for models
// (DBT-01): which source they lie in, and where the project's manifest comes from.
package dbtproject

import (
	"slices"

	"github.com/millrace/millrace/internal/connector"
)

// KindName is the kind's name.
const KindName = "dbt-project"

// Origin is where the project's manifest comes from.
type Origin string

// The origins.
const (
	OriginManifest Origin = "manifest" // somebody loads it, such as a CI job
	OriginGit      Origin = "git"      // a branch of a repository has it, or the project that it is compiled of
	OriginCloud    Origin = "cloud"    // the runs of a job of dbt Cloud leave it
)

// Origins lists the origins.
var Origins = []Origin{OriginManifest, OriginGit, OriginCloud}

// Spec is what a person configures of a project. The manifest is no part of it.
type Spec struct {
	Source      string `json:"source"` // slug
	Origin      Origin `json:"origin"`
	Tunnel      string `json:"tunnel,omitempty"` // slug of the tunnel that the repository is reached through
	Files       string `json:"files,omitempty"`  // address under which the project's files can be seen
	Description string `json:"description,omitempty"`

	Configuration map[string]any `json:"configuration,omitempty"` // the origin's fields; secrets are references
}

// Info is what an origin says about itself.
type Info struct {
	Slug    Origin            `json:"slug"`
	Name    string            `json:"name"`
	Summary string            `json:"summary"`
	Fields  []connector.Field `json:"fields" nullable:"false"`
	Tunnels bool              `json:"tunnels"` // it can lie in a private network, and be reached through a tunnel
}

// How a repository is signed in to, and where its manifest comes from.
const (
	AuthNone  = "none"
	AuthToken = "token"
	AuthSSH   = "ssh"
	AuthApp   = "app"

	MadeCommitted = "committed"
	MadeCompiled  = "compiled"
)

// CloudURL is dbt Cloud in its first region.
// https://docs.getdbt.com/docs/cloud/about-cloud/access-regions-ip-addresses
const CloudURL = "https://cloud.getdbt.com"

// Infos lists the origins.
func Infos() []Info {
	return []Info{
		{Slug: OriginManifest, Name: "Loaded manifest", Summary: "You load manifest.json here, or the job that runs dbt does", Fields: []connector.Field{}},
		{Slug: OriginGit, Name: "Git repository", Summary: "A branch of a repository has the manifest or the project", Fields: gitFields(), Tunnels: true},
		{Slug: OriginCloud, Name: "dbt Cloud", Summary: "The runs of a job in dbt Cloud leave the manifest", Fields: cloudFields()},
	}
}

// InfoOf returns the origin's.
func InfoOf(o Origin) (Info, bool) {
	all := Infos()
	i := slices.IndexFunc(all, func(t Info) bool { return t.Slug == o })
	if i < 0 {
		return Info{}, false
	}
	return all[i], true
}

func gitFields() []connector.Field {
	auth := func(in ...string) *connector.ShowIf { return &connector.ShowIf{Field: "auth", In: in} }
	made := func(in ...string) *connector.ShowIf { return &connector.ShowIf{Field: "made", In: in} }
	return []connector.Field{
		{Name: "url", Label: "Repository", Type: connector.FieldString, Required: true, Example: "https://github.com/acme/shop.git", Help: "Its address over HTTPS or SSH, without user and password. For AWS CodeCommit it holds the ID of the SSH key."},
		{Name: "branch", Label: "Branch", Type: connector.FieldString, Help: "Empty means the repository's default branch."},
		{Name: "auth", Label: "Credentials", Type: connector.FieldSelect, Required: true, Default: AuthToken, Options: []connector.Option{
			{Value: AuthToken, Label: "HTTPS with a token"}, {Value: AuthSSH, Label: "SSH with a key"}, {Value: AuthApp, Label: "GitHub App"}, {Value: AuthNone, Label: "None: the repository is public"},
		}},
		{Name: "username", Label: "User", Type: connector.FieldString, ShowIf: auth(AuthToken), Help: "Empty where the server takes a token with any name. GitHub Enterprise wants the full user name."},
		{Name: "token", Label: "Token", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: auth(AuthToken), Help: "A personal or project access token that may read the repository."},
		{Name: "key", Label: "Private key", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: auth(AuthSSH), Help: "The whole file, without a passphrase."},
		{Name: "hostKey", Label: "Host key", Type: connector.FieldString, Advanced: true, ShowIf: auth(AuthSSH), Example: "ssh-ed25519 AAAA…", Help: "The server's public key. Empty: the first one that it shows is kept."},
		{Name: "appId", Label: "App ID", Type: connector.FieldString, Required: true, ShowIf: auth(AuthApp), Help: "The ID of a GitHub App of yours that may read the repository's contents."},
		{Name: "installationId", Label: "Installation ID", Type: connector.FieldString, Required: true, ShowIf: auth(AuthApp), Help: "The number at the end of the installation's address."},
		{Name: "appKey", Label: "Private key of the app", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: auth(AuthApp), Help: "The .pem file that GitHub made."},
		{Name: "apiUrl", Label: "API address", Type: connector.FieldString, Advanced: true, ShowIf: auth(AuthApp), Default: "https://api.github.com", Help: "Of GitHub Enterprise Server: https://HOST/api/v3."},
		{Name: "made", Label: "Manifest", Type: connector.FieldSelect, Required: true, Default: MadeCommitted, Options: []connector.Option{
			{Value: MadeCommitted, Label: "It is in the repository"}, {Value: MadeCompiled, Label: "This server compiles the project", Help: "The operator of the server must have set up dbt."},
		}},
		{Name: "path", Label: "Path of the manifest", Type: connector.FieldString, Default: "target/manifest.json", ShowIf: made(MadeCommitted)},
		{Name: "folder", Label: "Folder of the project", Type: connector.FieldString, ShowIf: made(MadeCompiled), Example: "analytics/dbt", Help: "The one with dbt_project.yml. Empty: it is looked for."},
		{Name: "profiles", Label: "profiles.yml", Type: connector.FieldSecret, Secret: true, Required: true, ShowIf: made(MadeCompiled), Help: "The whole file, with the profile that dbt_project.yml names. dbt connects to the warehouse with it."},
		{Name: "schema", Label: "Default schema", Type: connector.FieldString, ShowIf: made(MadeCompiled), Example: "dbt_production", Help: "Where dbt builds what names no schema of its own; BigQuery calls it a dataset. Empty: as profiles.yml says."},
		{Name: "target", Label: "Target", Type: connector.FieldString, ShowIf: made(MadeCompiled), Help: "Of the profile; empty means its default. It decides which schemas the models are in."},
		{Name: "select", Label: "Selector", Type: connector.FieldString, ShowIf: made(MadeCompiled), Example: "tag:reverse_etl", Help: "Which models are compiled, as dbt's --select. Empty means all."},
	}
}

func cloudFields() []connector.Field {
	return []connector.Field{
		{Name: "baseUrl", Label: "dbt Cloud address", Type: connector.FieldString, Required: true, Default: CloudURL, Help: "The access URL of your region or account, such as https://emea.getdbt.com or https://ab123.us1.dbt.com."},
		{Name: "token", Label: "API token", Type: connector.FieldSecret, Secret: true, Required: true, Help: "A service token or a personal access token that may read jobs and their artifacts."},
		{Name: "accountId", Label: "Account ID", Type: connector.FieldString, Required: true, Help: "The first number in the address of the job's page."},
		{Name: "jobId", Label: "Job ID", Type: connector.FieldString, Required: true, Help: "The last number in that address. The job must have a step that compiles: compile, build or run."},
	}
}
