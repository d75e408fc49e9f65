/*
 * uWebSockets as an echo server with permessage-deflate, a compressor and a decompressor for each connection:
 *
 *     echo-deflate LEVEL WINDOW_BITS     as level and window say
 *     echo-deflate stock                 as uWebSockets itself has it
 *
 * uWebSockets has no option for the level, and it compresses with a window of 512 bytes whatever dedicated compressor is
 * asked for: it tests a bit of the enumeration that all of them have. Both are mended here from outside, so that the same
 * work is compared; `stock` leaves them as they are.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <zlib.h>

static int level = Z_DEFAULT_COMPRESSION;
#undef Z_DEFAULT_COMPRESSION
#define Z_DEFAULT_COMPRESSION level

#include "PerMessageDeflate.h"

static uWS::CompressOptions smallest = uWS::DEDICATED_COMPRESSOR_3KB;
#define DEDICATED_COMPRESSOR_3KB smallest

#include "App.h"

struct PerSocketData {};

int main(int argc, char **argv) {
    int windowBits = 15;
    if (argc == 3) {
        level = std::atoi(argv[1]);
        windowBits = std::atoi(argv[2]);
        smallest = uWS::DISABLED;
    } else if (argc != 2 || std::strcmp(argv[1], "stock") != 0) {
        std::fprintf(stderr, "usage: echo-deflate LEVEL WINDOW_BITS, or echo-deflate stock\n");
        return 1;
    }
    constexpr unsigned int limit = 64 * 1024 * 1024;
    auto compressor = windowBits << 4 | (windowBits - 7);
    uWS::App()
        .ws<PerSocketData>("/*", {
            .compression = static_cast<uWS::CompressOptions>(compressor | uWS::DEDICATED_DECOMPRESSOR),
            .maxPayloadLength = limit,
            .idleTimeout = 120,
            .maxBackpressure = 4 * limit,
            .closeOnBackpressureLimit = false,
            .message = [](auto *socket, std::string_view message, uWS::OpCode opcode) {
                socket->send(message, opcode, true);
            },
        })
        .listen("127.0.0.1", 0, [](us_listen_socket_t *listener) {
            if (listener == nullptr) std::exit(1);
            int port = us_socket_local_port(0, reinterpret_cast<us_socket_t *>(listener));
            std::fprintf(stderr, "{\"msg\":\"listening\",\"address\":\"ws://127.0.0.1:%d\"}\n", port);
        })
        .run();
}
