package data_test

import (
	"context"
	"fmt"
	"testing/fstest"

	"hone/data"
)

func ExampleLoadFS() {
	files := fstest.MapFS{"set/train.jsonl": {Data: []byte(
		`{"event_text": "Lunch with Zoe", "output": {"action": "Lunch", "attendees": ["Zoe"]}}` + "\n" +
			`{"event_text": "Gym", "output": {"attendees": null, "action": "Gym"}}` + "\n" +
			`{"event_text": "Broken", "output": {`,
	)}}
	d, err := data.LoadFS(files, "set", data.DefaultOptions())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Schema)
	for _, row := range d.Train {
		fmt.Println(row.Position(), row.Completion)
	}
	for _, bad := range d.Bad {
		fmt.Println(bad)
	}
	index := data.NewIndex(d, nil, data.Preflight(d, nil, nil, 0))
	query, err := index.Parse("has:attendees -gym")
	if err != nil {
		fmt.Println(err)
		return
	}
	found, err := index.Search(context.Background(), data.Train, query, nil)
	fmt.Println(found.Rows, err)
	// Output:
	// [action attendees]
	// set/train.jsonl:1 {"action": "Lunch", "attendees": ["Zoe"]}
	// set/train.jsonl:2 {"action": "Gym", "attendees": null}
	// set/train.jsonl:3: is not a JSON object: unexpected end in place of a key
	// [0] <nil>
}
