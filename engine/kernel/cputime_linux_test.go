package kernel

import "golang.org/x/sys/unix"

// cpuSeconds is the processor time of this process, all its threads together.
func cpuSeconds() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return float64(t.Sec) + float64(t.Nsec)*1e-9
}
