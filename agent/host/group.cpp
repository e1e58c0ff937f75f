#include "host/group.hpp"

#include <grp.h>

#include <vector>

namespace devkey::host {

core::Result<gid_t> group_id(const std::string& name) {
    std::vector<char> buffer(1U << 16U);
    group entry{};
    group* found = nullptr;
    if (::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
        return core::fail(core::ErrorKind::InvalidInput,
                          "there is no group '" + name + "' on this machine; create it");
    return entry.gr_gid;
}

}  // namespace devkey::host
