/* uWebSockets as an echo server, without TLS and without compression. */
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "App.h"

struct PerSocketData {};

int main() {
    constexpr unsigned int limit = 64 * 1024 * 1024;
    uWS::App()
        .ws<PerSocketData>("/*", {
            .compression = uWS::DISABLED,
            .maxPayloadLength = limit,
            .idleTimeout = 120,
            .maxBackpressure = 4 * limit,
            .closeOnBackpressureLimit = false,
            .message = [](auto *socket, std::string_view message, uWS::OpCode opcode) {
                socket->send(message, opcode, false);
            },
        })
        .listen("127.0.0.1", 0, [](us_listen_socket_t *listener) {
            if (listener == nullptr) std::exit(1);
            int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(listener));
            std::fprintf(stderr, "{\"msg\":\"listening\",\"address\":\"ws://127.0.0.1:%d\"}\n", port);
        })
        .run();
}
