#include "misbehaving_system.hpp"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <string_view>

namespace devkey::services {
namespace {

struct LookUps {
    std::mutex mutex;
    std::condition_variable changed;
    bool hang = false;
    int hanging = 0;
};

LookUps& look_ups() {
    static LookUps all;
    return all;
}

std::atomic<int> accepted = 0;

thread_local bool no_thread_left = false;

void hang() {
    auto& all = look_ups();
    std::unique_lock lock(all.mutex);
    ++all.hanging;
    all.changed.notify_all();
    all.changed.wait(lock, [&] { return !all.hang; });
    --all.hanging;
    all.changed.notify_all();
}

}  // namespace

HungLookUps::HungLookUps() {
    const std::lock_guard lock(look_ups().mutex);
    look_ups().hang = true;
}

HungLookUps::~HungLookUps() {
    auto& all = look_ups();
    std::unique_lock lock(all.mutex);
    all.hang = false;
    all.changed.notify_all();
    all.changed.wait(lock, [&] { return all.hanging == 0; });
}

void HungLookUps::wait_for_one() {
    auto& all = look_ups();
    std::unique_lock lock(all.mutex);
    all.changed.wait(lock, [&] { return all.hanging > 0; });
}

NoThreadLeft::NoThreadLeft() {
    no_thread_left = true;
}

NoThreadLeft::~NoThreadLeft() {
    no_thread_left = false;
}

int accepted_connections() {
    return accepted;
}

}  // namespace devkey::services

// In the program itself, so they come before the C library's (and a sanitizer's) of the same name.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
    using namespace devkey::services;
    if (name != nullptr && std::string_view(name) == hanging_name) {
        hang();
        return EAI_AGAIN;
    }
    static const auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return real(name, service, hints, found);
}

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                              void* argument) noexcept {
    if (devkey::services::no_thread_left) return EAGAIN;
    static const auto real = reinterpret_cast<decltype(&pthread_create)>(dlsym(RTLD_NEXT, "pthread_create"));
    return real(thread, attributes, run, argument);
}

// What Poco's server takes its connections with.
extern "C" int accept(int listener, sockaddr* address, socklen_t* size) {
    static const auto real = reinterpret_cast<decltype(&accept)>(dlsym(RTLD_NEXT, "accept"));
    const int client = real(listener, address, size);
    if (client >= 0) ++devkey::services::accepted;
    return client;
}
