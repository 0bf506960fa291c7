package data

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxBadRows is where a file is given up as not being a dataset at all.
const maxBadRows = 100_000

// BadRowsError is the error of [Load] for a dataset with bad rows when they
// are to be refused.
type BadRowsError struct{ Rows []BadRow }

// Error lists the first rows with file, line and reason.
func (e *BadRowsError) Error() string {
	const most = 5
	var b strings.Builder
	fmt.Fprintf(&b, "%s:", count(len(e.Rows), "bad row"))
	for i, row := range e.Rows {
		if i == most {
			fmt.Fprintf(&b, "\n  and %d more", len(e.Rows)-most)
			break
		}
		fmt.Fprintf(&b, "\n  %s", row)
	}
	return b.String()
}

// Load reads a dataset: a .jsonl file, which is shuffled with o.Seed and split
// by o.Split, or a directory with a file for each split.
//
// In a directory train.jsonl is required; eval.jsonl (or validation.jsonl,
// valid.jsonl, val.jsonl) and test.jsonl may be absent, which leaves their
// splits empty and is noted. Bad rows are listed in the result, or returned as
// a [*BadRowsError] if o.BadRows is Fail. A dataset without a row to train on
// is an error that wraps [ErrNoRows].
func Load(name string, o Options) (*Dataset, error) {
	src, err := openSource(name)
	if err != nil {
		return nil, err
	}
	return src.load(o)
}

// LoadFS is [Load] for a path in a file system, such as one embedded in the
// program.
func LoadFS(fsys fs.FS, name string, o Options) (*Dataset, error) {
	src, err := sourceIn(fsys, name, name)
	if err != nil {
		return nil, err
	}
	return src.load(o)
}

func (s *source) load(o Options) (*Dataset, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	l := loader{
		source: s,
		o:      o,
		format: o.Format,
		d:      &Dataset{Source: s.name, Notes: slices.Clone(s.notes), Template: o.Template, source: s},
		sum:    sha256.New(),
	}
	l.columns, _ = parseColumns(o.Columns) // checked above
	var splits [3][]parsedRow
	for _, f := range s.files {
		rows, err := l.read(f)
		if err != nil {
			return nil, err
		}
		splits[f.split] = rows
	}
	if err := l.finish(&splits); err != nil {
		return nil, err
	}
	return l.d, nil
}

// loader is one call of Load.
type loader struct {
	*source
	o       Options
	format  Format // Auto until a row has settled it
	d       *Dataset
	sum     hash.Hash
	ignored tally
	columns mapping
	cut     int  // chat rows with turns after the last of the assistant
	table   bool // rows have come from a table
}

// read returns the usable rows of one file, in its order.
func (l *loader) read(f sourceFile) ([]parsedRow, error) {
	shown := l.display(f.name)
	file, err := l.fsys.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("reading the dataset: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	lines := newRecordReader(io.TeeReader(file, sum), f.name)
	var rows []parsedRow
	for index := 0; ; {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, errLongLine) {
			return nil, fmt.Errorf("reading %s: %w", shown, err)
		}
		if err == nil && len(bytes.Trim(line, " \t\r")) == 0 {
			continue
		}
		var row parsedRow
		var turns []parsedRow
		if err == nil {
			var found Format
			var o *Object
			header := lines.comma != 0 && lines.header == nil
			if o, err = lines.object(line); header {
				if err != nil {
					return nil, fmt.Errorf("reading %s: line %d: %w", shown, lines.line, err)
				}
				continue
			}
			if err == nil {
				o, err = l.columns.rename(o)
			}
			if err == nil {
				if row, found, err = parseFields(o, l.format); err == nil {
					l.format = found
					turns, err = l.turns(row)
				}
			}
		}
		if err != nil {
			l.bad(shown, lines.line, err)
			if len(l.d.Bad) > maxBadRows {
				return nil, fmt.Errorf("reading %s: more than %d bad rows; is this a .jsonl file? %s", shown, maxBadRows, l.d.Bad[0])
			}
		} else {
			for _, turn := range turns {
				turn.File, turn.Line, turn.Index = shown, lines.line, index
				turn.at, turn.sum = lines.at, lineSum(line)
				rows = append(rows, turn)
			}
			if row.cut > 0 {
				l.cut++
			}
			for _, key := range row.ignored {
				l.ignored.add(key)
			}
		}
		index++
	}
	l.addFileHash(l.sum, f, sum)
	l.table = l.table || lines.comma != 0
	return rows, nil
}

