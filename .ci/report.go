//go:build ignore

// Command report reads the output of go test -json, prints the line of each package and all that failing tests have
// written, and fails when a test failed, or was skipped for want of a variable named in its arguments:
//
//	go test -json ./... | report TEST_POSTGRES_URL TEST_REDIS_URL
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// event is one line of go doc test2json.
type event struct {
	Action, Package, Test, Output string
}

func main() {
	needs := os.Args[1:]
	output := make(map[string]*strings.Builder) // of tests that have not ended
	var passed, skipped, failed int
	var unmet []string

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text())
			continue
		}
		name := e.Package + " " + e.Test
		switch e.Action {
		case "build-output":
			fmt.Print(e.Output)
		case "build-fail":
			failed++
		case "output":
			if e.Test == "" {
				if !strings.Contains(e.Output, "[no test files]") && e.Output != "PASS\n" && !strings.HasPrefix(e.Output, "-test.shuffle ") {
					fmt.Print(e.Output)
				}
				continue
			}
			if output[name] == nil {
				output[name] = new(strings.Builder)
			}
			output[name].WriteString(e.Output)
		case "pass", "skip", "fail":
			text := ""
			if output[name] != nil {
				text = output[name].String()
				delete(output, name)
			}
			switch {
			case e.Action == "fail":
				failed++
				fmt.Print(text)
			case e.Test == "":
			case e.Action == "pass":
				passed++
			default:
				skipped++
				for _, need := range needs {
					if strings.Contains(text, need) {
						unmet = append(unmet, name+"\n"+text)
						break
					}
				}
			}
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Println("reading the test output:", err)
		os.Exit(1)
	}
	for _, text := range output { // a process that died under its tests
		fmt.Print(text.String())
	}
	fmt.Printf("%d passed, %d skipped, %d failed\n", passed, skipped, failed)
	if len(unmet) > 0 {
		fmt.Print("skipped for want of what this machine should have given them:\n", strings.Join(unmet, ""))
	}
	if failed > 0 || len(unmet) > 0 || passed == 0 {
		os.Exit(1)
	}
}
