#include "storage/state_lock.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "storage/atomic_file.hpp"

namespace devkey::storage {

using core::ErrorKind;

namespace {

core::Result<Descriptor> open_directory(const std::string& path) {
    const bool made = ::mkdir(path.c_str(), 0711) == 0;
    if (!made && errno != EEXIST)
        return std::unexpected(file_error("create the state directory", path, errno));
    Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!directory.valid()) return std::unexpected(file_error("open the state directory", path, errno));
    // Whatever the umask is; by descriptor, so that it is the directory we opened.
    if (made && ::fchmod(directory.get(), 0711) != 0)
        return std::unexpected(file_error("set the mode of", path, errno));
    return directory;
}

/// Empty: nobody has it.
std::string name_of_user(uid_t uid) {
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    const bool answered = ::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0;
    return answered && found != nullptr ? found->pw_name : "";
}

std::string words_for(uid_t uid) {
    const auto name = name_of_user(uid);
    return name.empty() ? "uid " + std::to_string(uid) : name + " (uid " + std::to_string(uid) + ")";
}

/// A person at root's prompt must not be told to give the service's directory to root: the service could no
/// longer use it.
core::Error of_another(const std::string& path, uid_t owner) {
    const auto name = name_of_user(owner);
    const bool is_a_services = owner != 0 && !name.empty();
    return {ErrorKind::Insecure,
            path + ": belongs to " + words_for(owner) + ", and this devkeyd runs as " +
                words_for(::geteuid()) + "; " +
                (is_a_services ? "run it as that user: runuser -u " + name + " -- devkeyd ..."
                               : "chown it to the user that runs devkeyd")};
}

core::Result<void> check_access(const Descriptor& directory, const std::string& path) {
    struct stat facts{};
    if (::fstat(directory.get(), &facts) != 0) return std::unexpected(file_error("look at", path, errno));
    if (facts.st_uid != ::geteuid()) return std::unexpected(of_another(path, facts.st_uid));
    if ((facts.st_mode & 022U) != 0)
        return core::fail(ErrorKind::Insecure, path + ": others may write to it; chmod it to 0711");
    return {};
}

}  // namespace

core::Result<void> StateLock::check(const std::string& path) {
    const Descriptor directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.valid()) return check_access(directory, path);
    if (errno == ENOENT) return check_directory_of(path);
    return std::unexpected(file_error("open the state directory", path, errno));
}

core::Result<StateLock> StateLock::take(const std::string& path) {
    const auto directory = open_directory(path);
    if (!directory) return std::unexpected(directory.error());
    if (auto ours = check_access(*directory, path); !ours) return std::unexpected(std::move(ours.error()));
    Descriptor file{::openat(directory->get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file.valid()) return std::unexpected(file_error("open", path + "/lock", errno));
    const bool locked = ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
    if (!locked && errno != EWOULDBLOCK) return std::unexpected(file_error("lock", path + "/lock", errno));
    if (!locked)
        return core::fail(
            ErrorKind::Unavailable,
            path + ": another devkeyd works there; stop it, or give this one its own state_directory");
    return StateLock{std::move(file)};
}

}  // namespace devkey::storage
