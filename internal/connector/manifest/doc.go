// Package manifest is the language in which most destinations are written: a YAML file that says how a vendor's API is
// connected to, what it takes, how rows become requests and what its answers mean. A person who has not seen this code
// can write one; Load reports every mistake with its line.
//
// Texts are Liquid templates with types (package template); conditions and expressions are what stands between {{ and
// }} of one. What a manifest cannot say is a Hook in Go beside it. A new word of the language needs three destinations
// that use it.
package manifest
