package batch

// Hash is the 64-bit FNV-1a hash of token ids, each as four bytes, the lowest
// first. The same row has the same hash as encoded and as consumed.
func Hash(ids []int32) uint64 {
	h := uint64(14695981039346656037)
	for _, id := range ids {
		for shift := 0; shift < 32; shift += 8 {
			h = (h ^ uint64(uint8(uint32(id)>>shift))) * 1099511628211
		}
	}
	return h
}
