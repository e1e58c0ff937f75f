// Preloaded into devkeyd: a look-up of a name that makes the file $HUNG_LOOK_UP and never ends.
#include <fcntl.h>
#include <netdb.h>
#include <unistd.h>

#include <cstdlib>

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
    ::close(::open(::getenv("HUNG_LOOK_UP"), O_WRONLY | O_CREAT, 0600));
    for (;;) ::pause();
}
