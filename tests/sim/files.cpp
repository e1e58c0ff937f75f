#include "sim/files.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace devkey::sim {

namespace {

/// In memory where that can be had: nothing here has to outlive the simulation.
std::string make_folder() {
    const std::filesystem::path memory{"/dev/shm"};
    const bool in_memory = std::getenv("TMPDIR") == nullptr && std::filesystem::is_directory(memory);
    const auto parent = in_memory ? memory : std::filesystem::temp_directory_path();
    std::string folder = parent / "devkeyd-sim-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr)
        throw std::runtime_error("the simulation can't make a folder in " + parent.string() +
                                 ": set TMPDIR to another");
    return folder;
}

}  // namespace

Files::Files(Scene& scene, Effects& effects, const DiskMood& mood)
    : scene_(scene), effects_(effects), mood_(mood), folder_(make_folder()) {}

Files::~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

bool Files::fails(std::string_view call, int error_number) {
    // A write makes some seven calls.
    const bool full = mood_.full && call == "write";
    if (!full && !scene_.dice.chance(mood_.flaky / 7)) return false;
    ++scene_.coverage.faults["call-failed"];
    scene_.story.tell(effects_.who(), "the disk refuses: ", call);
    errno = full ? ENOSPC : error_number;
    return true;
}

void Files::change(Change change) {
    if (!change.from.empty()) seen_.erase(change.from);
    if (!change.to.empty()) seen_[change.to] = change.file;
    pending_.push_back(std::move(change));
}

int Files::create(int directory, const char* name) {
    if (fails("create", EIO)) return -1;
    open_ = FileCalls::create(directory, name);
    if (open_ < 0) return open_;
    written_ = std::make_shared<File>();
    change({.from = {}, .to = name, .file = written_});
    effects_.pass_within("create");
    return open_;
}

int Files::chmod(int file, mode_t mode) {
    if (fails("chmod", EIO)) return -1;
    effects_.pass_within("chmod");
    return FileCalls::chmod(file, mode);
}

ssize_t Files::write(int file, const void* data, std::size_t size) {
    if (fails("write", EIO)) return -1;
    // Often only a part fits at once.
    const std::size_t part = size > 1 && scene_.dice.chance(200) ? 1 + scene_.dice.below(size - 1) : size;
    const auto done = FileCalls::write(file, data, part);
    if (done > 0) written_->written.append(static_cast<const char*>(data), static_cast<std::size_t>(done));
    effects_.pass_within("write");
    return done;
}

int Files::fsync(int file) {
    const bool of_file = file == open_;
    if (fails(of_file ? "fsync" : "fsync of the folder", EIO)) return -1;
    effects_.pass_within(of_file ? "fsync" : "fsync of the folder");
    if (of_file) {
        written_->on_disk = written_->written;
        return 0;
    }
    for (const auto& change : std::exchange(pending_, {})) apply(change);
    return 0;
}

int Files::rename(int directory, const char* from, const char* to) {
    if (fails("rename", EIO)) return -1;
    effects_.pass_within("rename");
    const int done = FileCalls::rename(directory, from, to);
    if (done != 0) return done;
    change({.from = from, .to = to, .file = written_});
    ++changes_;
    open_ = -1;
    effects_.pass_within("rename");
    return done;
}

int Files::unlink(int directory, const char* name) {
    open_ = -1;
    if (fails("unlink", EIO)) return -1;
    effects_.pass_within("unlink");
    const int done = FileCalls::unlink(directory, name);
    if (done != 0) return done;
    change({.from = name, .to = {}, .file = nullptr});
    ++changes_;
    effects_.pass_within("unlink");
    return done;
}

void Files::apply(const Change& change) {
    if (!change.from.empty()) on_disk_.erase(change.from);
    if (!change.to.empty()) on_disk_[change.to] = change.file;
}

void Files::put(const std::string& name, const std::optional<std::string>& content) {
    const auto of_name = [&name](const Change& change) { return change.from == name || change.to == name; };
    std::erase_if(pending_, of_name);
    if (!content) {
        seen_.erase(name);
        on_disk_.erase(name);
        std::filesystem::remove(path_of(name));
        return;
    }
    seen_[name] = on_disk_[name] = std::make_shared<File>(File{.written = *content, .on_disk = *content});
    std::ofstream(path_of(name)) << *content;
}

std::string Files::remains_of(const File& file) {
    if (file.written == file.on_disk) return file.on_disk;
    const auto part = file.written.substr(0, scene_.dice.below(file.written.size() + 1));
    return scene_.dice.one_of({file.on_disk, file.written, part});
}

void Files::lose_power() {
    for (const auto& change : std::exchange(pending_, {}))
        if (scene_.dice.chance(500)) apply(change);
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
        std::filesystem::remove(entry.path());
    seen_.clear();
    for (const auto& [name, file] : std::exchange(on_disk_, {})) put(name, remains_of(*file));
}

std::optional<std::string> Files::content_of(const std::string& name) const {
    const auto found = seen_.find(name);
    return found == seen_.end() ? std::nullopt : std::optional(found->second->written);
}

}  // namespace devkey::sim
