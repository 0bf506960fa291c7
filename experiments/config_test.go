package experiments

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// shared returns the path of a reference file, or skips the test.
func shared(t *testing.T, path string) string {
	t.Helper()
	p := filepath.Join("..", "..", "shared", filepath.FromSlash(path))
	if _, err := os.Stat(p); err != nil {
		if os.Getenv("HONE_REQUIRE_SHARED") == "1" {
			t.Fatalf("reference file: %v", err)
		}
		t.Skipf("no reference file: %v", err)
	}
	return p
}

// The design's example file is the defaults, key by key.
func TestDesignFileIsTheDefault(t *testing.T) {
	text, err := os.ReadFile(shared(t, "DESIGN.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, block, ok := strings.Cut(string(text), "```toml\n")
	block, _, ok2 := strings.Cut(block, "```")
	if !ok || !ok2 {
		t.Fatal("no toml block in the design")
	}
	c, err := Parse([]byte(block))
	if err != nil {
		t.Fatal(err)
	}
	if d := Diff(c, Default()); len(d) != 0 {
		t.Errorf("differs from the defaults: %v", d)
	}
	var names []string
	section := ""
	for _, line := range strings.Split(block, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line[1:strings.IndexByte(line, ']')] + "."
		} else if key, _, ok := strings.Cut(line, " = "); ok {
			names = append(names, section+key)
		}
	}
	later := []string{ // not in the design: for training from random weights, and what others have
		"model.init", "train.save", "train.optimizer", "train.beta2",
		"lora.target_regex", "lora.layers", "lora.rank_pattern", "lora.alpha_pattern", "train.decay", "train.decay_shape", "train.loraplus_ratio",
		"train.neftune_alpha", "train.best_by", "train.early_stopping", "train.patience", "train.min_delta", "train.preflight",
		"data.columns", "data.chat_template", "data.turns", "lora.exclude_modules", "lora.exclude_regex",
	}
	var ours []string
	for _, k := range Keys() {
		if !slices.Contains(later, k.Name) {
			ours = append(ours, k.Name)
		}
	}
	if !reflect.DeepEqual(names, ours) {
		t.Errorf("keys\n%v\nwant\n%v", ours, names)
	}
}

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	for _, k := range Keys() {
		if got, err := Default().Get(k.Name); err != nil {
			t.Error(err)
		} else if v, _ := tomlValue(got); !sameTOML(v, mustValue(t, k.Default)) {
			t.Errorf("%s: default is written %s, the table says %s", k.Name, got, k.Default)
		}
	}
}

func mustValue(t *testing.T, text string) any {
	t.Helper()
	v, err := tomlValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func sameTOML(a, b any) bool {
	x, ok1 := asFloat(a)
	y, ok2 := asFloat(b)
	return ok1 && ok2 && x == y || reflect.DeepEqual(a, b)
}

func TestProblemsAreReportedTogether(t *testing.T) {
	_, err := Parse([]byte(`name = "x"
sead = 1
method = "qlora"

[lora]
rr = 4
r = 0
dropout = 1.0
targets = ["q_proj", "k_prj"]

[train]
epochs = 2.5
learning_rate = 1e-3
memory = "4 parsecs"
on_nonfinite = "ignore"
lr = nan
schedule = "cosin"

[trian]
epochs = 3

[model]
dtype = "int4"
`))
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatalf("error %v", err)
	}
	want := []struct {
		at, key, message string
	}{
		{"2:1", "sead", "is not a key; the nearest is seed"},
		{"3:1", "method", `must be "lora" or "full", not "qlora"`},
		{"6:1", "lora.rr", "is not a key; the nearest is lora.r"},
		{"7:1", "lora.r", "must be 1 to 1024, not 0"},
		{"8:1", "lora.dropout", "must be from 0 to below 1, not 1"},
		{"9:1", "lora.targets", `the nearest is "k_proj"`},
		{"12:1", "train.epochs", "must be a whole number (1 to 10000), not 2.5"},
		{"13:1", "train.learning_rate", "is not a key; the nearest is train.lr"},
		{"14:1", "train.memory", `"4 parsecs" is not a size`},
		{"15:1", "train.on_nonfinite", `must be "halt", "skip-row", "skip-step" or "rewind", not "ignore"`},
		{"16:1", "train.lr", "must be above 0, at most 10, not nan"},
		{"17:1", "train.schedule", `must be "constant", "linear", "cosine" or "wsd", not "cosin"`},
		{"19:2", "[trian]", "is not a section; the nearest is [train]"},
		{"23:1", "model.dtype", `must be "auto", "f32", "bf16" or "int8", not "int4"`},
	}
	if len(p.List) != len(want) {
		t.Errorf("%d problems, want %d:\n%v", len(p.List), len(want), err)
	}
	for i, q := range p.List {
		if i >= len(want) {
			break
		}
		w := want[i]
		if fmt.Sprintf("%d:%d", q.Line, q.Column) != w.at || q.Key != w.key || !strings.Contains(q.Message, w.message) {
			t.Errorf("problem %d:\n%+v\nwant\n%+v", i, q, w)
		}
	}
	if got := p.For("lora.r"); got != "must be 1 to 1024, not 0" {
		t.Errorf("For: %q", got)
	}
	if !strings.Contains(err.Error(), "line 7:1: lora.r must be 1 to 1024, not 0\n") {
		t.Errorf("text:\n%v", err)
	}
}

