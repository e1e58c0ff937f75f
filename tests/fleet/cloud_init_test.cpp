// The example for cloud-init holds settings that devkeyd takes, and starts it when it has what they need.
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "core/service_view.hpp"
#include "fakes/temporary_directory.hpp"
#include "settings/load.hpp"

namespace devkey::fleet {
namespace {

TEST(CloudInit, HoldsGoodSettingsAndNoSecret) {
    const fakes::TemporaryDirectory directory;
    const std::string file = DEVKEY_SOURCE_DIR "/tools/fleet/cloud-init.yaml";
    EXPECT_TRUE(fakes::content_of(file).starts_with("#cloud-config\n"));
    for (const auto& written : YAML::LoadFile(file)["write_files"]) {
        const std::filesystem::path path{written["path"].as<std::string>()};
        EXPECT_EQ(written["permissions"].as<std::string>(), "0640");
        directory.write(path.filename(), written["content"].as<std::string>());
    }
    const auto settings = settings::load(directory.file("devkeyd.yaml"), core::Capabilities{});
    ASSERT_TRUE(settings) << settings::format(settings.error().front());
    EXPECT_TRUE(std::holds_alternative<core::FromCredential>(settings->owner.secret));
    EXPECT_FALSE(settings->policy.rotate.windows.empty());
}

TEST(CloudInit, StartsDevkeydOnlyWithTheSecretThatItsUnitNeeds) {
    const std::string secret = "/etc/devkeyd/owner-secret";
    EXPECT_TRUE(fakes::content_of(DEVKEY_SOURCE_DIR "/systemd/devkeyd.service")
                    .contains("\nLoadCredential=owner-secret:" + secret + "\n"));
    std::vector<std::string> starts;
    for (const auto& command : YAML::LoadFile(DEVKEY_SOURCE_DIR "/tools/fleet/cloud-init.yaml")["runcmd"])
        for (const auto& word : command.as<std::vector<std::string>>())
            if (word.contains("devkeyd")) starts.push_back(word);
    EXPECT_EQ(starts, (std::vector{"test ! -f " + secret + " || systemctl enable --now --no-block devkeyd"}));
}

}  // namespace
}  // namespace devkey::fleet
