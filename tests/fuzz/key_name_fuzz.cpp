// Key names: what is read is written the same, and what is made of any device id is within the limit and read
// back.
#include <algorithm>
#include <cctype>

#include "core/key_name.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    const auto text = fuzz::text_of(data, size);
    if (const auto name = core::parse_key_name(text)) {
        fuzz::require(core::format(*name) == text, "a name is written as it was read");
        fuzz::require(name->generation > 0 && !name->device.empty(), "a name has its parts");
    }
    fuzz::Bytes bytes{data, size};
    const std::size_t longest = bytes.byte();
    auto prefix = bytes.ascii();
    std::ranges::replace_if(
        prefix, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
    const auto device = core::device_label(bytes.text(), prefix, longest);
    if (!device) {
        // It quotes the prefix, which the settings keep short.
        fuzz::require(!device.error().message.empty(), "an error says something");
        return 0;
    }
    const core::KeyName made{.prefix = prefix,
                             .device = *device,
                             .installation = "abc234",
                             .generation = 1 + bytes.number() % 999'999,
                             .nonce = "xy27"};
    const auto written = core::format(made);
    fuzz::require(written.size() <= longest, "a name is within the service's limit");
    fuzz::require(core::parse_key_name(written) == made, "a name reads back the same");
    return 0;
}