func (l *loader) bad(file string, line int, reason error) {
	l.d.Bad = append(l.d.Bad, BadRow{File: file, Line: line, Reason: reason.Error()})
}

func (l *loader) note(format string, args ...any) {
	l.d.Notes = append(l.d.Notes, fmt.Sprintf(format, args...))
}

// finish settles the schema, fills in prompts and completions and splits.
func (l *loader) finish(splits *[3][]parsedRow) error {
	d := l.d
	if len(splits[0]) == 0 {
		return l.noRows("in " + l.display(l.files[0].name))
	}
	d.Format = l.format
	if l.table || len(l.columns) > 0 {
		l.note("columns: %s", l.columns.took(l.format, splits[0][0]))
	}
	if d.Format == Events {
		if err := CheckTemplate(l.o.Template); err != nil {
			return err
		}
	}
	if l.cut > 0 {
		l.note("turns after the assistant's last one were left out: %s", count(l.cut, "row"))
	}
	if len(l.ignored.names) > 0 {
		l.note("keys of rows that mean nothing here were ignored: %s", &l.ignored)
	}

	if d.Format == Text && len(l.o.Fields) > 0 {
		return errors.New("fields: rows of text have none; they are for answers that are JSON objects")
	}
	asObjects := len(l.o.Fields) > 0 || mostlyObjects(splits[0])
	if asObjects {
		for i := range splits {
			splits[i] = l.onlyObjects(splits[i])
		}
	}
	l.sortBad()
	if l.o.BadRows == Fail && len(d.Bad) > 0 {
		return &BadRowsError{Rows: d.Bad}
	}
	if l.single {
		all := splits[0]
		// The turns of a conversation stay in one split: each has seen those before it.
		whole := conversations(all)
		train, eval, _ := splitSizes(len(whole), l.o.Split)
		*splits = [3][]parsedRow{}
		for i, from := range Shuffled(len(whole), l.o.Seed) {
			split := 2
			switch {
			case i < train:
				split = 0
			case i < train+eval:
				split = 1
			}
			splits[split] = append(splits[split], whole[from]...)
		}
		for i, name := range Splits() {
			if len(all) > 0 && len(splits[i]) == 0 && l.o.Split[i] > 0 {
				l.note("the %s split is empty: %s for a share of %g", name, count(len(whole), "row"), l.o.Split[i])
			}
		}
	}
	if len(splits[0]) == 0 {
		return l.noRows("for the train split")
	}
	if asObjects {
		if err := l.settleSchema(splits[0]); err != nil {
			return err
		}
	}
	if asObjects && len(d.Schema) == 0 {
		l.note("every completion is an empty object: completions are treated as text")
	}
	switch {
	case d.Format == Text:
		l.note("rows are texts that are learned as a whole, every token but the first: nothing is generated from them, their scores are loss and perplexity")
	case !asObjects:
		l.noteText(splits)
	}
	d.Train, d.Eval, d.Test = l.complete(splits[0]), l.complete(splits[1]), l.complete(splits[2])
	l.noteKeys(splits)
	d.Hash = hex.EncodeToString(l.sum.Sum(nil))
	return nil
}

// noRows is the error for a dataset that nothing can be trained on.
func (l *loader) noRows(where string) error {
	err := fmt.Errorf("%w %s", ErrNoRows, where)
	if len(l.d.Bad) > 0 {
		err = fmt.Errorf("%w: %w", err, &BadRowsError{Rows: l.d.Bad})
	}
	return fmt.Errorf("reading %s: %w", l.name, err)
}