func TestUnusualSpellings(t *testing.T) {
	for _, test := range []struct{ text, problem string }{
		{"train = {epochs = 3, lr = 1e-3}\nlora.r = 8", ""},
		{"seed = 1\ntrain = {epochs = 0, lr = 1e-3}", "2:10: train.epochs must"},
		{"lora . r = 0", "1:1: lora.r must"},
		{"'train'.\"epochs\" = 3", ""},
		{"Seed = 1", "1:1: Seed is not a key; the nearest is seed"},
		{"[Train]\nlr = 1.0", "1:2: [Train] is not a section; the nearest is [train]"},
		{"lr = 1e-3", "1:1: lr is not a key; the nearest is train.lr"},
		{"model = \"x\"", "1:1: model is a section, not a value; the nearest key is model.path"},
		{"[[train]]\nlr = 1e-3", "train is a section"},
		{"[lora.r]\nx = 1", "lora.r must be a whole number (1 to 1024), not a table"},
		{"seed = 1\nseed = 2", "2:1: "},
		{"seed = ", "1:7: "},
		{"seed = -1", "seed must be 0 to 9007199254740991, not -1"},
		{"seed = 1e3", "seed must be a whole number"},
		{"seed = 2024-01-01", "not a date or time"},
		{"[lora]\nalpha = 16", ""},
		{"[lora]\nalpha = \"16\"", `alpha must be a number (above 0, at most 65536), not the string "16"`},
		{"[train]\nwarmup = 100", "train.warmup must be 0 to 1, not 100"},
		{"[train]\nclip = inf", "train.clip must be 0 to 1000000, not inf"},
		{"[train]\nshuffle = 1", "train.shuffle must be true or false"},
		{"[data]\nsplit = [0.5, 0.25]", "data.split must be a list of three numbers"},
		{"[data]\nsplit = [0.5, 0.25, 0.3]", "the sum of [0.5, 0.25, 0.3] is 1.05"},
		{"[data]\nsplit = [1, 0, 0]", ""},
		{"[data]\nsplit = [0, 0.5, 0.5]", "leaves no rows"},
		{"[data]\nfields = [\"a\", \"a\"]", `data.fields has "a" twice`},
		{"[data]\nfields = [1]", "data.fields must be a list of strings"},
		{"[data]\nprompt = \"x\"", "data.prompt must contain {event_text}"},
		{"[data]\nprompt = \"x\"\nformat = \"prompt-completion\"", ""},
		{"[data]\npath = \"\"", "data.path must not be empty"},
		{"[loss]\nce = 0\njson = 0\nfield = 0", "loss.ce is 0 as"},
		{"[loss]\nce = 0", ""},
		{"[lora]\ntargets = []", "lora.targets must be 1 to 256"},
		{"[train]\nmemory = \"1MB\"", "train.memory must be"},
		{"\xff", "1:"},
		{strings.Repeat("#", maxFile+1), "refused"},
	} {
		_, err := Parse([]byte(test.text))
		if test.problem == "" && err != nil || test.problem != "" && (err == nil || !strings.Contains(err.Error(), test.problem)) {
			t.Errorf("%.60q: %v, want %q", test.text, err, test.problem)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	unknown := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "unknown_%d = 1\n", i)
		}
		return []byte(b.String())
	}
	_, err := Parse(unknown(500))
	var p *Problems
	if !errors.As(err, &p) || len(p.List) != maxProblems+1 || !strings.Contains(err.Error(), "has 400 more keys") {
		t.Errorf("%d problems", len(p.List))
	}
	if _, err := Parse(unknown(maxKeys + 1)); err == nil || !strings.Contains(err.Error(), "more than 1000 keys") {
		t.Errorf("%v", err)
	}
	if _, err := Parse([]byte("x = {" + strings.Repeat("a = {", 20_000))); err == nil {
		t.Error("deep nesting was taken")
	}
}

