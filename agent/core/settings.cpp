#include "core/settings.hpp"

namespace devkey::core {

std::string_view name_of(OwnerProvider provider) {
    switch (provider) {
        case OwnerProvider::LocalUserpass:
            return "local-userpass";
        case OwnerProvider::CustomToken:
            return "custom-token";
        case OwnerProvider::CustomFunction:
            return "custom-function";
    }
    return "";
}

}  // namespace devkey::core
