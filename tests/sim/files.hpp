// A machine's folder, through the system calls of storage/, on a real file system; and what a power cut
// leaves.
#pragma once

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/scene.hpp"
#include "storage/atomic_file.hpp"

namespace devkey::sim {

/// How the disk is.
struct DiskMood {
    bool full = false;        ///< every write fails
    unsigned flaky = 0;       ///< writes that fail, in a thousand
    bool unreadable = false;  ///< nothing can be read
    bool corrupt = false;     ///< the state file holds rubbish, until a person restores it
};

/// A temporary folder. What was not brought to disk (fsync of a file for its content, of the folder for its
/// names) is there after a power cut or not, by chance and in any order: no file system's habits are relied
/// on.
class Files : public storage::FileCalls {
 public:
    Files(Scene& scene, Effects& effects, const DiskMood& mood);
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    ~Files() override;

    int create(int directory, const char* name) override;
    int chmod(int file, mode_t mode) override;
    ssize_t write(int file, const void* data, std::size_t size) override;
    int fsync(int file) override;
    int rename(int directory, const char* from, const char* to) override;
    int unlink(int directory, const char* name) override;

    /// What a person or an image puts there, on disk at once. None: no such file.
    void put(const std::string& name, const std::optional<std::string>& content);
    void lose_power();

    [[nodiscard]] std::string path_of(const std::string& name) const { return folder_ + "/" + name; }
    [[nodiscard]] std::optional<std::string> content_of(const std::string& name) const;
    /// How often a name came to lead to another file, or to none.
    [[nodiscard]] std::size_t changes() const { return changes_; }

 private:
    struct File {
        std::string written;
        std::string on_disk;
    };
    struct Change {
        std::string from;  // empty: it was created
        std::string to;    // empty: it was removed
        std::shared_ptr<File> file;
    };
    using Names = std::map<std::string, std::shared_ptr<File>>;

    [[nodiscard]] bool fails(std::string_view call, int error_number);
    void change(Change change);
    void apply(const Change& change);  // to what is on disk
    [[nodiscard]] std::string remains_of(const File& file);

    Scene& scene_;
    Effects& effects_;
    const DiskMood& mood_;
    std::string folder_;
    Names seen_;     // by whoever reads now
    Names on_disk_;  // by whoever reads after a power cut that takes all it can
    std::vector<Change> pending_;
    int open_ = -1;  // the file that is being written
    std::shared_ptr<File> written_;
    std::size_t changes_ = 0;
};

/// One file as storage/ writes it, whole and for good: and the check that it does. Its content stands for a
/// `Value`; an empty one for no file.
template <class Value>
class OneFile {
 public:
    using Content = std::optional<Value>;

    /// `calls`: those of `files`, perhaps with a bug planted before them.
    OneFile(Files& files, storage::FileCalls& calls, std::string name)
        : files_(files), calls_(calls), name_(std::move(name)) {}

    /// `seen` is called as soon as a reader would see `next`, also when the write fails or the process dies
    /// then.
    template <class Seen>
    core::Result<void> write(const Content& next, Seen seen) {
        versions_.emplace_back(next ? std::optional(next_text()) : std::nullopt, next);
        const auto before = files_.changes();
        const auto look = [&] {
            if (files_.changes() != before) seen();
        };
        try {
            const auto path = files_.path_of(name_);
            auto done = next ? storage::write_file(calls_, path, *versions_.back().first, {})
                             : storage::remove_file(calls_, path);
            look();
            if (done) versions_.erase(versions_.begin(), std::prev(versions_.end()));
            return done;
        } catch (const fakes::Crash&) {
            look();
            throw;
        }
    }
    /// As storage/ does with a file that it finds, before anything rests on it.
    core::Result<void> sync() {
        const auto text = files_.content_of(name_);
        if (!text) return {};
        auto done = storage::sync_directory_of(calls_, files_.path_of(name_));
        if (!done) return done;
        const auto found = std::ranges::find(versions_, text, &Version::first);
        if (found != versions_.end()) versions_ = {Version{*found}};
        return done;
    }
    /// On disk at once.
    void put(const Content& content) {
        versions_ = {{content ? std::optional(next_text()) : std::nullopt, content}};
        files_.put(name_, versions_.back().first);
    }
    /// What was said to be written last, or what was tried since, whole: else the promise is broken.
    [[nodiscard]] const Content& after_power_cut() {
        const auto text = files_.content_of(name_);
        const auto found = std::ranges::find(versions_, text, &Version::first);
        if (found == versions_.end())
            throw Broken{"4: after a power cut " + name_ + (text ? " is not whole, or old" : " is lost")};
        versions_ = {Version{*found}};
        return versions_.back().second;
    }

 private:
    using Version = std::pair<std::optional<std::string>, Content>;

    std::string next_text() { return name_ + ", version " + std::to_string(++count_) + ", whole.\n"; }

    Files& files_;
    storage::FileCalls& calls_;
    std::string name_;
    std::vector<Version> versions_{1};  // at first there is no file
    std::size_t count_ = 0;
};

}  // namespace devkey::sim
