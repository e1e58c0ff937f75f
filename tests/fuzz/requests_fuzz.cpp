// requests.json: a request that is written back the same, or an error with the file's path and the remedy.
#include "fuzz.hpp"
#include "storage/requests_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    static const fuzz::Folder folder;
    static storage::FileCalls calls;
    folder.write("requests.json", fuzz::text_of(data, size));
    const auto asking = storage::load_request(folder.path);
    if (!asking) {
        const auto& message = asking.error().message;
        fuzz::require_readable(asking.error());
        fuzz::require(message.starts_with(storage::requests_path(folder.path)), "an error names the file");
        fuzz::require(message.ends_with("; remove it, and ask again with devkeyctl"),
                      "an error names the remedy");
        return 0;
    }
    fuzz::require(asking->request != core::Request::None, "a file that is there asks for something");
    fuzz::require(storage::save_request(calls, folder.path, *asking).has_value(), "it can be written");
    fuzz::require(storage::load_request(folder.path) == *asking, "a request reads back the same");
    fuzz::require(storage::forget_request(calls, folder.path, *asking).has_value(), "it can be forgotten");
    fuzz::require(storage::load_request(folder.path) == core::Asking{}, "what is done is gone");
    return 0;
}
