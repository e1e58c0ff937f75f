// A folder of its own for each test, and a plain look into it.
#pragma once

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>

namespace devkey::storage {

class TemporaryFolder {
 public:
    TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "devkeyd-XXXXXX").string()) {
        if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

    /// The names of all that is in it.
    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> names;
        for (const auto& entry : std::filesystem::directory_iterator(path_))
            names.insert(entry.path().filename());
        return names;
    }

 private:
    std::string path_;
};

inline std::string content_of(const std::string& path) {
    std::ifstream in{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

inline void put(const std::string& path, const std::string& content, mode_t mode = 0600) {
    std::ofstream{path, std::ios::binary} << content;
    if (::chmod(path.c_str(), mode) != 0) throw std::runtime_error("chmod failed");
}

inline struct stat facts_of(const std::string& path) {
    struct stat facts{};
    if (::lstat(path.c_str(), &facts) != 0) throw std::runtime_error("no " + path);
    return facts;
}

inline mode_t mode_of(const std::string& path) {
    return facts_of(path).st_mode & 07777U;
}

}  // namespace devkey::storage
