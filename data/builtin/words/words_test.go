package words

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var pools = map[string][]string{
	"given": Given, "surnames": Surnames, "cities": Cities, "animals": Animals, "nouns": Nouns, "adjectives": Adjectives,
	"verbs": Verbs, "topics": Topics, "subjects": Subjects, "products": Products, "activities": Activities, "venues": Venues, "rooms": Rooms,
	"groups": Groups, "platforms": Platforms,
}

func TestPoolsAreCleanAndWide(t *testing.T) {
	entry := regexp.MustCompile(`^[\p{L}&]+([ -][\p{L}]+)*$`)
	total := 0
	for name, pool := range pools {
		total += len(pool)
		seen := map[string]bool{}
		for _, e := range pool {
			if seen[e] {
				t.Errorf("%s: %q twice", name, e)
			}
			seen[e] = true
			if !entry.MatchString(e) {
				t.Errorf("%s: %q is not words", name, e)
			}
		}
	}
	if total < 4000 {
		t.Errorf("%d entries in all, want thousands", total)
	}
}

func TestSplitHoldsOutAFixedShare(t *testing.T) {
	for name, pool := range pools {
		train, held := Split(pool)
		if len(train)+len(held) != len(pool) {
			t.Errorf("%s: %d + %d entries of %d", name, len(train), len(held), len(pool))
		}
		share := float64(len(held)) / float64(len(pool))
		switch {
		case slices.Contains([]string{"activities", "venues", "rooms", "groups", "platforms"}, name):
			if len(held) > 0 {
				t.Errorf("%s: held out %q", name, held)
			}
		case share < 0.10 || share > 0.22:
			t.Errorf("%s: %.2f held out", name, share)
		}
	}
	if HeldOut("Rose") != HeldOut("rose") {
		t.Error("a word is held out by its case")
	}
}

// The split is part of the data: base model, train rows and test rows are made at different
// times and must agree on it.
func TestSplitIsPinned(t *testing.T) {
	_, held := Split(Given)
	if got := strings.Join(held[:8], " "); got != pinned {
		t.Errorf("the first held-out given names are %q, were %q: the base model must be trained again", got, pinned)
	}
}

func TestInvent(t *testing.T) {
	name := regexp.MustCompile(`^[A-Z][a-z]{3,8}$`)
	r, again := rand.New(rand.NewPCG(1, 2)), rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{}
	held := 0
	const n = 5000
	for range n {
		s := Invent(r)
		if s != Invent(again) {
			t.Fatal("the same seed gives other names")
		}
		if !name.MatchString(s) {
			t.Fatalf("%q", s)
		}
		seen[s] = true
		if HeldOut(s) {
			held++
		}
	}
	if len(seen) < n*9/10 {
		t.Errorf("%d different names of %d", len(seen), n)
	}
	if share := float64(held) / n; share < 0.13 || share > 0.21 {
		t.Errorf("%.2f of the invented names held out", share)
	}
	for _, want := range []bool{true, false} {
		if s := InventFrom(r, want); HeldOut(s) != want {
			t.Errorf("InventFrom(%v) = %q", want, s)
		}
	}
}

func TestTitle(t *testing.T) {
	for in, want := range map[string]string{"coffee shop": "Coffee Shop", "élan": "Élan", "": "", "HR": "HR"} {
		if got := Title(in); got != want {
			t.Errorf("Title(%q) = %q, want %q", in, got, want)
		}
	}
}

const pinned = "Adela Akemi Alessio Alexei Alvaro Andrei Andrew André"
