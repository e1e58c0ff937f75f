#include "host/file_watch.hpp"

#include <limits.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "host/system_error.hpp"

namespace devkey::host {
namespace {

constexpr std::uint32_t changes_within =
    IN_CREATE | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE;
constexpr std::uint32_t end_of_watch = IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

FileWatch::FileWatch(const std::string& path)
    : descriptor_(must_open(inotify_init1(IN_CLOEXEC | IN_NONBLOCK), "inotify")),
      directory_(std::filesystem::path(path).parent_path().string()),
      name_(std::filesystem::path(path).filename().string()) {
    arm();
}

void FileWatch::arm() {
    if (watch_ >= 0) inotify_rm_watch(descriptor_.get(), watch_);
    std::filesystem::path place = directory_;
    awaited_ = name_;
    for (;;) {
        watch_ =
            inotify_add_watch(descriptor_.get(), place.c_str(), changes_within | end_of_watch | IN_ONLYDIR);
        if (watch_ >= 0) {
            // It may have been made between our two looks: then its event never comes.
            const auto next = place / awaited_;
            if (place == directory_ || ::access(next.c_str(), X_OK) != 0) return;
            inotify_rm_watch(descriptor_.get(), watch_);
            place = directory_;
            awaited_ = name_;
            continue;
        }
        const bool exhausted = errno == ENOSPC || errno == ENOMEM;
        if (exhausted || place == place.root_path())
            throw std::system_error(errno, std::generic_category(), "inotify_add_watch " + place.string());
        awaited_ = place.filename().string();
        place = place.parent_path();
    }
}

bool FileWatch::touched() {
    alignas(inotify_event) std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer{};
    bool ours = false;
    bool lost = false;
    ssize_t size = 0;
    while ((size = ::read(descriptor_.get(), buffer.data(), buffer.size())) > 0) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            at += sizeof event + event.len;
            if ((event.mask & IN_Q_OVERFLOW) != 0) lost = true;
            if (event.wd != watch_) continue;  // of an earlier watch
            if ((event.mask & (end_of_watch | IN_IGNORED)) != 0) lost = true;
            if (name == awaited_) ours = true;
        }
    }
    if (lost || (ours && awaited_ != name_)) arm();
    return ours || lost;
}

}  // namespace devkey::host
