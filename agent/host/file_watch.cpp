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
#include <utility>

#include "host/system_error.hpp"

namespace devkey::host {
namespace {

namespace fs = std::filesystem;

// What changes a file's content, name or protection (IN_MODIFY: a writer may keep it open for ever), and what
// ends the directory itself.
constexpr std::uint32_t changes = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_TO |
                                  IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

// What a limit refused us, with the remedy. Others (a folder that may not be read) have the next folder stand
// in.
std::optional<core::Error> limit_in(int error_number) {
    constexpr std::string_view instances =
        "no inotify instance is left: raise the sysctl fs.inotify.max_user_instances, or LimitNOFILE=";
    constexpr std::string_view watches =
        "no inotify watch is left: raise the sysctl fs.inotify.max_user_watches";
    if (error_number == EMFILE || error_number == ENFILE)
        return system_error(instances, error_number).error();
    if (error_number == ENOSPC || error_number == ENOMEM) return system_error(watches, error_number).error();
    return std::nullopt;
}

}  // namespace

bool FileWatch::Facts::operator==(const Facts& other) const noexcept {
    return device == other.device && number == other.number && mode == other.mode && size == other.size &&
           changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
}

FileWatch::FileWatch(const std::string& path)
    : descriptor_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)),
      path_(path),
      name_(fs::path(path).filename().string()) {
    if (descriptor_)
        arm();
    else
        blind_ = limit_in(errno).value_or(system_error("inotify", errno).error());
    last_ = look();
}

bool FileWatch::touched() {
    const auto [named, directory] = drain();
    if (named || directory || !straight_) arm();
    // Other names count too: a directory on the way, or a link's middle part, may have come or been switched.
    // But most are none of ours, which the file itself tells. (Not for its own name: two changes may share a
    // time.)
    const auto now = look();
    const bool other = now != std::exchange(last_, now);
    return named || other;
}

// Takes all events.
FileWatch::Events FileWatch::drain() {
    alignas(inotify_event) std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer{};
    Events events{};
    ssize_t size = 0;
    while ((size = ::read(descriptor_.get(), buffer.data(), buffer.size())) > 0) {
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            at += sizeof event + event.len;
            events.named = events.named || (event.mask & IN_Q_OVERFLOW) != 0 || name == name_;
            events.directory = events.directory || name.empty();
        }
    }
    return events;
}

// Watches what has to be watched now, and nothing else. Watching a directory twice is the same as once.
void FileWatch::arm() {
    blind_.reset();
    std::set<int> wanted;
    const auto watch = [&](const fs::path& path) {
        const auto [number, nearest] = watch_nearest(path.parent_path());
        if (number >= 0) wanted.insert(number);
        return number >= 0 && nearest == path.parent_path();
    };
    // Before links are looked for, so that one that takes the file's place from now on is seen.
    const bool itself = watch(path_);
    std::error_code none;
    const fs::path target = fs::weakly_canonical(path_, none);
    // (A link that leads nowhere is its own target there.)
    straight_ = itself && target == path_ && !fs::is_symlink(path_, none);
    if (!straight_ && !target.empty()) watch(target);
    if (wanted.empty()) {  // what is watched already stays so
        if (!blind_) blind_ = system_error("inotify", errno).error();
        return;
    }
    for (const int former : watches_)
        if (!wanted.contains(former)) inotify_rm_watch(descriptor_.get(), former);
    watches_ = std::move(wanted);
}

FileWatch::Watch FileWatch::watch_nearest(const fs::path& directory) {
    // One may be made while we look further up: only if the same one is nearest twice, nothing was missed.
    for (int nearest = -1;;) {
        int watch = -1;
        fs::path place = directory;
        for (;; place = place.parent_path()) {
            watch = inotify_add_watch(descriptor_.get(), place.c_str(), changes);
            if (watch < 0 && !blind_) blind_ = limit_in(errno);
            if (watch >= 0 || place == place.parent_path()) break;
        }
        if (watch == nearest || place == directory) return {watch, place};
        nearest = watch;
    }
}

std::optional<FileWatch::Facts> FileWatch::look() const {
    struct stat facts{};
    if (::stat(path_.c_str(), &facts) != 0) return std::nullopt;
    return Facts{facts.st_dev, facts.st_ino, facts.st_mode, facts.st_size, facts.st_ctim};
}

}  // namespace devkey::host
