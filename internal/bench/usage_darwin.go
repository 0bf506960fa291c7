package bench

import "golang.org/x/sys/unix"

// peakBytes is the most memory that this process has held at a time.
func peakBytes() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss // bytes here, not kilobytes
}

// cpuName is what the CPU calls itself; "" where it does not say.
func cpuName() string {
	name, err := unix.Sysctl("machdep.cpu.brand_string")
	if err != nil {
		return ""
	}
	return name
}
