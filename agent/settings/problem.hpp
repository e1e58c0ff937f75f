// What is wrong with a settings file, and where.
#pragma once

#include <string>
#include <vector>

namespace devkey::settings {

/// A place in a file, both counted from 1; the column in bytes. Line 0: the file as a whole.
struct Place {
    int line = 0;
    int column = 0;
};

/// One thing a person has to mend. The message says what is expected; it never quotes a value, which might be
/// a secret that was put in the wrong place.
struct Problem {
    std::string file;
    int line = 0;
    int column = 0;
    std::string message;
};

/// `file:line:column: message`, or `file: message` if it is about the file as a whole.
[[nodiscard]] std::string format(const Problem& problem);

/// Collects the problems of one file.
class Problems {
 public:
    explicit Problems(std::string file) : file_(std::move(file)) {}

    void add(Place place, std::string message) {
        found_.push_back({file_, place.line, place.column, std::move(message)});
    }
    [[nodiscard]] bool empty() const { return found_.empty(); }
    /// All of them, in the order of their places.
    [[nodiscard]] std::vector<Problem> sorted() const;

 private:
    std::string file_;
    std::vector<Problem> found_;
};

}  // namespace devkey::settings
