package kernel

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestUse(t *testing.T) {
	defer use(t, Active())
	names := Sets()
	if names[len(names)-1] != "plain" {
		t.Errorf("sets %v do not end with plain", names)
	}
	for _, name := range names {
		use(t, name)
		if Active() != name {
			t.Errorf("%s is active after Use(%q)", Active(), name)
		}
	}
	for _, name := range []string{"", "auto"} {
		use(t, "plain")
		use(t, name)
		if Active() != names[0] {
			t.Errorf("%s is active after Use(%q)", Active(), name)
		}
	}
	err := Use("abacus")
	if err == nil || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
		t.Errorf("an unknown set gives %v", err)
	}
	if !slices.Contains(names, "avx512") && Use("avx512") == nil {
		t.Error("a set that the CPU cannot run is accepted")
	}
}

// The environment is read at start, so each value needs a process of its own.
func TestEnvironment(t *testing.T) {
	if os.Getenv("HONE_KERNELS_TEST") == "1" {
		err := StartError()
		if os.Getenv("HONE_KERNELS") == "plain" {
			if Active() != "plain" || err != nil {
				t.Errorf("active %s, error %v", Active(), err)
			}
		} else if Active() != Sets()[0] || err == nil || !strings.Contains(err.Error(), "HONE_KERNELS") {
			t.Errorf("active %s, error %v", Active(), err)
		}
		return
	}
	for _, name := range []string{"plain", "abacus"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestEnvironment$")
		cmd.Env = append(os.Environ(), "HONE_KERNELS_TEST=1", "HONE_KERNELS="+name)
		out, err := cmd.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("the system cannot run the test's own program: it runs under an emulator")
		}
		if err != nil {
			t.Errorf("HONE_KERNELS=%s: %v\n%s", name, err, out)
		}
	}
}
