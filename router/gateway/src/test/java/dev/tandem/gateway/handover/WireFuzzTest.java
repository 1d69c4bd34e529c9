// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.code_intelligence.jazzer.mutation.annotation.NotNull;
import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.FakeTicker;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.util.HexFormat;

/**
 * Everything that reads what strangers send, on bytes that nobody has thought of. The normal build runs the seeds;
 * docs/CONTRIBUTING.md says how to search for more.
 */
class WireFuzzTest {
    @FuzzTest(maxDuration = "2m")
    void anyBytesAreAMapOrMalformed(byte @NotNull [] message) {
        try {
            String type = MessageMap.read(message).text("type");
            assertThat(type == null ? 0 : type.length()).isLessThan(message.length);
        } catch (MalformedMessageException e) {
            assertThat(e.getStackTrace()).isEmpty();
        }
    }

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreAnAnnouncementOrMalformed(byte @NotNull [] message) {
        try {
            Announcement announced = Announcement.read(message);
            assertThat(announced == null || announced.engine().baseUrl().getPort() > 0)
                    .isTrue();
        } catch (MalformedMessageException e) {
            assertThat(e.getStackTrace()).isEmpty();
        }
    }

    @FuzzTest(maxDuration = "2m")
    void anyBytesAreJsonOrMalformed(byte @NotNull [] body) {
        try {
            assertThat(EngineJson.read(body).fields().isObject()).isTrue();
        } catch (MalformedMessageException e) {
            assertThat(e.getStackTrace()).isEmpty();
        }
    }

    @FuzzTest(maxDuration = "2m")
    void anyStreamIsMessagesOrRefused(byte @NotNull [] stream) {
        read(stream);
        read(HexFormat.of().parseHex(RawPeer.GREETING), stream);
        read(HexFormat.of().parseHex(RawPeer.GREETING + RawPeer.READY_DEALER), stream);
    }

    private static void read(byte[]... pieces) {
        Inbox inbox = new Inbox() {
            @Override
            public void onMessage(InetAddress from, byte[] message) {
                assertThat(message).hasSizeLessThanOrEqualTo(ZmtpReceiver.MOST_BYTES);
            }

            @Override
            public void onRefused(Verdict why) {
                assertThat(why).isNotEqualTo(Verdict.ACCEPTED);
            }
        };
        RateLimit rates = new RateLimit(1000, new FakeTicker());
        PlainChannel channel = new PlainChannel(new ZmtpReceiver(ZmtpReceiver.Kind.ROUTER, rates, inbox));
        for (byte[] piece : pieces) {
            channel.writeInbound(Unpooled.wrappedBuffer(piece));
            channel.checkException();
        }
        channel.finishAndReleaseAll();
        channel.checkException();
    }
}
