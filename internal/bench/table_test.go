package bench

import (
	"errors"
	"strings"
	"testing"
)

const measurements = `{"what":"train","model":"m","dtype":"f32","threads":2,"why":"avx2: the best","cpu":"C","cores":2,"os":"linux/amd64","tokens_per_second":240,"gemm_bound":150,"share_of_bound":0.6,"peak_bytes":2000000000}
{"peer":"pytorch+peft","model":"/m","dtype":"f32","batch":8,"tokens_per_second":120,"losses":[1],"max_rss_gb":5}
{"what":"train","model":"m","dtype":"bf16","tokens_per_second":300,"gemm_bound":200,"share_of_bound":0.5,"peak_bytes":1000000000}
{"peer":"pytorch+peft","model":"/m","dtype":"bf16","batch":8,"tokens_per_second":200,"losses":[1],"max_rss_gb":4}
{"what":"train","model":"m","dtype":"f32","tokens_per_second":220,"gemm_bound":170,"share_of_bound":0.7,"peak_bytes":2000000000}
{"peer":"pytorch+peft","model":"/m","dtype":"f32","batch":8,"tokens_per_second":110,"max_rss_gb":5}
{"what":"decode","model":"m","dtype":"bf16","tokens_per_second":60,"prompt_tokens_per_second":400,"peak_bytes":500000000}
{"peer":"llama.cpp","gguf":"m-Q4_1.gguf","prompt_tokens_per_second":300,"tokens_per_second":120}
{"what":"eval","model":"m","dtype":"f32","batch":16,"seconds":20.5,"n":120,"exact_match":0.7,"tokens_per_second":300,"peak_bytes":900000000}
`

const medians = `C, 2 cores, linux/amd64, 2 threads. Kernels: avx2: the best. Rounds: 2; medians.

| train | tokens/s | share of bound | peak | peer | its tokens/s | its peak | speed | memory |
|---|---|---|---|---|---|---|---|---|
| m f32 | 230.0 | 65 % of 160 GFLOP/s | 2.00 GB | pytorch+peft f32 | 115.0 | 5.12 GB | 2.00x | 0.39 |
| m bf16 | 300.0 | 50 % of 200 GFLOP/s | 1.00 GB | pytorch+peft f32 | 115.0 | 5.12 GB | 2.61x | 0.20 |
| m bf16 | 300.0 | 50 % of 200 GFLOP/s | 1.00 GB | pytorch+peft bf16 | 200.0 | 4.10 GB | 1.50x | 0.24 |

| decode | tokens/s | prompt tokens/s | peak | peer | its tokens/s | its peak | speed | memory |
|---|---|---|---|---|---|---|---|---|
| m bf16 | 60.0 | 400 | 0.50 GB | llama.cpp m-Q4_1 | 120.0 |  | 0.50x |  |

| eval | rows | seconds | tokens/s | exact match | peak |
|---|---|---|---|---|---|
| m f32, batch 16 | 120 | 20.5 | 300.0 | 0.700 | 0.90 GB |
`

func TestTableHasMediansAndRatios(t *testing.T) {
	var out strings.Builder
	if err := Table(&out, strings.NewReader(measurements)); err != nil {
		t.Fatal(err)
	}
	if out.String() != medians {
		t.Errorf("got\n%s\nwant\n%s", &out, medians)
	}
	out.Reset()
	alone, _, _ := strings.Cut(measurements, "\n")
	if err := Table(&out, strings.NewReader(alone)); err != nil || !strings.Contains(out.String(), "| 2.00 GB | | | | | |\n") {
		t.Errorf("without peers: %v\n%s", err, &out)
	}
}

func TestTableRefusesOtherLines(t *testing.T) {
	for _, text := range []string{"", "warning: slow", `{"tokens_per_second":1}`, `{"peer":"llama.cpp","tokens_per_second":1}`, "null", `{"what":"train","threads":"two"}`} {
		if err := Table(new(strings.Builder), strings.NewReader(text)); !errors.Is(err, ErrTable) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
