// SPDX-License-Identifier: GPL-2.0

// Times Go's sync.Pool in the cases that Go's own benchmarks do not have, with the same
// protocol and the same output as lab.c: lab-go CASE [-cpus N] [-ms N].
//
// Each goroutine has a thread of its own, pinned like those of lab.c. The garbage collector
// runs only in the cases that are about it.
package main

import (
	"flag"
	"fmt"
	"math/bits"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The values of lab.c.
const (
	depthMax       = 1000
	chunk          = 8192
	handoffObjects = 4096
	waySlots       = 1024
	wayBatch       = 32
	agingDepth     = 24
	agingIdle      = 100000
	burstObjects   = 1000000
)

type object [256]byte

var (
	cpus   = flag.Int("cpus", 1, "CPUs")
	ms     = flag.Float64("ms", 60, "milliseconds")
	pool   sync.Pool
	result [64]struct {
		ops uint64
		ns  float64
		_   [48]byte
	}
	arrived, stop uint32
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, "lab-go:", err)
	os.Exit(1)
}

func print(metric string, value float64, unit string) {
	fmt.Printf("%s\t%.6g\t%s\n", metric, value, unit)
}

// allowed lists the CPUs of the machine that this process may use.
func allowed() (list []int) {
	var mask [128]uint64
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, 0,
		unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))); errno != 0 {
		fail(errno)
	}
	for cpu := 0; cpu < len(mask)*64; cpu++ {
		if mask[cpu/64]>>(cpu%64)&1 != 0 {
			list = append(list, cpu)
		}
	}
	return list
}

func pin(cpu int) {
	var mask [128]uint64
	runtime.LockOSThread()
	mask[cpu/64] |= 1 << (cpu % 64)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0,
		unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask))); errno != 0 {
		fail(errno)
	}
}

// run runs the loop once on each of n CPUs.
func run(n int, loop func(cpu int)) {
	var done sync.WaitGroup
	runtime.GOMAXPROCS(n)
	machine := allowed()
	atomic.StoreUint32(&arrived, 0)
	atomic.StoreUint32(&stop, 0)
	for cpu := 0; cpu < n; cpu++ {
		done.Add(1)
		go func(cpu int) {
			pin(machine[cpu%len(machine)])
			loop(cpu)
			done.Done()
		}(cpu)
	}
	done.Wait()
}

func beginTogether(n int) time.Time {
	atomic.AddUint32(&arrived, 1)
	for int(atomic.LoadUint32(&arrived)) < n {
	}
	return time.Now()
}

func stopped() bool {
	return atomic.LoadUint32(&stop) != 0
}

func goOn(began time.Time) bool {
	if float64(time.Since(began)) > *ms*1e6 {
		atomic.StoreUint32(&stop, 1)
	}
	return !stopped()
}

func get() any {
	x := pool.Get()
	if x == nil {
		x = new(object)
	}
	return x
}

func depth(n int) {
	run(*cpus, func(cpu int) {
		var objs [depthMax]any
		for round := 0; round < 10; round++ {
			for i := 0; i < n; i++ {
				objs[i] = get()
			}
			for i := 0; i < n; i++ {
				pool.Put(objs[i])
			}
		}
		ops := uint64(0)
		began := beginTogether(*cpus)
		for more := true; more; more = goOn(began) {
			i := 0
			for ; i < chunk; i += n {
				for j := 0; j < n; j++ {
					objs[j] = get()
				}
				for j := 0; j < n; j++ {
					pool.Put(objs[j])
				}
			}
			ops += uint64(i)
		}
		result[cpu].ns = float64(time.Since(began))
		result[cpu].ops = ops
	})
	ops, ns := uint64(0), 0.0
	for cpu := 0; cpu < *cpus; cpu++ {
		ops += result[cpu].ops
		ns += result[cpu].ns
	}
	print("time", ns/float64(ops), "ns/pair")
}

var way struct {
	sent     uint64
	_        [56]byte
	received uint64
	_        [56]byte
	slot     [waySlots]any
}

func wayWait(counter *uint64, atLeast uint64) bool {
	for atomic.LoadUint64(counter) < atLeast {
		if stopped() {
			return false
		}
	}
	return true
}