// onlyObjects moves rows whose completion is no object to the bad ones.
func (l *loader) onlyObjects(rows []parsedRow) []parsedRow {
	return slices.DeleteFunc(rows, func(r parsedRow) bool {
		if r.Object == nil {
			l.bad(r.File, r.Line, fmt.Errorf("the completion is not a JSON object as the others are: %w", r.notObject))
		}
		return r.Object == nil
	})
}

// sortBad orders bad rows by file, as the files were read, and line.
func (l *loader) sortBad() {
	order := map[string]int{}
	for i, f := range l.files {
		order[l.display(f.name)] = i
	}
	slices.SortStableFunc(l.d.Bad, func(a, b BadRow) int {
		if a.File != b.File {
			return order[a.File] - order[b.File]
		}
		return a.Line - b.Line
	})
}

func (l *loader) settleSchema(train []parsedRow) error {
	if len(l.o.Fields) == 0 {
		schema, err := discoverSchema(train)
		l.d.Schema = schema
		return err
	}
	for _, field := range l.o.Fields {
		if !slices.ContainsFunc(train, func(r parsedRow) bool { return r.Object.find(field) >= 0 }) {
			return fmt.Errorf("fields: no train completion has the key %s; the first one has %s", quote(field), someKeys(train[0].Object.keys))
		}
	}
	l.d.Schema = slices.Clone(l.o.Fields)
	return nil
}

func (l *loader) noteText(splits *[3][]parsedRow) {
	objects, total := 0, 0
	for _, rows := range splits {
		for _, r := range rows {
			total++
			if r.Object != nil {
				objects++
			}
		}
	}
	l.note("completions are text, not JSON objects (%d of %d are): no fields, and the json and field terms of the loss are off", objects, total)
}

// complete turns parsed rows into the dataset's rows.
func (l *loader) complete(parsed []parsedRow) []Row {
	rows := make([]Row, len(parsed))
	for i, p := range parsed {
		r := p.Row
		switch l.d.Format {
		case Chat, Text:
		case Events:
			r.Prompt = Render(l.o.Template, r.Event)
		default:
			r.Event, _ = Extract(l.o.Template, r.Prompt)
		}
		switch {
		case l.d.JSON():
			r.Object, _ = r.Object.Restrict(l.d.Schema)
			r.Completion = CompletionText(r.Object, l.d.Schema)
		case r.Object != nil:
			if !p.quoted {
				r.Completion = r.Object.String()
			}
			r.Object = nil
		}
		if n := len(r.Messages); n > 0 {
			r.Messages[n-1].Content = r.Completion
		}
		rows[i] = r
	}
	return rows
}

// noteKeys says where completions differ from the schema or from the source.
func (l *loader) noteKeys(splits *[3][]parsedRow) {
	if !l.d.JSON() {
		return
	}
	var missing, extra tally
	rewritten := 0
	for i, name := range Splits() {
		for j, r := range l.d.rows(name) {
			source := splits[i][j]
			if source.quoted && source.Completion != r.Completion {
				rewritten++
			}
			for _, key := range l.d.Schema {
				if source.Object.find(key) < 0 {
					missing.add(key)
				}
			}
			for _, key := range source.Object.keys {
				if !slices.Contains(l.d.Schema, key) {
					extra.add(key)
				}
			}
		}
	}
	if len(missing.names) > 0 {
		l.note("completions that lack a key of the schema are trained without it: %s", &missing)
	}
	if len(extra.names) > 0 {
		l.note("keys of completions that are not in the schema were left out: %s", &extra)
	}
	if rewritten > 0 {
		l.note("%s rewritten in the schema's key order and spacing", count(rewritten, "completion"))
	}
}

// display returns the name of a file of the source as the user would write it.
func (s *source) display(name string) string {
	if s.single {
		return s.name
	}
	return path.Join(s.name, path.Base(name))
}
