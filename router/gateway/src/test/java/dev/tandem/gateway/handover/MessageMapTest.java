// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vectors: msgpack 1.2.3 and msgspec structs declared as LMCache's and vLLM's. */
class MessageMapTest {
    private static final String P2P =
            "83a474797065a150ac687474705f61646472657373ad31302e302e302e313a38313030ab7a6d715f61646472657373"
                    + "ae31302e302e302e313a3231303031";
    private static final String MORIIO =
            "86a474797065a150ac687474705f61646472657373ad31302e302e302e313a38313030ab7a6d715f61646472657373"
                    + "d929686f73743a31302e302e302e312c68616e647368616b653a363330312c6e6f746966793a3631303035"
                    + "a764705f73697a6501a774705f73697a6501ad7472616e736665725f6d6f6465a452454144";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // nothing
                "c0", // nil
                "93010203", // an array
                "81", // a map without its field
                "81a474797065", // a field without its value
                "81a474797065a5504f", // a text that breaks off
                "81a474797065dbffffffff", // a text of 4 GiB
                "81a474797065c6ffffffff", // bytes of 4 GiB
                "81a474797065c9ffffffff00", // an extension of 4 GiB
                "81a474797065ddffffffff", // an array of 2^32 values
                "81a474797065dfffffffff", // a map of 2^32 fields
                "dfffffffff", // the same on top
                "de0041", // a map of 65 fields
                "81a474797065cb00", // a double that breaks off
                "81a474797065c1", // a byte that is not used
                "81a474797065a2c328", // not UTF-8
                "81a2c328a150", // a name that is not UTF-8
                "81a474797065a15000" // something behind
            })
    void refusesWhatIsNoMap(String hex) {
        assertThatThrownBy(() -> MessageMap.read(bytes(hex))).isInstanceOf(MalformedMessageException.class);
    }

    @Test
    void refusesEveryTruncationOfARealMessage() {
        byte[] whole = bytes(MORIIO);
        for (int length = 0; length < whole.length; length++) {
            byte[] part = Arrays.copyOf(whole, length);
            assertThatThrownBy(() -> MessageMap.read(part))
                    .as("%s bytes", length)
                    .isInstanceOf(MalformedMessageException.class);
        }
    }

    @Test
    void stepsOverAMillionLevelsWithoutAStack() throws MalformedMessageException {
        byte[] deep = new byte[1_000_012];
        Arrays.fill(deep, (byte) 0x91);
        System.arraycopy(bytes("82a164"), 0, deep, 0, 3);
        System.arraycopy(bytes("00a474797065a150"), 0, deep, deep.length - 8, 8);

        assertThat(MessageMap.read(deep).text("type")).isEqualTo("P");
    }

    @ParameterizedTest
    @CsvSource({
        "c0",
        "c2",
        "c3",
        "c403010203",
        "c7020c0102",
        "ca3fc00000",
        "cb3ff8000000000000",
        "cfffffffffffffffff",
        "d40c01",
        "d80c000102030405060708090a0b0c0d0e0f",
        "9301a16103",
        "dc000101",
        "82a16101a16202",
        "de0001a16101"
    })
    void stepsOverWhatItDoesNotKnow(String value) throws MalformedMessageException {
        MessageMap asValue = MessageMap.read(bytes("82a178" + value + "a474797065a150"));
        assertThat(asValue.text("type")).isEqualTo("P");
        assertThat(asValue.text("x")).isNull();
        assertThat(asValue.number("x", -7)).isEqualTo(-7);

        MessageMap asName = MessageMap.read(bytes("82" + value + "a178a474797065a150"));
        assertThat(asName.text("type")).isEqualTo("P");
    }

    @ParameterizedTest
    @CsvSource({
        "00, 0",
        "7f, 127",
        "ff, -1",
        "e0, -32",
        "ccff, 255",
        "cdffff, 65535",
        "ceffffffff, 4294967295",
        "cf7fffffffffffffff, 9223372036854775807",
        "d080, -128",
        "d18000, -32768",
        "d280000000, -2147483648",
        "d38000000000000000, -9223372036854775808"
    })
    void readsNumbersOfEveryWidth(String hex, long number) throws MalformedMessageException {
        assertThat(MessageMap.read(bytes("81a16e" + hex)).number("n", -7)).isEqualTo(number);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a3616263", "d903616263", "da0003616263", "db00000003616263"})
    void readsTextsOfEveryWidth(String hex) throws MalformedMessageException {
        assertThat(MessageMap.read(bytes("81a174" + hex)).text("t")).isEqualTo("abc");
        assertThat(MessageMap.read(bytes("de0001" + hex + "01")).number("abc", -7))
                .isOne();
    }

    @Test
    void theLastOfEqualNamesCounts() throws MalformedMessageException {
        MessageMap map = MessageMap.read(bytes("82a16101a161a178"));

        assertThat(map.text("a")).isEqualTo("x");
        assertThat(map.number("a", -7)).isEqualTo(-7);
    }

    @Test
    void readsWhatEnginesSend() throws MalformedMessageException {
        MessageMap moriio = MessageMap.read(bytes(MORIIO));

        assertThat(moriio.text("type")).isEqualTo("P");
        assertThat(moriio.text("http_address")).isEqualTo("10.0.0.1:8100");
        assertThat(moriio.text("zmq_address")).isEqualTo("host:10.0.0.1,handshake:6301,notify:61005");
        assertThat(moriio.number("tp_size", 0)).isOne();
        assertThat(moriio.text("transfer_mode")).isEqualTo("READ");
    }

    @Test
    void theEnginesOfTheTestsSendWhatRealOnesSend() {
        assertThat(Packed.map("type", "P", "http_address", "10.0.0.1:8100", "zmq_address", "10.0.0.1:21001"))
                .isEqualTo(bytes(P2P));
        assertThat(Packed.map("type", "D", "http_address", "10.0.0.2:8200", "zmq_address", "10.0.0.2:22001"))
                .isEqualTo(bytes("83a474797065a144ac687474705f61646472657373ad31302e302e302e323a38323030"
                        + "ab7a6d715f61646472657373ae31302e302e302e323a3232303031"));
        assertThat(Packed.map("type", "HELLO")).isEqualTo(bytes("81a474797065a548454c4c4f"));
        assertThat(Packed.map(
                        "type", "P",
                        "http_address", "10.0.0.1:8100",
                        "zmq_address", "host:10.0.0.1,handshake:6301,notify:61005",
                        "dp_size", 1,
                        "tp_size", 1,
                        "transfer_mode", "READ"))
                .isEqualTo(bytes(MORIIO));
        assertThat(Packed.map("type", "ProxyNotif", "req_id", "7"))
                .isEqualTo(bytes("82a474797065aa50726f78794e6f746966a67265715f6964a137"));
        assertThat(Packed.map("type", "NixlProxyNotif", "req_id", "7"))
                .isEqualTo(bytes("82a474797065ae4e69786c50726f78794e6f746966a67265715f6964a137"));
    }

    private static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex);
    }
}
