package data

import (
	"context"
	"fmt"
)

// Facet is a word of the query language that is worth offering, with how many
// rows have what it says.
type Facet struct {
	Query string // "has:attendees"
	Means string
	Rows  int  // of the split that was asked about
	Order bool // it sorts and leaves no row out: Rows says nothing
}

// Facets counts what there is to be listed of a split. Facets that no row has are
// left out. The error is that of ctx, or of a split that there is not.
func (x *Index) Facets(ctx context.Context, split string, loss LossOf) ([]Facet, error) {
	var out []Facet
	count := func(query, means string) error {
		q, err := x.Parse(query)
		if err != nil {
			return nil // a field whose name no query can say
		}
		found, err := x.Search(ctx, split, q, loss)
		if err == nil && found.Summary.Rows > 0 {
			out = append(out, Facet{Query: query, Means: means, Rows: found.Summary.Rows})
		}
		return err
	}
	whole, err := x.Search(ctx, split, Query{}, nil)
	if err != nil {
		return nil, err
	}
	for f, name := range x.schema {
		filled := whole.Summary.Filled[f]
		for _, o := range []Facet{
			{Query: "has:" + quotedName(name), Means: "has a value for " + name, Rows: filled},
			{Query: "no:" + quotedName(name), Means: "has none for " + name, Rows: whole.Summary.Rows - filled},
		} {
			if o.Rows > 0 {
				out = append(out, o)
			}
		}
	}
	for _, s := range []struct{ query, means string }{
		{"is:unseen", "has a word that no train row has"},
		{"is:bad", "an error or a warning names it, or it is dropped"},
		{"is:dropped", "too long to be trained on"},
		{"is:measured", "its loss is known"},
	} {
		if err := count(s.query, s.means); err != nil {
			return nil, err
		}
	}
	for _, id := range x.ids {
		if err := count("is:"+id, "the finding names it"); err != nil {
			return nil, err
		}
	}
	if whole.Summary.P95 < whole.Summary.Max && x.encoded {
		if err := count(fmt.Sprintf("tokens>%d", whole.Summary.P95), "the longest, above 95 of 100"); err != nil {
			return nil, err
		}
	}
	for _, o := range []Facet{
		{Query: "sort:longest", Means: "longest first"},
		{Query: "sort:shortest", Means: "shortest first"},
		{Query: "sort:hardest", Means: "highest loss first; measures what was not"},
		{Query: "sort:easiest", Means: "lowest loss first; measures what was not"},
	} {
		o.Order = true
		out = append(out, o)
	}
	for s, name := range append(Splits(), AllSplits) {
		n := x.Rows()
		if s < 3 {
			n = len(x.columns[s].rows)
		}
		if n > 0 {
			out = append(out, Facet{Query: "split:" + name, Means: "rows of " + name, Rows: n})
		}
	}
	return out, nil
}
