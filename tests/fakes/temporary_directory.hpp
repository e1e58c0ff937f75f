#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

namespace devkey::fakes {

/// A directory of the test's own, gone with it.
class TemporaryDirectory {
 public:
    TemporaryDirectory() {
        std::string pattern = testing::TempDir() + "devkeyd-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
        path = pattern;
    }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path); }

    [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
    /// The path of a file there with that content and mode.
    std::string write(const std::string& name, std::string_view content, mode_t mode = 0600) const {
        std::ofstream(file(name), std::ios::binary) << content;
        EXPECT_EQ(::chmod(file(name).c_str(), mode), 0);
        return file(name);
    }
    [[nodiscard]] std::size_t entries() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
    }

    std::string path;
};

inline std::string content_of(const std::string& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline void put(const std::string& path, const std::string& content) {
    std::ofstream(path) << content;
}

}  // namespace devkey::fakes
