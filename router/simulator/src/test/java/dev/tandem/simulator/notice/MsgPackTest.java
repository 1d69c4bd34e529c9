// SPDX-License-Identifier: Apache-2.0
package dev.tandem.simulator.notice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Vectors made with Python's msgpack 1.2.3 and msgspec 0.22.0. */
class MsgPackTest {
    private static String hex(Object... entries) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < entries.length; i += 2) {
            map.put((String) entries[i], entries[i + 1]);
        }
        return HexFormat.of().formatHex(MsgPack.map(map));
    }

    @Test
    void registersAPrefillEngine() {
        assertThat(hex("type", "P", "http_address", "10.0.0.1:8100", "zmq_address", "10.0.0.1:21001"))
                .isEqualTo("83a474797065a150ac687474705f61646472657373ad31302e302e302e313a38313030"
                        + "ab7a6d715f61646472657373ae31302e302e302e313a3231303031");
    }

    @Test
    void registersADecodeEngine() {
        assertThat(hex("type", "D", "http_address", "10.0.0.2:8200", "zmq_address", "10.0.0.2:22001"))
                .isEqualTo("83a474797065a144ac687474705f61646472657373ad31302e302e302e323a38323030"
                        + "ab7a6d715f61646472657373ae31302e302e302e323a3232303031");
    }

    @Test
    void greets() {
        assertThat(hex("type", "HELLO")).isEqualTo("81a474797065a548454c4c4f");
    }

    @Test
    void registersWithALongAddressAndNumbers() {
        assertThat(hex(
                        "type",
                        "P",
                        "http_address",
                        "10.0.0.1:8100",
                        "zmq_address",
                        "host:10.0.0.1,handshake:6301,notify:61005",
                        "dp_size",
                        1,
                        "tp_size",
                        1,
                        "transfer_mode",
                        "READ"))
                .isEqualTo("86a474797065a150ac687474705f61646472657373ad31302e302e302e313a38313030"
                        + "ab7a6d715f61646472657373d929686f73743a31302e302e302e312c68616e647368616b653a363330312c"
                        + "6e6f746966793a3631303035a764705f73697a6501a774705f73697a6501"
                        + "ad7472616e736665725f6d6f6465a452454144");
    }

    @Test
    void tellsThatKvHasBeenSent() {
        assertThat(hex("type", "ProxyNotif", "req_id", "7"))
                .isEqualTo("82a474797065aa50726f78794e6f746966a67265715f6964a137");
        assertThat(hex("type", "NixlProxyNotif", "req_id", "7"))
                .isEqualTo("82a474797065ae4e69786c50726f78794e6f746966a67265715f6964a137");
    }

    @Test
    void writesNumbersAndTextsOfAnyLength() {
        assertThat(hex("n", 127)).isEqualTo("81a16e7f");
        assertThat(hex("n", 128)).isEqualTo("81a16ece00000080");
        assertThat(hex("n", "x".repeat(31))).startsWith("81a16ebf78");
        assertThat(hex("n", "x".repeat(32))).startsWith("81a16ed92078");
        assertThat(hex("n", "x".repeat(256))).startsWith("81a16eda010078");
    }

    @Test
    void refusesMapsThatAreTooLarge() {
        Map<String, Integer> large =
                IntStream.range(0, 16).boxed().collect(Collectors.toMap(String::valueOf, number -> number));
        assertThatThrownBy(() -> MsgPack.map(large)).hasMessage("entries: 16 (expected: <= 15)");
    }
}
