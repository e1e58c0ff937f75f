// One HTTP request: read within limits, answered by the Api, logged.
#pragma once

#include <Poco/Net/HTTPRequestHandlerFactory.h>

#include <functional>
#include <stop_token>
#include <string>

#include "server/connections.hpp"
#include "server/server.hpp"

namespace devkey::server {

/// What every handler shares. `api` outlives the handlers.
struct Service {
    Api& api;
    std::string public_url;
    bool tls;
    std::function<void(const Served&)> served;
    std::stop_token stopping;
};

/// scheme://host[:port], and nothing else.
[[nodiscard]] bool is_origin(const std::string& url);

/// Handlers for one connection. Both outlive them.
[[nodiscard]] Poco::Net::HTTPRequestHandlerFactory::Ptr make_handlers(const Service& service,
                                                                      Connections::Place& place);

}  // namespace devkey::server
