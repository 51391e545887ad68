package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// document is an SPDX document, version 2.3: https://spdx.github.io/spdx-spec/v2.3.
type document struct {
	SPDXVersion   string         `json:"spdxVersion"`
	DataLicense   string         `json:"dataLicense"`
	SPDXID        string         `json:"SPDXID"`
	Name          string         `json:"name"`
	Namespace     string         `json:"documentNamespace"`
	Creation      creationInfo   `json:"creationInfo"`
	Packages      []spdxPackage  `json:"packages"`
	Relationships []relationship `json:"relationships"`
}

type creationInfo struct {
	Created  string   `json:"created"`
	Creators []string `json:"creators"`
}

type spdxPackage struct {
	SPDXID           string        `json:"SPDXID"`
	Name             string        `json:"name"`
	Version          string        `json:"versionInfo"`
	FileName         string        `json:"packageFileName,omitempty"`
	DownloadLocation string        `json:"downloadLocation"`
	FilesAnalyzed    bool          `json:"filesAnalyzed"`
	Checksums        []checksum    `json:"checksums,omitempty"`
	SourceInfo       string        `json:"sourceInfo,omitempty"`
	LicenseConcluded string        `json:"licenseConcluded"`
	LicenseDeclared  string        `json:"licenseDeclared"`
	Copyright        string        `json:"copyrightText"`
	Purpose          string        `json:"primaryPackagePurpose"`
	References       []externalRef `json:"externalRefs"`
}

type checksum struct {
	Algorithm string `json:"algorithm"`
	Value     string `json:"checksumValue"`
}

type externalRef struct {
	Category string `json:"referenceCategory"`
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
}

type relationship struct {
	From string `json:"spdxElementId"`
	Type string `json:"relationshipType"`
	To   string `json:"relatedSpdxElement"`
}

const (
	program     = "SPDXRef-program"
	noAssertion = "NOASSERTION"
)

// writeSBOM writes what a binary is made of, as Go recorded it in the binary itself:
// the modules that are linked, and Go's standard library. created is the only time in it.
func writeSBOM(w io.Writer, path, version string, created time.Time) error {
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return err
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(binary)
	digest := hex.EncodeToString(sum[:])
	name := filepath.Base(path)

	main := module(program, info.Main.Path, "v"+version)
	main.FileName, main.Purpose = name, "APPLICATION"
	main.Checksums = []checksum{{"SHA256", digest}}
	main.LicenseConcluded, main.LicenseDeclared = "Apache-2.0", "Apache-2.0"
	doc := document{
		SPDXVersion: "SPDX-2.3", DataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT",
		Name: name, Namespace: "https://" + info.Main.Path + "/spdx/" + name + "-" + digest,
		Creation:      creationInfo{created.UTC().Format(time.RFC3339), []string{"Tool: container-manager-dist-" + version}},
		Packages:      []spdxPackage{main, module("SPDXRef-stdlib", "stdlib", strings.TrimPrefix(info.GoVersion, "go"))},
		Relationships: []relationship{{"SPDXRef-DOCUMENT", "DESCRIBES", program}},
	}
	for i, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		p := module(fmt.Sprintf("SPDXRef-module-%d", i+1), dep.Path, dep.Version)
		p.SourceInfo = "go.sum: " + dep.Sum
		doc.Packages = append(doc.Packages, p)
	}
	for _, p := range doc.Packages[1:] {
		doc.Relationships = append(doc.Relationships, relationship{program, "STATIC_LINK", p.SPDXID})
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(doc)
}

// module is a Go module as a package. Scanners look it up by its package URL. Nothing
// is said of licences here: test/repo looks at those.
func module(id, path, version string) spdxPackage {
	return spdxPackage{
		SPDXID: id, Name: path, Version: version, Purpose: "LIBRARY",
		DownloadLocation: noAssertion, LicenseConcluded: noAssertion, LicenseDeclared: noAssertion, Copyright: noAssertion,
		// A package URL has the path in small letters, and no +, which stands for a blank:
		// the version of what is not released has one.
		References: []externalRef{{"PACKAGE-MANAGER", "purl", "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")}},
	}
}
