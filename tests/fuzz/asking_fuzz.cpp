// The address of whoever asks on the credential socket: systemd's, which is what it says, or another.
#include "control/credential_asking.hpp"
#include "core/unit_name.hpp"
#include "fuzz.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace devkey;
    const auto text = fuzz::text_of(data, size);
    const auto asking = control::parse_asking(text);
    fuzz::require(!control::refusal_of(0, asking, {}).empty(), "nobody gets it where no unit is listed");
    if (!asking) return 0;
    fuzz::require(core::is_unit_name(asking->unit), "a unit has a unit's name");
    fuzz::require_readable(asking->credential);
    fuzz::require(text.ends_with("/unit/" + asking->unit + "/" + asking->credential),
                  "it reads what stands there");
    fuzz::require(control::refusal_of(0, asking, {asking->unit}).empty(), "a listed unit gets it");
    fuzz::require(control::refusal_of(0, asking, {core::template_of(asking->unit)}).empty(),
                  "and so does an instance of a listed template");
    fuzz::require(!control::refusal_of(1, asking, {asking->unit}).empty(), "nobody but root gets it");
    return 0;
}
