package outgoing_test

import (
	"fmt"
	"net/http"

	"fibercrons/app/outgoing"
)

// What only this machine can reach is not called, whoever asks for it.
func ExampleDo() {
	client := outgoing.Client(outgoing.Options{})
	req, err := http.NewRequest(http.MethodGet, "http://169.254.169.254/latest/meta-data?key=secret", http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = outgoing.Do(client, req)
	fmt.Println(err)
	// Output: 169.254.169.254 is at 169.254.169.254, a link-local address, which is not public; to allow it, add 169.254.169.254 to ALERT_ALLOWED_HOSTS
}
