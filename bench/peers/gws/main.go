// gws as an echo server, without compression.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"

	"github.com/lxzan/gws"
)

const limit = 64 * 1024 * 1024

type echo struct{ gws.BuiltinEventHandler }

func (*echo) OnPing(socket *gws.Conn, payload []byte) { _ = socket.WritePong(payload) }

func (*echo) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = socket.WriteMessage(message.Opcode, message.Bytes())
}

func main() {
	upgrader := gws.NewUpgrader(&echo{}, &gws.ServerOption{
		CheckUtf8Enabled:    true,
		ReadMaxPayloadSize:  limit,
		WriteMaxPayloadSize: limit,
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "{\"msg\":\"listening\",\"address\":\"ws://%s\"}\n", listener.Addr())
	panic(http.Serve(listener, http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		socket, err := upgrader.Upgrade(writer, request)
		if err != nil {
			return
		}
		go socket.ReadLoop()
	})))
}
