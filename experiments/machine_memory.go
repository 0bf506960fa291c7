package experiments

import (
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// memoryBudget is what a run may use, in bytes: train.memory, no more than the
// machine has; where that is not set two thirds of what the machine has, no more
// than is free. It is 4 GB where the machine does not say.
func memoryBudget(c Config) int64 {
	root := os.DirFS("/")
	return budget(c.Train.MemoryBytes(), memoryOf(root), freeMemory(root))
}

func budget(asked, total, free int64) int64 {
	switch {
	case asked > 0 && total > 0:
		return min(asked, total)
	case asked > 0:
		return asked
	case total == 0:
		return 4e9
	case free > 0:
		return min(total/3*2, free)
	}
	return total / 3 * 2
}

// usableMemory is the memory in bytes that this process could have on an idle
// machine, 0 where that is not known.
func usableMemory() int64 { return memoryOf(os.DirFS("/")) }

// memoryOf is the machine's memory, or what a control group allows of it.
func memoryOf(root fs.FS) int64 {
	total := procSize(root, "proc/meminfo", "MemTotal:")
	if limit := groupLimit(root); limit > 0 && (total == 0 || limit < total) {
		return limit
	}
	return total
}

// freeMemory is what the machine could give without swapping, what this process
// has already among it.
func freeMemory(root fs.FS) int64 {
	free := procSize(root, "proc/meminfo", "MemAvailable:")
	if free == 0 {
		return 0
	}
	return free + procSize(root, "proc/self/status", "VmRSS:")
}

// procSize is the size that a line of a file of /proc tells, 0 if there is none.
func procSize(root fs.FS, name, key string) int64 {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// groupLimit is the least memory that the control groups of this process allow,
// of either version, 0 if they do not say.
func groupLimit(root fs.FS) int64 {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return 0
	}
	var least int64
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) < 3 {
			continue
		}
		mount, file := "sys/fs/cgroup", "memory.max"
		if fields[1] != "" {
			if fields[1] != "memory" {
				continue
			}
			mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		}
		// A limit of a group holds for those in it. In a container the path may be
		// the host's and the container's own group the root.
		for dir := path.Clean("/" + fields[2]); ; dir = path.Dir(dir) {
			limit, err := fs.ReadFile(root, path.Join(mount, dir, file))
			if n, bad := strconv.ParseInt(strings.TrimSpace(string(limit)), 10, 64); err == nil && bad == nil && n > 0 && (least == 0 || n < least) {
				least = n
			}
			if dir == "/" {
				break
			}
		}
	}
	return least
}
