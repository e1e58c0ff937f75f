#include "services/url.hpp"

#include <Poco/Exception.h>
#include <Poco/Net/IPAddress.h>
#include <Poco/URI.h>

namespace devkey::services {
namespace {

/// An IPv6 address can be written in many ways: here in one.
std::string normal(const std::string& host) {
    Poco::Net::IPAddress address;
    const bool ipv6 = host.find(':') != std::string::npos && Poco::Net::IPAddress::tryParse(host, address);
    return ipv6 ? address.toString() : host;
}

}  // namespace

std::string Origin::authority() const {
    const bool ipv6 = host.find(':') != std::string::npos;
    return (ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string Origin::url() const {
    return (tls ? "https://" : "http://") + authority();
}

core::Result<Origin> parse_origin(std::string_view url) {
    const auto bad = [&] {
        return core::fail(core::ErrorKind::InvalidInput,
                          "'" + std::string(url) + "' is not like https://host or https://host:port");
    };
    try {
        const Poco::URI uri{std::string(url)};
        const bool tls = uri.getScheme() == "https";
        const bool only_origin = (uri.getPath().empty() || uri.getPath() == "/") && uri.getQuery().empty() &&
                                 uri.getFragment().empty() && uri.getUserInfo().empty();
        if ((!tls && uri.getScheme() != "http") || uri.getHost().empty() || !only_origin) return bad();
        return Origin{.tls = tls, .host = normal(uri.getHost()), .port = uri.getPort()};
    } catch (const Poco::Exception&) {
        return bad();
    }
}

}  // namespace devkey::services