func TestParseKeepsWhatCouldBeRead(t *testing.T) {
	c, err := Parse([]byte("seed = 7\nbogus = 1\n[train]\nepochs = \"x\"\nlr = 20.0"))
	if err == nil || c.Seed != 7 || c.Train.Epochs != Default().Train.Epochs || c.Train.LR != 20 {
		t.Errorf("%v %+v", err, c)
	}
}

func TestSet(t *testing.T) {
	for _, test := range []struct{ assignment, key, want string }{
		{"name=my run", "name", `"my run"`},
		{`name="quoted\nname"`, "name", `"quoted\nname"`},
		{`name='"x"'`, "name", `"\"x\""`},
		{`name="open`, "name", `"\"open"`},
		{"name=a=b", "name", `"a=b"`},
		{"seed=7", "seed", "7"},
		{"seed=1_000", "seed", "1000"},
		{" train.lr = 1", "train.lr", "1.0"},
		{"train.lr=3e-5", "train.lr", "3e-5"},
		{"lora.alpha=64", "lora.alpha", "64.0"},
		{`lora.targets=["q_proj","v_proj"]`, "lora.targets", `["q_proj", "v_proj"]`},
		{"data.split=[0.8,0.1,0.1]", "data.split", "[0.8, 0.1, 0.1]"},
		{"train.shuffle=false", "train.shuffle", "false"},
		{"train.memory=4GB", "train.memory", `"4GB"`},
		{"train.memory=512 MiB", "train.memory", `"512 MiB"`},
		{"model.path=org/name", "model.path", `"org/name"`},
		{"data.eos=", "data.eos", `""`},
	} {
		c := Default()
		if err := c.Set(test.assignment); err != nil {
			t.Errorf("%s: %v", test.assignment, err)
		} else if got, _ := c.Get(test.key); got != test.want {
			t.Errorf("%s: %s, want %s", test.assignment, got, test.want)
		}
	}
	for _, test := range []struct{ assignment, want string }{
		{"train.lr", `an assignment is key=value, not "train.lr"`},
		{"train.lrr=1", "train.lrr is not a key; the nearest is train.lr"},
		{"train.lr=fast", `train.lr must be a number (above 0, at most 10), not the string "fast"`},
		{"train.lr=0", "train.lr must be above 0, at most 10, not 0"},
		{"seed=1.5", "seed must be a whole number (0 to 9007199254740991), not 1.5"},
		{"seed=1\nname=2", "seed must be a whole number"},
		{"lora.targets=q_proj", "lora.targets must be a list of strings"},
		{`lora.targets=["layers.x.mlp.up_proj"]`, `lora.targets must be 1 to 256 different ends of modules' names`},
		{"lora.layers=[1, 1]", "lora.layers has 1 twice"},
		{"lora.layers=[-1]", "lora.layers must be different whole numbers, each 0 to 4095, not -1"},
		{"lora.layers=1", "lora.layers must be a list of whole numbers"},
		{"lora.rank_pattern={ q_proj = 1.5 }", `lora.rank_pattern must have names with whole numbers, each 1 to 1024; that of "q_proj" is 1.5`},
		{"lora.rank_pattern={ q_proj = true }", "lora.rank_pattern must be a table of names and numbers"},
		{"lora.rank_pattern={ '' = 1 }", "lora.rank_pattern must not have an empty name"},
		{"lora.alpha_pattern=[1]", "lora.alpha_pattern must be a table of names and numbers"},
		{"train.patience=0", "train.patience must be 1 to 10000"},
		{"train.shuffle=yes", "train.shuffle must be true or false"},
		{"name=a\xffb", "name must be valid UTF-8"},
		{"method=qlora", `method must be "lora" or "full", not "qlora"`},
		{"train.memory=-4GB", "train.memory must be"},
	} {
		c := Default()
		err := c.Set(test.assignment)
		var p *Problems
		if !errors.As(err, &p) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.assignment, err, test.want)
		}
		if len(Diff(c, Default())) != 0 {
			t.Errorf("%s: refused but applied", test.assignment)
		}
	}
	if _, err := Default().Get("nothing"); err == nil {
		t.Error("Get of an unknown key")
	}
}

