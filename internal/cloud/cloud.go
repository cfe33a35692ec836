// Package cloud is what an application shows to the providers of clouds to be let in: the credentials that storages,
// sources and destinations share.
//
// Each type decodes from the JSON of a credential's configuration and gives what the provider's own libraries take.
// The addresses of token services can be replaced, for other partitions and for tests.
package cloud

// The providers.
const (
	ProviderAWS   = "aws"
	ProviderGCP   = "gcp"
	ProviderAzure = "azure"
)

// AuthServer stands for the identity that the server itself has at the provider, such as the role of its machine.
const AuthServer = "server"
