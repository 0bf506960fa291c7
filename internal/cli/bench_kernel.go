package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hone/internal/bench"
)

func (a *app) benchKernelCommand() *cobra.Command {
	var (
		f             benchFlags
		rows, workers []int
	)
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "Measure matrix products at a model's shapes",
		Long: "Measure the matrix products of a model, forward and transposed, on packed weights that come from memory as in training, in f32, bf16 and int8 " +
			"(one of them with --set model.dtype). The product \"in cache\" is the most that the kernels reach. Only the model's config.json is read; without a model or a shape they are SmolLM2-135M's.",
		Example: "hone bench kernel --shape smollm-135m\nhone bench kernel --shape smollm-135m --rows 512 --workers 1,2,4,8,16 --json",
	}
	cmd.RunE = a.command(noArgs, func(ctx context.Context, _ []string) error {
		for _, n := range rows {
			if n < 1 || n > 1<<14 {
				return usagef("--rows %d: must be 1 to %d", n, 1<<14)
			}
		}
		for _, n := range workers {
			if n < 1 || n > 1024 {
				return usagef("--workers %d: must be 1 to 1024", n)
			}
		}
		o, err := a.benchOptions(&f, "")
		if err != nil {
			return err
		}
		err = a.benchKernel(ctx, bench.KernelOptions{Options: o, Rows: rows, Workers: workers})
		return benchError(err)
	})
	f.add(cmd, false)
	cmd.Flags().IntSliceVar(&rows, "rows", []int{1, 4, 16, 128, 512, 1024}, "rows of the products: tokens of a forward pass")
	cmd.Flags().IntSliceVar(&workers, "workers", nil, "numbers of workers, also more than there are cores; default 1 and threads")
	return cmd
}

// benchKernel writes products as they are measured: with --json a line each,
// else a line a product with a column a number of workers.
func (a *app) benchKernel(ctx context.Context, o bench.KernelOptions) error {
	if a.json {
		return bench.MeasureKernel(ctx, o, func(p bench.Product) error { return a.out.line(p) })
	}
	var all []bench.Product
	if err := bench.MeasureKernel(ctx, o, func(p bench.Product) error { all = append(all, p); return nil }); err != nil {
		return err
	}
	first := all[0]
	a.out.printf("%s on %s (%s, %s), GFLOP/s\nkernels: %s\n", oneLine(first.Model), oneLine(first.CPU), plural(first.Cores, "core"), first.OS, first.Why)
	t := a.table()
	head := []string{"product", "weight", "type", "rows"}
	for _, p := range all {
		if p.Name != first.Name || p.DType != first.DType {
			break
		}
		head = append(head, plural(p.Threads, "worker"))
	}
	t.row(head...)
	for columns := len(head) - 4; len(all) > 0; all = all[columns:] {
		p := all[0]
		cells := []string{p.Name, fmt.Sprintf("%d x %d", p.N, p.K), p.DType, fmt.Sprint(p.Rows)}
		for _, q := range all[:columns] {
			cells = append(cells, fmt.Sprintf("%.1f", q.GFlops))
		}
		t.row(cells...)
	}
	t.flush()
	return nil
}
