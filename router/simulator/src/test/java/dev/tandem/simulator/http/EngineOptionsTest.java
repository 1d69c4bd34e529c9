// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tandem.simulator.engine.Speed;
import dev.tandem.simulator.nixl.NixlConfig;
import dev.tandem.simulator.transfer.KvRole;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EngineOptionsTest {
    @Test
    void readsAVllmCommandLine() {
        EngineOptions options = EngineOptions.parse(
                "serve",
                "Qwen/Qwen3-8B",
                "--served-model-name",
                "a",
                "b",
                "--port=8010",
                "--max_model_len",
                "4k",
                "--max-num-seqs",
                "8",
                "--enable-auto-tool-choice",
                "--tool-call-parser",
                "hermes",
                "--dtype",
                "float16",
                "--enforce-eager",
                "--no-enable-prefix-caching",
                "--sim-speed",
                "q32b");
        assertThat(options.model()).isEqualTo("Qwen/Qwen3-8B");
        assertThat(options.servedNames()).containsExactly("a", "b");
        assertThat(options.port()).isEqualTo(8010);
        assertThat(options.maxModelLength()).isEqualTo(4_000);
        assertThat(options.maxSequences()).isEqualTo(8);
        assertThat(options.toolParser()).isTrue();
        assertThat(options.speed()).isEqualTo(Speed.preset("q32b"));
        assertThat(options.promptDetails()).isFalse();
    }

    @Test
    void refusesUnknownArguments() {
        assertThatThrownBy(() -> EngineOptions.parse("--model", "m", "--frobnicate", "--port", "1"))
                .isInstanceOf(UsageException.class)
                .hasMessage("unrecognized arguments: --frobnicate");
    }

    @Test
    void refusesWrongNumbersAndMissingValues() {
        assertThatThrownBy(() -> EngineOptions.parse("m", "--port", "x"))
                .hasMessage("argument --port: invalid int value: 'x'");
        assertThatThrownBy(() -> EngineOptions.parse("m", "--port"))
                .hasMessage("argument --port: expected one argument");
        assertThatThrownBy(EngineOptions::parse).hasMessageContaining("no model");
    }

    @Test
    void findsTheFolderOfTheSharedStore() {
        String tier = "{\"kv_connector\":\"OffloadingConnector\",\"kv_role\":\"kv_both\",\"kv_connector_extra_config\":"
                + "{\"secondary_tiers\":[{\"type\":\"fs\",\"root_dir\":\"/data/kv\"}]}}";
        KvTransfer transfer = Objects.requireNonNull(
                EngineOptions.parse("m", "--kv-transfer-config", tier).transfer());
        assertThat(transfer.folder()).isEqualTo(Path.of("/data/kv"));
        String remote = "{\"kv_connector\":\"LMCacheConnectorV1\",\"kv_role\":\"kv_producer\","
                + "\"kv_connector_extra_config\":{\"lmcache.remote_url\":\"fs://host:0/data/lm\"}}";
        KvTransfer producer = KvTransfer.parse(remote);
        assertThat(producer.folder()).isEqualTo(Path.of("/data/lm"));
        assertThat(producer.stores()).isTrue();
        assertThat(producer.loads()).isFalse();
    }

    @Test
    void readsTheNixlConnector() {
        String config = "{\"kv_connector\":\"NixlConnector\",\"kv_role\":\"kv_producer\",\"engine_id\":\"e\","
                + "\"kv_buffer_device\":\"cpu\",\"kv_connector_extra_config\":{\"kv_lease_duration\":1.5}}";
        EngineOptions options = EngineOptions.parse("m", "--kv-transfer-config", config);
        NixlConfig nixl = (NixlConfig) Objects.requireNonNull(
                Objects.requireNonNull(options.transfer()).config());
        assertThat(nixl)
                .isEqualTo(new NixlConfig(
                        KvRole.PRODUCER, "localhost", 5600, "e", Duration.ofMillis(1_500), NixlConfig.Mode.PULL, null));
        assertThat(options.strict()).isFalse();
        EngineOptions moved = options.withEnvironment(
                Map.of("VLLM_NIXL_SIDE_CHANNEL_HOST", "10.0.0.7", "VLLM_NIXL_SIDE_CHANNEL_PORT", "5700"));
        assertThat(Objects.requireNonNull(moved.transfer()).config())
                .isEqualTo(nixl.withSideChannel("10.0.0.7", 5_700));
        assertThat(EngineOptions.parse("m", "--sim-strict").strict()).isTrue();
        assertThatThrownBy(() -> options.withEnvironment(Map.of("VLLM_NIXL_SIDE_CHANNEL_PORT", "x")))
                .isInstanceOf(UsageException.class);
    }

    @ParameterizedTest
    @CsvSource({
        "MooncakeConnector, MooncakeConfig",
        "MooncakeLayerwiseConnector, LayerwiseConfig",
        "NixlPushConnector, NixlConfig",
        "OffloadingConnector, OffloadConfig",
        "P2pNcclConnector, P2pNcclConfig",
        "MoRIIOConnector, MoriioConfig",
        "LMCacheMPConnector, MpConfig",
        "LMCacheConnectorV1, PdConfig"
    })
    void readsTheSettingsOfEveryConnectorThatItImitates(String connector, String settings) {
        KvTransfer transfer = KvTransfer.parse("{\"kv_connector\":\"" + connector + "\",\"kv_role\":\"kv_producer\","
                + "\"kv_ip\":\"127.0.0.1\",\"kv_port\":21001,"
                + "\"kv_connector_extra_config\":{\"secondary_tiers\":[{\"type\":\"p2p\"}]}}");
        assertThat(transfer.config())
                .extracting(config -> config.getClass().getSimpleName())
                .isEqualTo(settings);
    }

    @Test
    void refusesConnectorsThatItDoesNotImitate() {
        assertThatThrownBy(() -> KvTransfer.parse("{\"kv_connector\":\"MultiConnector\",\"kv_role\":\"kv_both\"}"))
                .isInstanceOf(UsageException.class)
                .hasMessageStartingWith("kv_connector: MultiConnector is not simulated yet (expected: one of")
                .hasMessageContaining("LMCacheMPConnector, MoRIIOConnector, MooncakeConnector");
        assertThatThrownBy(() -> KvTransfer.parse("{\"kv_connector\":\"Nope\",\"kv_role\":\"kv_both\"}"))
                .hasMessage("Unsupported connector type: Nope");
    }

    @Test
    void refusesACacheThatHoldsNoFullContext() {
        EngineOptions options =
                EngineOptions.of("m", 0).withMaxModelLength(1_000).withBlocks(16, 10);
        assertThatThrownBy(() -> SimulatedEngine.start(options))
                .isInstanceOf(UsageException.class)
                .hasMessage("num-gpu-blocks-override: 10 (expected: >= 63)");
    }

    @Test
    void helpNamesEveryOption() {
        assertThat(EngineOptions.help()).contains("--kv-transfer-config", "--sim-speed", "lively, instant");
    }
}
