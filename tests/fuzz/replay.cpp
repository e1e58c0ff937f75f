// Where no libFuzzer is linked: runs the target on each file that is named, or stands in a folder that is
// named.
#include <fstream>
#include <iterator>

#include "fuzz.hpp"

namespace {

void replay(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{in}, {}};
    if (!in) throw std::runtime_error("can't read " + file.string());
    std::fprintf(stderr, "%s\n", file.c_str());  // the last one is the one that broke
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(content.data()), content.size());
}

}  // namespace

int main(int count, char** arguments) {
    int files = 0;
    for (int at = 1; at < count; ++at) {
        if (!std::filesystem::is_directory(arguments[at])) {
            replay(arguments[at]);
            ++files;
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator{arguments[at]}) {
            replay(entry.path());
            ++files;
        }
    }
    return files > 0 ? 0 : 64;  // an empty corpus tests nothing
}
