#include "host/message_ids.hpp"

#include <algorithm>
#include <array>

namespace devkey::host {
namespace {

// Made with `systemd-id128 new`. An id never changes, and is never used for another kind again.
constexpr std::array ids{
    MessageId{"healthy", "628f8aec26204200a83abc777b9cbd6d"},
    MessageId{"key-created", "2853d72fafeb4e1e90250f5abb2a718a"},
    MessageId{"key-verified", "4184fc53d45042aea4af4b6694ee1566"},
    MessageId{"credential-published", "402bf14023b546dd99b257f0749b2f1a"},
    MessageId{"credential-restored", "fe9996879db04636be3e6a25d2e03a6f"},
    MessageId{"key-dropped", "75b40135381346dc90c94dba1431712b"},
    MessageId{"key-disabled", "c6af307e611e4869999aecff46a5b12b"},
    MessageId{"key-enabled", "45d3867217084ebfa50e370f6ae009a8"},
    MessageId{"key-removed", "030883929acf4fbfbfdeedc0b621b087"},
    MessageId{"stray-removed", "918093b89c044257accba7bc95e02994"},
    MessageId{"keys-left-behind", "833e61a5e6b64c32b605b05070cf881a"},
    MessageId{"machine-unknown", "838dc1e3cb35422e991d4b5e237ad128"},
    MessageId{"asked", "605209c55bad4969a730f178edd08a2a"},
    MessageId{"control-refused", "733aba33eaac42df9d54eded3909e8a2"},
    MessageId{"control-unavailable", "246065ab9049433891585c6495e33f71"},
    MessageId{"credential-given", "fbf6199794ba438798de68d91f95cf7e"},
    MessageId{"credential-refused", "e2d2b4166f444e15b1d107df1131119a"},
    MessageId{"credential-socket-unavailable", "322732c1da7e43fbb2cdeea763965a45"},
    MessageId{"not-watched", "b9659045749248f9ad4c19527cedbe43"},
    MessageId{"request-unreadable", "0bdfe300bd9d4f668102b017d7ea9198"},
    MessageId{"request-stays", "07ce137749a64618853187b72723b5f9"},
    MessageId{"settings-kept", "ccef928d225944998a3b288f6a77f3c9"},
    MessageId{"bad-settings", "66aee5cd870a4a9cb333ca60a2a1a2f3"},
    MessageId{"state-file-loosened", "9f050dcd4b794a6bb810ba64693c2f89"},
    MessageId{"metrics-not-written", "6950a017a2ca44f380fc72de45289bb0"},
    MessageId{"metrics-not-removed", "3c63461a7f6e4c128d0130e2b1cc9f1a"},
    MessageId{"history-not-written", "9e460604bb734c119da9a4083af11639"},
    MessageId{"credential-file-missing", "5449b7893b4e4ae38c133b31f2edca39"},
    MessageId{"credential-file-altered", "dee19ee0da68481e8bdd052bed33f397"},
    MessageId{"credential-file-loosened", "a9a41319eae04881b13986bbf688930b"},
    MessageId{"credential-file-unreadable", "72827ea700774f4da83bc3782504645d"},
    MessageId{"state-not-saved", "79713d6395684c45bf028975319fc394"},
    MessageId{"login-refused", "91213422a25c4f8dbb76f4dfe3bbc632"},
    MessageId{"key-disabled-outside", "1c8889baaa6e417a9b11496a36866578"},
    MessageId{"key-deleted-outside", "d3fd88d2c84d4b2a9952170c4b426735"},
    MessageId{"heartbeat-silent", "86163857546e4882b20b4aadd2182d15"},
    MessageId{"heartbeat-unreadable", "f2abfaa2b99a4af0bd4efb397cf88765"},
    MessageId{"key-switched-off", "223383e0ad54489487c623d5c5eafec2"},
    MessageId{"key-disabled-by-person", "061bc8b6472b46fdb4fe954bf5859554"},
    MessageId{"paused", "fc623655efe44ec6a16cb5031636d16c"},
    MessageId{"hook-failed", "fc36128036fc4cce98cbccf3db32f2a8"},
    MessageId{"rolled-back", "1cb8635f69f144be93057fb169fc8518"},
    MessageId{"rollback-failed", "89bb20d7737c4fccaa34c65e6f6cd7fb"},
    MessageId{"programs-told", "92aa25cb554442d2a543cd988e3e9597"},
    MessageId{"other-installation", "a541bca160a14fc9b3b94f18102232d5"},
    MessageId{"pause-asked", "b8197bf809d44a62b79c2072e03b7521"},
    MessageId{"resume-asked", "40174e90d909422f82a78181010e3e79"},
    MessageId{"key-acknowledged", "5cdd9a9761ed40e283a68346108b8776"},
    MessageId{"decommission-asked", "edbd73cc05914658996a7cc118fc6f0a"},
    MessageId{"recommission-asked", "17bd7bb7100441b5a16d01b999f48521"},
    MessageId{"take-over-asked", "fb6beebaf5a0427c8fb5d7002a2ba91f"},
    MessageId{"decommissioned", "6feefa32f2ab49c28c5b2e58710d4ab6"},
    MessageId{"new-key-refused", "0cf9aea841f44c949cdab960073020b0"},
    MessageId{"new-key-not-accepted-yet", "04c5a1c635e44db1851ba85d54a9c977"},
    MessageId{"new-keys-keep-failing", "9da8586017104f97be02fe530aa29922"},
    MessageId{"late-landing-possible", "b987b63dfe564bfd96b077f59afabf57"},
    MessageId{"disable-unsettled", "6dd6f862e0eb4b3699d855c8d22d4676"},
    MessageId{"answer-lost", "4864bc64542044c8aa781f64fcc0a44b"},
    MessageId{"stray-not-listed", "0bf69ec671014d1faeee68f315baea0f"},
    MessageId{"owner-refused", "4a802816070e4b44a678822a97153f96"},
    MessageId{"owner-secret-unusable", "7c4ae08587204719925bb2be8b625d11"},
    MessageId{"owner-secret-delayed", "aee229c39ec347529b128f83ceb41f14"},
    MessageId{"service-forbids", "2375f4ceb9af4f209291d05f32bfb8cb"},
    MessageId{"provider-off", "8f57cb16e6014bfebf9e5b58a6cd4b8d"},
    MessageId{"rate-limited", "65e98d0f7d3546fca92b298a958ddaf5"},
    MessageId{"quota-full", "014e96b4f84241268158a8c0c3790629"},
    MessageId{"service-unavailable", "679d19a2a0b74510a383fe8aa8f1188a"},
    MessageId{"connection-insecure", "dcdff93561074fedbb7b16169a69146c"},
    MessageId{"request-refused", "ffb061c2f425430d8597ef7e071b6cd7"},
    MessageId{"not-permitted", "0229fea491f84ea2a3834659d90a95d8"},
    MessageId{"disk-refuses", "a31af5a4f66f44faad82900d256db798"},
    MessageId{"state-unreadable", "33ac71ba36f64336aa35b8c95c914599"},
    MessageId{"identity-changed", "92255bd10b6d446cb267f088f245006f"},
    MessageId{"clone-suspected", "bd1459051cae425dab0ef1ea38f8c949"},
};

}  // namespace

std::span<const MessageId> message_ids() {
    return ids;
}

std::string_view message_id_of(std::string_view event) {
    const auto* found = std::ranges::find(ids, event, &MessageId::event);
    return found == ids.end() ? std::string_view{} : found->id;
}

}  // namespace devkey::host
