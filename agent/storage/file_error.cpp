#include "storage/file_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace devkey::storage {
namespace {

core::ErrorKind kind_of(int error_number) {
    switch (error_number) {
        case EACCES:
        case EPERM:
            return core::ErrorKind::Forbidden;
        case ELOOP:
            return core::ErrorKind::Insecure;
        default:
            return core::ErrorKind::Io;
    }
}

std::string_view remedy_for(int error_number) {
    switch (error_number) {
        case EACCES:
        case EPERM:
            return "let the user that devkeyd runs as do this, or choose another path";
        case ELOOP:
            return "a symbolic link stands there: replace it by the real file, or remove it";
        case ENOENT:
        case ENOTDIR:
            return "create the folder, or choose another path";
        case EISDIR:
        case ENOTEMPTY:
        case EEXIST:
            return "a folder stands there: move it away, or choose another path";
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
            return "free some space, or raise the limit";
        case EROFS:
            return "mount it writable, or choose another path";
        default:
            return "check the disk and the system's log";
    }
}

}  // namespace

std::unexpected<core::Error> file_error(int error_number, std::string_view path, std::string_view what) {
    return core::fail(kind_of(error_number),
                      fmt::format("{}: can't {}: {}; {}", path, what,
                                  std::generic_category().message(error_number), remedy_for(error_number)));
}

}  // namespace devkey::storage
