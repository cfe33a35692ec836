package app

import (
	"github.com/millrace/millrace/internal/config"
	"github.com/millrace/millrace/internal/connector"
	httprequest "github.com/millrace/millrace/internal/destination/http"
	"github.com/millrace/millrace/internal/destination/local"
	"github.com/millrace/millrace/internal/destination/postgres"
	"github.com/millrace/millrace/internal/destination/s3"
	"github.com/millrace/millrace/internal/httpx"
	"github.com/millrace/millrace/internal/kind/channel"
	"github.com/millrace/millrace/internal/kind/credential"
	"github.com/millrace/millrace/internal/kind/destination"
	"github.com/millrace/millrace/internal/kind/model"
	"github.com/millrace/millrace/internal/kind/sequence"
	"github.com/millrace/millrace/internal/kind/source"
	"github.com/millrace/millrace/internal/kind/storage"
	"github.com/millrace/millrace/internal/kind/sync"
	"github.com/millrace/millrace/internal/kind/tunnel"
	"github.com/millrace/millrace/internal/resource"
	"github.com/millrace/millrace/internal/source/duckdb"
	"github.com/millrace/millrace/internal/source/file"
	pgsource "github.com/millrace/millrace/internal/source/postgres"
	"github.com/millrace/millrace/internal/source/sample"
)

// Connectors returns everything that this build can read from and write to.
func Connectors(c *config.Config) *connector.Registry {
	network := networkOf(c)
	reach := duckdb.Reach{Root: c.SourcesRoot, Deny: []string{c.Home}}
	sources := append([]connector.SourceInfo{pgsource.Info(), duckdb.Info(reach), file.Info(reach)}, sample.Infos()...)
	return connector.New(sources, []connector.DestinationInfo{
		httprequest.Info(network), local.Info(c.FilesRoot), postgres.Info(), s3.Info(),
	})
}

// networkOf is where connections that people configure may go.
func networkOf(c *config.Config) httpx.Network {
	if c.Network == config.NetworkPublic {
		return httpx.PublicOnly
	}
	return httpx.AnyNetwork
}

// Storages returns the providers that workspaces can have buckets of their own at.
func Storages(c *config.Config) []storage.Type { return storage.Types(c.StorageIdentity == "true") }

// Kinds returns the kinds of documents, in the order in which they build on each other.
func Kinds(r *connector.Registry, storages []storage.Type, credentials []credential.Type) *resource.Registry {
	return resource.NewRegistry(credential.Kind(credentials), tunnel.Kind(), storage.Kind(storages), channel.Kind(), source.Kind(r), destination.Kind(r), model.Kind(r), sync.Kind(r), sequence.Kind())
}
