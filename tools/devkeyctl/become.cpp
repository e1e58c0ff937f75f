#include "devkeyctl/become.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace devkey::ctl {

core::Result<void> become_owner_of(const std::string& directory) {
    struct stat facts{};
    if (::geteuid() != 0 || ::stat(directory.c_str(), &facts) != 0 || facts.st_uid == 0) return {};
    std::array<char, 4096> room{};
    passwd entry{};
    passwd* found = nullptr;
    static_cast<void>(::getpwuid_r(facts.st_uid, &entry, room.data(), room.size(), &found));
    const gid_t group = found != nullptr ? found->pw_gid : facts.st_gid;
    const bool grouped =
        (found != nullptr ? ::initgroups(found->pw_name, group) : ::setgroups(1, &group)) == 0;
    const bool became = grouped && ::setgid(group) == 0 && ::setuid(facts.st_uid) == 0;
    // That sets it anew, to what the machine has for such processes.
    if (became && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0) return {};
    return core::fail(core::ErrorKind::Io, directory + ": belongs to uid " + std::to_string(facts.st_uid) +
                                               ", whom devkeyctl can't become: " + std::strerror(errno));
}

}  // namespace devkey::ctl
