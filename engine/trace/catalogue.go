package trace

import (
	"slices"
	"sync"
)

// Class says where a failure mode is met.
type Class string

// The classes.
const (
	InHone   Class = "A" // can happen in Hone: a rule finds it, an injector makes it
	InLogs   Class = "B" // shows in the logs of other tools
	InOthers Class = "C" // a bug of other engines, that Hone's is built not to have
)

// Mode is one way in which training fails. The texts are for people.
type Mode struct {
	ID     string
	Also   []string // other names of the same mode
	Number int      // in the list of 42; 0 for what the list does not have
	Class  Class
	Title  string // what is wrong, in a few words
	See    string // what you see
	Why    string // why it happens
	Find   string // how Hone finds it
	Do     string // what to do
	// Artefact: what the log shows in place of the truth, and no cause by itself.
	Artefact bool
	// Normal: it looks like a failure and is none.
	Normal bool
}

// Catalogue is every failure mode that Hone knows.
var Catalogue = slices.Concat(dataModes, numericModes, gradientModes, logModes, preflightModes)

// byID indexes the catalogue by every name.
var byID = sync.OnceValue(func() map[string]*Mode {
	index := make(map[string]*Mode, len(Catalogue))
	for i := range Catalogue {
		m := &Catalogue[i]
		index[m.ID] = m
		for _, name := range m.Also {
			index[name] = m
		}
	}
	return index
})

// ByID finds a mode by its id or another of its names.
func ByID(id string) (Mode, bool) {
	m, ok := byID()[id]
	if !ok {
		return Mode{}, false
	}
	return *m, true
}