func handoff() {
	run(2, func(cpu int) {
		if cpu == 1 {
			objs := make([]any, handoffObjects)
			for i := range objs {
				objs[i] = get()
			}
			for i := range objs {
				pool.Put(objs[i])
			}
			beginTogether(2)
			for received := uint64(0); wayWait(&way.sent, received+wayBatch); {
				for i := uint64(0); i < wayBatch; i++ {
					pool.Put(way.slot[(received+i)%waySlots])
				}
				received += wayBatch
				atomic.StoreUint64(&way.received, received)
			}
			return
		}
		began := beginTogether(2)
		sent := uint64(0)
		for {
			if sent >= waySlots && !wayWait(&way.received, sent+wayBatch-waySlots) {
				break
			}
			for i := uint64(0); i < wayBatch; i++ {
				way.slot[(sent+i)%waySlots] = get()
			}
			sent += wayBatch
			atomic.StoreUint64(&way.sent, sent)
			if sent%chunk == 0 && !goOn(began) {
				break
			}
		}
		result[cpu].ns = float64(time.Since(began))
		result[cpu].ops = sent
	})
	print("time", result[0].ns/float64(result[0].ops), "ns/object")
}

const rangeBits = 5

var (
	histogram        [64 << rangeBits]uint64
	samples, longest uint64
)

func rangeOf(t uint64) int {
	if t < 2<<rangeBits {
		return int(t)
	}
	power := 63 - bits.LeadingZeros64(t)
	return (power-rangeBits)<<rangeBits + int(t>>(power-rangeBits))
}

func rangeStart(r int) uint64 {
	power := r >> rangeBits
	if power < 2 {
		return uint64(r)
	}
	return (1<<rangeBits + uint64(r)&(1<<rangeBits-1)) << (power - 1)
}

func sample(began time.Time) {
	t := uint64(time.Since(began))
	histogram[rangeOf(t)]++
	samples++
	if t > longest {
		longest = t
	}
}

func percentile(p float64) float64 {
	wanted, seen := uint64(float64(samples)*p/100), uint64(0)
	for i, n := range histogram {
		seen += n
		if seen > wanted {
			return float64(rangeStart(i))
		}
	}
	return float64(longest)
}

func measured() {
	var objs [agingDepth]any
	began := beginTogether(2)
	for more := true; more; more = goOn(began) {
		for n := 0; n < chunk; n += agingDepth {
			for i := range objs {
				t := time.Now()
				objs[i] = get()
				sample(t)
			}
			for i := range objs {
				t := time.Now()
				pool.Put(objs[i])
				sample(t)
			}
		}
	}
}

func ageInMode(name string, busy, aging bool) {
	histogram = [64 << rangeBits]uint64{}
	samples, longest = 0, 0
	run(2, func(cpu int) {
		if cpu == 0 {
			measured()
			return
		}
		objs := make([]any, agingIdle)
		beginTogether(2)
		for busy && !stopped() {
			for i := range objs {
				objs[i] = get()
			}
			for i := range objs {
				pool.Put(objs[i])
				objs[i] = nil
			}
			if aging {
				runtime.GC()
				runtime.GC()
			}
		}
	})
	for _, p := range []struct {
		name string
		p    float64
	}{{"p50", 50}, {"p99", 99}, {"p999", 99.9}, {"p9999", 99.99}} {
		print(name+" "+p.name, percentile(p.p), "ns")
	}
	print(name+" longest", float64(longest), "ns")
	above := uint64(0)
	for i := rangeOf(20000); i < len(histogram); i++ {
		above += histogram[i]
	}
	print(name+" above 20 us", float64(above), "ops")
}

func aging() {
	ageInMode("quiet", false, false)
	ageInMode("busy", true, false)
	ageInMode("aging", true, true)
}

func burst() {
	run(1, func(cpu int) {
		objs := make([]any, burstObjects)
		for i := range objs {
			x := new(object)
			x[0] = 1
			objs[i] = x
		}
		began := time.Now()
		for i := range objs {
			pool.Put(objs[i])
			objs[i] = nil
		}
		print("put", float64(time.Since(began))/burstObjects, "ns/object")
		kept := 0
		for i := range objs {
			if objs[i] = pool.Get(); objs[i] == nil {
				break
			}
			kept++
		}
		print("kept", float64(kept), "objects")
		for i := range objs[:kept] {
			pool.Put(objs[i])
			objs[i] = nil
		}
		began = time.Now()
		// The first collection ages the objects, the second frees them.
		runtime.GC()
		runtime.GC()
		print("free", float64(time.Since(began))/burstObjects, "ns/object")
		left := 0
		for pool.Get() != nil {
			left++
		}
		print("left", float64(left), "objects")
	})
}

func main() {
	cases := map[string]func(){
		"depth8":    func() { depth(8) },
		"depth1000": func() { depth(depthMax) },
		"handoff":   handoff,
		"aging":     aging,
		"burst":     burst,
	}
	if len(os.Args) < 2 || cases[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: lab-go depth8|depth1000|handoff|aging|burst [-cpus N] [-ms N]")
		os.Exit(2)
	}
	flag.CommandLine.Parse(os.Args[2:])
	debug.SetGCPercent(-1)
	cases[os.Args[1]]()
}
