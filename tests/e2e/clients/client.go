// SPDX-License-Identifier: Apache-2.0
// Go's net/http, which finds proxy and roots in the environment: client VERSION URL...
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
)

// Both versions, as it is without a word; or HTTP/1.1 alone.
func client(version string) *http.Client {
	if version == "2" {
		return http.DefaultClient
	}
	none := map[string]func(string, *tls.Conn) http.RoundTripper{}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSNextProto: none}}
}

func fetch(client *http.Client, url string) (string, error) {
	request, err := http.NewRequest("GET", url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Authorization", "Bearer "+os.Getenv("API_KEY"))
	answer, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return fmt.Sprintf("%s %d %s", answer.Proto, answer.StatusCode, body), err
}

func main() {
	used := client(os.Args[1])
	var all sync.WaitGroup
	for _, url := range os.Args[2:] {
		all.Add(1)
		go func(url string) {
			defer all.Done()
			text, err := fetch(used, url)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			fmt.Println(text)
		}(url)
	}
	all.Wait()
}
