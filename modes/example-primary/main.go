// Command example-primary is a mode of one's own, as a third party would write
// it: the plugin's whole main is below, the mode is in package primary. It is
// the protocol that consequor's predecessor had, and it is broken: package
// primary says how, its tests show it.
//
//	go build -o primary ./modes/example-primary
//	sha256sum primary
//
// and in a topology:
//
//	mode: primary
//	replicas: 3
//	modes: {primary: {plugin: ./primary, sha256: THE SUM}}
package main

import (
	"consequor/modes/example-primary/primary"
	"consequor/modes/modeplugin"
)

func main() { modeplugin.Serve(primary.Describe(), primary.New) }
