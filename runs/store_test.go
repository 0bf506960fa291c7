package runs

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestListResolveRemove(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	s := Store{Root: filepath.Join(t.TempDir(), "runs"), Now: func() time.Time { return now }}
	if list, err := s.List(); err != nil || len(list) != 0 {
		t.Errorf("a store that does not exist: %v %v", list, err)
	}
	if _, err := s.Resolve("latest"); !errors.Is(err, ErrNotFound) {
		t.Errorf("latest of none: %v", err)
	}
	var open *Writer
	for i, name := range []string{"alpha", "beta", "gamma"} {
		w, err := s.Create(name, now)
		if err != nil {
			t.Fatal(err)
		}
		for step := 1; step <= 100*i; step++ {
			loss := Number(1 / float64(step))
			if step == 42 {
				loss = Number(math.NaN())
			}
			if err := w.Append(Step{Step: step, Loss: loss}); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range []Eval{{Step: 25, Split: "eval", ExactMatch: 0.75}, {Step: 50, Split: "eval", ExactMatch: 0.5}} {
			if i == 1 {
				if err := w.Append(e); err != nil {
					t.Fatal(err)
				}
			}
		}
		now = now.Add(time.Minute)
		if i == 2 {
			open = w
			break
		}
		if err := w.Update(func(info *RunInfo) { info.State = Finished }); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for dir, file := range map[string]string{"2026-11-23-1400-broken": InfoName, "not-a-run": "readme", ".hidden": InfoName} {
		if err := os.MkdirAll(filepath.Join(s.Root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.Root, dir, file), []byte("{"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, r.ID+" "+r.State)
	}
	want := "2026-11-23-1532-gamma stale, 2026-11-23-1531-beta finished, 2026-11-23-1530-alpha finished, 2026-11-23-1400-broken unreadable"
	if strings.Join(got, ", ") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, ", "), want)
	}
	beta := list[1]
	if beta.Name != "beta" || beta.Step != 100 || beta.Loss == nil || *beta.Loss != 0.01 || beta.Last.ExactMatch != 0.5 || beta.Best.ExactMatch != 0.75 || beta.ElapsedSeconds != 60 {
		t.Errorf("%+v", beta)
	}
	if len(beta.Spark) != sparkColumns || beta.Spark[0].Max != 1 || beta.Spark[sparkColumns-1].Min != 0.01 || beta.Spark[13].NonFinite != 1 {
		t.Errorf("%+v", beta.Spark)
	}
	if list[2].Loss != nil || list[2].Last != nil || len(list[2].Spark) != 0 || list[3].Error == "" {
		t.Errorf("%+v", list[2:])
	}
	if _, err := json.Marshal(list); err != nil {
		t.Error(err)
	}

	for _, test := range []struct {
		ref, want string
		err       error
	}{
		{"latest", "2026-11-23-1532-gamma", nil},
		{"2026-11-23-1531-beta", "2026-11-23-1531-beta", nil},
		{"2026-11-23-1531", "2026-11-23-1531-beta", nil},
		{"2026-11-23-15", "", ErrAmbiguous},
		{"beta", "", ErrNotFound},
		{"", "", ErrNotFound},
		{"..", "", ErrNotFound},
		{filepath.Join(s.Root, "2026-11-23-1530-alpha") + "/", "2026-11-23-1530-alpha", nil},
		{filepath.Join(s.Root, "not-a-run"), "", ErrNotFound},
	} {
		dir, err := s.Resolve(test.ref)
		if !errors.Is(err, test.err) || test.err == nil && (err != nil || filepath.Base(dir) != test.want) {
			t.Errorf("%q: %s, %v", test.ref, dir, err)
		}
	}
	if _, err := s.Resolve("2026"); err == nil || !strings.Contains(err.Error(), "gamma, 2026") {
		t.Errorf("%v", err)
	}

	if err := s.Remove("2026-11-23-1532"); !errors.Is(err, ErrRunning) {
		t.Errorf("removing a run that is written: %v", err)
	}
	if err := open.Append(Step{Step: 900}); err != nil {
		t.Error(err)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]error{"": ErrNotFound, "latest": ErrNotFound, "2026-11-23": ErrAmbiguous, "../runs": ErrNotFound, filepath.Join(s.Root, "2026-11-23-1530-alpha"): ErrNotFound, "not-a-run": ErrNotFound} {
		if err := s.Remove(ref); !errors.Is(err, want) {
			t.Errorf("removing %q: %v", ref, err)
		}
	}
	if err := s.Remove("2026-11-23-1532-gamma"); err != nil { // killed: its state says running, its lock is free
		t.Error(err)
	}
	entries, err := os.ReadDir(s.Root)
	if err != nil || len(entries) != 5 {
		t.Errorf("%v %v", entries, err)
	}
}
