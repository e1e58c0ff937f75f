#include "host/system_error.hpp"

#include <cerrno>
#include <string>
#include <system_error>

namespace devkey::host {
namespace {

core::ErrorKind kind_of(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
            return core::ErrorKind::NotFound;
        case EACCES:
        case EPERM:
            return core::ErrorKind::Insecure;
        default:
            return core::ErrorKind::Io;
    }
}

}  // namespace

std::unexpected<core::Error> system_error(std::string_view what, int error_number) {
    std::string message{what};
    message += ": " + std::generic_category().message(error_number);
    return core::fail(kind_of(error_number), std::move(message));
}

int must_open(int descriptor, const char* what) {
    if (descriptor < 0) throw std::system_error(errno, std::generic_category(), what);
    return descriptor;
}

}  // namespace devkey::host
