// Package kernel holds the arithmetic that the engine spends its time in:
// matrix products, the vector functions of a transformer, and the worker pool
// that spreads them over the cores. All values are float32, but for packed
// weights, which may be bf16 or int8; all matrices are row-major slices with a leading
// dimension (the distance between rows, in elements), so a sub-matrix is a slice
// and a stride.
//
// A frozen weight is packed once and multiplied many times:
//
//	pool := kernel.NewPool(0)
//	defer pool.Close()
//	w := kernel.NewPacked(out, in)     // weight [out, in]
//	w.SetRows(0, weight, in, out)
//	pool.GemmNT(y, out, x, in, tokens, w, false) // y[tokens, out] = x[tokens, in] * w^T
//
// A matrix that is used once is multiplied where it lies with [Pool.GemmNN].
// [SerialNT] and [SerialNN] run on the calling goroutine, for blocks inside a
// task of [Pool.Run].
//
// # Kernel sets
//
// The same functions exist in several sets: "avx512bf16", "avx512" and "avx2" on
// amd64 and "neon" on arm64 are assembly, written by the generator in the module
// gen; "plain" is Go and runs anywhere. The best set that the CPU can run is chosen at start; [Use] or
// the environment variable HONE_KERNELS forces one; [Describe] tells people
// which it is and why. Sets round differently, so a run that is to be repeated
// bit for bit records [Active].
//
// # bf16
//
// A weight packed as [BF16] is the upper half of a float32, in half
// the memory. What is set is rounded to nearest, ties to even. How it is
// multiplied is a matter of the set:
//
//   - avx512bf16 multiplies bf16 natively (VDPBF16PS). Activations are rounded
//     to bf16, once a call; sums are float32. The instruction adds the product of
//     the odd k before that of the even one, rounds each sum to nearest even, and
//     takes denormals for zero and makes none. [ComputesBF16] is true.
//   - avx512, avx2, neon and plain expand the weight to float32 and compute in it: the
//     result has the bits of the product by the rounded weight in float32. It is
//     as fast as that, and twice as fast where a few rows are multiplied and
//     reading the weight is what takes the time.
//
// # int8
//
// A weight packed as [Int8] takes 9/32 of the memory of float32: one byte a value, and
// for every 32 of a row along k two halves, a step and a least value; a value is byte *
// step + least. What is set moves by half a step at most, where 255 steps span its 32
// values, and not at all where it came from GGUF's Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0, whose
// blocks are the same. Nothing else is rounded: every set expands the weight as it goes
// and computes in float32, so that a product has the bits of the product by the rounded
// weight. A few rows are multiplied straight from the bytes, at up to 3.5 times the speed
// of float32, as reading the weight is what takes the time; for many a strip is expanded
// once.
//
// # What is not proven
//
// The sets avx512 and avx512bf16 have been run by the interpreter of the
// generator's tests, instruction by instruction, but not yet on a processor that
// has them. The set neon passes all tests under an emulator of arm64 (qemu-user);
// its speed on a real one is unmeasured.
//
// # Determinism
//
// Every element of a product is one chain of additions over k in ascending
// order, cut into blocks that depend on k alone. It therefore depends only on
// its row of A, its column of B and the set: not on the number of workers, not
// on which worker computed it, and not on how many other rows were computed
// along with it. All sets but plain fuse the multiplication with the addition,
// so that their products of float32 have the same bits, on any machine; the
// native products of bf16 and the vector functions differ.
//
// # Memory
//
// Nothing is allocated in the steady state. Lengths are checked once a call: a
// slice that is too short for its shape is a mistake of the caller and panics
// before anything is written. No kernel reads or writes outside its slices.
package kernel

//go:generate sh -c "cd gen && go run . -out .."