func TestSetDoesNotShareSlices(t *testing.T) {
	a := Default()
	b := a.Clone()
	b.LoRA.Targets[0] = "x"
	if a.LoRA.Targets[0] != "q_proj" {
		t.Error("a clone shares its slices")
	}
}

func TestMarshalRoundTrip(t *testing.T) {
	odd := Default()
	for _, s := range []string{
		`name="tab\t quote\" back\\ \u0001 é 日本"`, "seed=9007199254740991", "train.lr=1.2345678901234567e-7",
		"train.clip=0.1", `data.fields=["a b","#","ключ"]`, "train.weight_decay=0", "lora.rslora=true",
		"data.split=[0.3333333333333333,0.3333333333333333,0.3333333333333334]", "lora.layers=[3, 0]", `lora.targets=["layers.3.mlp.up_proj"]`,
		`lora.rank_pattern={ down_proj = 32, 'layers\.\d+\.mlp\.up_proj' = 4 }`, "lora.alpha_pattern={ \"q.*\" = 0.5 }", `lora.target_regex=''`,
	} {
		if err := odd.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []Config{Default(), odd, Presets()[1].Config} {
		text, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !reflect.DeepEqual(c, back) {
			t.Errorf("%v\n%s", Diff(c, back), text)
		}
		for _, k := range Keys() {
			if !strings.Contains(string(text), k.Doc) {
				t.Errorf("no comment for %s", k.Name)
			}
		}
	}
	bad := Default()
	bad.Name = "\xff"
	if _, err := bad.Marshal(); err == nil {
		t.Error("invalid UTF-8 was written")
	}
}

func TestDiff(t *testing.T) {
	b := Default()
	b.Train.LR, b.LoRA.Targets = 1e-3, []string{"q_proj"}
	got := Diff(Default(), b)
	want := []Change{
		{"lora.targets", `["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]`, `["q_proj"]`},
		{"train.lr", "5e-4", "0.001"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestPresets(t *testing.T) {
	presets := Presets()
	if len(presets) != 4 || presets[0].Name != "report" {
		t.Fatalf("%+v", presets)
	}
	if d := Diff(presets[0].Config, Default()); len(d) != 0 {
		t.Errorf("the report's recipe is not the default: %v", d)
	}
	mine := Default()
	mine.Name, mine.Model.Path, mine.LoRA.InitAdapter = "mine", "/m", "/a"
	for _, p := range presets {
		if err := p.Config.Validate(); err != nil || p.Doc == "" {
			t.Errorf("%s: %v %q", p.Name, err, p.Doc)
		}
		if !reflect.DeepEqual(p.keys, presets[0].keys) {
			t.Errorf("%s names other keys than the report: applied after another preset it would leave a mixture", p.Name)
		}
		got := p.Apply(mine)
		if got.Name != "mine" || got.Model.Path != "/m" || got.LoRA.InitAdapter != "/a" || got.LoRA.R != p.Config.LoRA.R || got.Train.Epochs != p.Config.Train.Epochs {
			t.Errorf("%s applied: %+v", p.Name, got)
		}
	}
	if presets[1].Config.Train.Epochs >= 5 || presets[1].Config.LoRA.R >= 16 || presets[2].Config.LoRA.R <= 16 {
		t.Error("quick and careful are not around the report")
	}
}

// Without a file the built-in model has its own recipe, and what is assigned holds
// over it; a file, another model or another method has the defaults.
func TestBasis(t *testing.T) {
	file := filepath.Join(t.TempDir(), "empty.toml")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	story := Basis(Default()).Train.LR
	if story == Default().Train.LR {
		t.Fatal("the built-in model has no recipe of its own")
	}
	for _, x := range []struct {
		path string
		set  []string
		lr   float64
	}{
		{"", nil, story},
		{"", []string{"train.lr=1e-4"}, 1e-4},
		{"", []string{"train.epochs=1"}, story},
		{"", []string{"model.path=elsewhere"}, Default().Train.LR},
		{"", []string{"method=full"}, Default().Train.LR},
		{file, nil, Default().Train.LR},
	} {
		c, err := Load(x.path, x.set...)
		if err != nil || c.Train.LR != x.lr {
			t.Errorf("%q %q: learning rate %v instead of %v: %v", x.path, x.set, c.Train.LR, x.lr, err)
		}
		again := TrainCommand(c, "", c)
		set := []string{}
		for i, w := range again {
			switch w {
			case "--set":
				set = append(set, again[i+1])
			case "--model":
				set = append(set, "model.path="+again[i+1])
			}
		}
		if x.path == "" {
			if back, err := Load("", set...); err != nil || back.Train.LR != x.lr {
				t.Errorf("%q gives a learning rate of %v instead of %v: %v", again, back.Train.LR, x.lr, err)
			}
		}
	}
}

func TestLoadResolvesPaths(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.toml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "models", "local"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ in, want string }{
		{"builtin", "builtin"},
		{"org/name", "org/name"},
		{"models/local", filepath.Join(dir, "models", "local")},
		{"./org/name", filepath.Join(dir, "org", "name")},
		{"a/b.gguf", filepath.Join(dir, "a", "b.gguf")},
		{"plain", filepath.Join(dir, "plain")},
		{"a/b/c", filepath.Join(dir, "a", "b", "c")},
		{"/abs/x", "/abs/x"},
	} {
		write("[model]\npath = " + quote(test.in) + "\n[data]\npath = \"d/x.jsonl\"\n[lora]\ninit_adapter = \"../a\"")
		c, err := Load(file)
		if err != nil {
			t.Fatal(err)
		}
		if c.Model.Path != test.want {
			t.Errorf("%s: %s, want %s", test.in, c.Model.Path, test.want)
		}
		if c.Data.Path != filepath.Join(dir, "d", "x.jsonl") || c.LoRA.InitAdapter != filepath.Join(filepath.Dir(dir), "a") {
			t.Errorf("data %s, adapter %s", c.Data.Path, c.LoRA.InitAdapter)
		}
	}
}

func TestLoadWithAssignments(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "x.toml")
	if err := os.WriteFile(file, []byte("seed = 5\n[train]\nlr = 50.0\nepochs = \"many\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Load(file, "lora.r=0", "train.clip=big")
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{file + ":3:1: train.lr must", file + ":4:1: train.epochs must", "lora.r must be 1", "train.clip must"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
	c, err := Load(file, "train.lr=0.5", "train.epochs=2", "data.path=here.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	here, _ := filepath.Abs("here.jsonl")
	if c.Seed != 5 || c.Train.LR != 0.5 || c.Train.Epochs != 2 || c.Data.Path != here {
		t.Errorf("%+v", c)
	}
	if c, err := Load("", "seed=3"); err != nil || c.Seed != 3 {
		t.Errorf("%v %+v", err, c)
	}
	if _, err := Load(filepath.Join(dir, "absent.toml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"4GB": 4e9, "4gb": 4e9, "512MB": 512e6, "512 MiB": 512 << 20, "1.5GB": 15e8, "2GiB": 2 << 30, "1TB": 1e12, "100B": 100, "7kb": 7000,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "4", "GB", "-4GB", "1e3GB", "infGB", "0x10GB", "4 G B", "4.4.4GB", "99999999999TB", "auto", "."} {
		if n, err := ParseSize(text); err == nil {
			t.Errorf("%q is %d", text, n)
		}
	}
	for n, want := range map[int64]string{4e9: "4GB", 64e6: "64MB", 1500: "1500B", 0: "0B", 64e12: "64TB"} {
		if got := FormatSize(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
	c := Default()
	if c.Train.MemoryBytes() != 0 {
		t.Error("auto has a size")
	}
	c.Train.Memory = "2GB"
	if c.Train.MemoryBytes() != 2e9 {
		t.Error(c.Train.MemoryBytes())
	}
}

func TestFormatNumber(t *testing.T) {
	for x, want := range map[float64]string{
		5e-4: "5e-4", 0.001: "0.001", 1e-10: "1e-10", 1: "1", 0: "0", -2.5: "-2.5", 1e20: "1e20", 65536: "65536", math.Inf(-1): "-inf",
	} {
		if got := formatNumber(x); got != want {
			t.Errorf("%g: %s, want %s", x, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"train.epoch": "train.epochs", "lora.rank": "lora.r", "lora_alpha": "lora.alpha", "train.num_train_epochs": "train.epochs",
		"target_modules": "lora.targets", "train.max_grad_norm": "train.clip", "eval.max_new_tokens": "eval.max_new",
		"train.dropout": "lora.dropout", "data.maxlength": "data.max_length", "train.r": "lora.r", "Seed": "seed", "train.lr_scheduler_type": "train.schedule",
	} {
		if got := nearestKey(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if d := editDistance("kitten", "sitting"); d != 3 {
		t.Error(d)
	}
	if d := editDistance("form", "from"); d != 1 {
		t.Error(d)
	}
	if d := editDistance(strings.Repeat("İ", 100), "x"); d == 0 {
		t.Error(d)
	}
}

func TestKeysAreComplete(t *testing.T) {
	fields := 0
	var count func(t reflect.Type)
	count = func(t reflect.Type) {
		if t.Kind() != reflect.Struct {
			fields++
			return
		}
		for i := range t.NumField() {
			count(t.Field(i).Type)
		}
	}
	count(reflect.TypeFor[Config]())
	seen := map[any]string{}
	c := Default()
	for _, k := range Keys() {
		if k.Doc == "" || k.Range == "" || k.Default == "" || k.Kind == "" || strings.Contains(k.Doc, "\n") {
			t.Errorf("%s is not described", k.Name)
		}
		at := k.at(&c)
		if other, ok := seen[at]; ok {
			t.Errorf("%s and %s share a field", k.Name, other)
		}
		seen[at] = k.Name
		if got, ok := FindKey(k.Name); !ok || got.Name != k.Name {
			t.Errorf("FindKey(%s)", k.Name)
		}
	}
	if fields != len(keyTable) {
		t.Errorf("%d fields, %d keys", fields, len(keyTable))
	}
}

func FuzzParse(f *testing.F) {
	text, err := Default().Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte("[train]\nlr = nan\n[[data]]\nx={y={z=1}}"))
	f.Add([]byte("train = {lr = 1}\nmodel.x.y = [[]]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without a text")
			}
			return
		}
		again, err := c.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(again)
		if err != nil || len(Diff(c, back)) != 0 {
			t.Errorf("%v %v\n%s", err, Diff(c, back), again)
		}
	})
}
