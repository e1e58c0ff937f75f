// The real calls, which are recorded, and fail when a test says so.
#pragma once

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include "storage/file_calls.hpp"

namespace devkey::storage {

class FaultyCalls : public FileCalls {
 public:
    /// Call number `n` (from 1) isn't made and answers `error`.
    void fail_at(std::size_t n, int error) { fail_at_ = n, error_ = error; }
    /// From call number `n` on nothing happens any more: as if the power had gone right before it.
    void stop_at(std::size_t n) { stop_at_ = n; }
    /// Called right before a write that will be made.
    std::function<void(int file)> before_write;

    [[nodiscard]] const std::vector<std::string>& made() const { return made_; }

    int open(int directory, const char* name, int flags, mode_t mode) override {
        return refused("open") ? -1 : FileCalls::open(directory, name, flags, mode);
    }
    int look(int file, struct stat& facts) override {
        return refused("look") ? -1 : FileCalls::look(file, facts);
    }
    ssize_t read(int file, char* data, std::size_t size) override {
        return refused("read") ? -1 : FileCalls::read(file, data, size);
    }
    ssize_t write(int file, const char* data, std::size_t size) override {
        if (refused("write")) return -1;
        if (before_write) before_write(file);
        return FileCalls::write(file, data, size);
    }
    int change_group(int file, gid_t group) override {
        return refused("change_group") ? -1 : FileCalls::change_group(file, group);
    }
    int change_mode(int file, mode_t mode) override {
        return refused("change_mode") ? -1 : FileCalls::change_mode(file, mode);
    }
    int sync(int file) override { return refused("sync") ? -1 : FileCalls::sync(file); }
    int rename(int directory, const char* from, const char* to) override {
        return refused("rename") ? -1 : FileCalls::rename(directory, from, to);
    }
    int remove(int directory, const char* name) override {
        return refused("remove") ? -1 : FileCalls::remove(directory, name);
    }

 private:
    bool refused(const char* call) {
        made_.emplace_back(call);
        if (made_.size() < stop_at_ && made_.size() != fail_at_) return false;
        errno = made_.size() == fail_at_ ? error_ : EIO;
        return true;
    }

    std::size_t fail_at_ = 0;
    std::size_t stop_at_ = static_cast<std::size_t>(-1);
    int error_ = 0;
    std::vector<std::string> made_;
};

}  // namespace devkey::storage
