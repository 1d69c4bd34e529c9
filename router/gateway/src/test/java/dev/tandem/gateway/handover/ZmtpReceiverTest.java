// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tandem.core.lifecycle.EngineMessageListener.Verdict;
import dev.tandem.core.time.FakeTicker;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ZmtpReceiverTest implements Inbox {
    private final List<String> seen = new ArrayList<>();
    private final RateLimit rates = new RateLimit(1000, new FakeTicker());
    private final PlainChannel router = new PlainChannel(new ZmtpReceiver(ZmtpReceiver.Kind.ROUTER, rates, this));

    @Override
    public void onMessage(InetAddress from, byte[] message) {
        seen.add(HexFormat.of().formatHex(message));
    }

    @Override
    public void onRefused(Verdict why) {
        seen.add(why.toString());
    }

    @AfterEach
    void close() {
        router.finishAndReleaseAll();
    }

    @ParameterizedTest
    @CsvSource({
        "04ff, 0", // a command that has not come yet
        "0406 055245414459, 1", // READY without the type of the socket
        "0406 055245414458, 1", // not READY
        "0401 05, 1", // breaks off inside its own length
        "041c 055245414459 0b536f636b65742d54797065 00000006524f55544552, 1", // a ROUTER
        "041c 055245414459 0b536f636b65742d54797065 ff0000064445414c4552, 1", // a negative length
        "041c 055245414459 ff536f636b65742d54797065 000000064445414c4552, 1", // a name that breaks off
        "0001 00, 1", // a message before READY
        "06ffffffffffffffff, 1", // a negative size
        "060000000000002001, 1", // one byte too many
        "0600000000000020ff, 1"
    })
    void refusesABadHandshake(String hex, int refusals) {
        send(RawPeer.GREETING + hex.replace(" ", ""));

        assertThat(seen).hasSize(refusals);
        assertThat(router.isOpen()).isEqualTo(refusals == 0);
    }

    @Test
    void hearsNothingAfterItHasHungUp() {
        send("00" + RawPeer.GREETING + RawPeer.READY_DEALER + "000101");

        assertThat(seen).containsExactly("MALFORMED");
    }

    @Test
    void speaksFirstAndSaysWhatItIs() {
        assertThat(sent()).isEqualTo(RawPeer.GREETING);

        send(RawPeer.GREETING);
        assertThat(sent()).isEqualTo("041c" + "055245414459" + "0b536f636b65742d54797065" + "00000006524f55544552");
    }

    @Test
    void understandsWhatComesByteByByte() {
        String all = RawPeer.GREETING + RawPeer.READY_DEALER + "00020102" + "020000000000000003010203" + "0000";
        for (int i = 0; i < all.length(); i += 2) {
            send(all.substring(i, i + 2));
        }

        assertThat(seen).containsExactly("0102", "010203", "");
    }

    @ParameterizedTest
    @CsvSource({
        "0407 0450494e47 0014, 0405 04504f4e47",
        "0409 0450494e47 0014 cafe, 0407 04504f4e47 cafe",
        "0417 0450494e47 0014 000102030405060708090a0b0c0d0e0f, 0415 04504f4e47 000102030405060708090a0b0c0d0e0f",
        "0418 0450494e47 0014 000102030405060708090a0b0c0d0e0f10, ''", // a context that is too long
        "0406 0450494e47 00, ''", // breaks off
        "0407 04504f4e47 0014, ''" // somebody else's PONG
    })
    void answersAHeartbeatWithItsContext(String ping, String pong) {
        send(RawPeer.GREETING + RawPeer.READY_DEALER);
        sent();

        send(ping.replace(" ", ""));
        assertThat(sent()).isEqualTo(pong.replace(" ", ""));
        assertThat(router.isOpen()).isTrue();
    }

    @Test
    void answersNoHeartbeatsOfWhoDoesNotRead() {
        send(RawPeer.GREETING + RawPeer.READY_DEALER);
        sent();
        router.unsafe().outboundBuffer().setUserDefinedWritability(1, false);

        send("04070450494e470014");
        assertThat(sent()).isEmpty();
    }

    @Test
    void takesTheLargestMessage() {
        send(RawPeer.GREETING + RawPeer.READY_DEALER + "020000000000002000" + "ab".repeat(8192));

        assertThat(seen).containsExactly("ab".repeat(8192));
    }

    @Test
    void dropsMessagesOfSeveralFramesAndCommands() {
        send(RawPeer.GREETING + RawPeer.READY_DEALER + "0403" + "024142" + "010101" + "010102" + "000103" + "000104");

        assertThat(seen).containsExactly("MALFORMED", "04");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", RawPeer.GREETING, RawPeer.GREETING + RawPeer.READY_DEALER})
    void hangsUpOnWhoSaysNothing(String said) {
        send(said);
        pass(ZmtpReceiver.SILENCE_SECONDS, router);

        assertThat(router.isOpen()).isFalse();
    }

    @Test
    void letsPushersBeSilentOnceTheyAreKnown() {
        PlainChannel pull = new PlainChannel(new ZmtpReceiver(ZmtpReceiver.Kind.PULL, rates, this));
        pull.writeInbound(Unpooled.wrappedBuffer(HexFormat.of().parseHex(RawPeer.GREETING + RawPeer.READY_PUSH)));
        pass(1_000_000, pull);

        pull.writeInbound(Unpooled.wrappedBuffer(HexFormat.of().parseHex("000107")));
        assertThat(seen).containsExactly("07");
        pull.finishAndReleaseAll();
    }

    private void send(String hex) {
        router.writeInbound(Unpooled.wrappedBuffer(HexFormat.of().parseHex(hex)));
        router.checkException();
    }

    private String sent() {
        StringBuilder all = new StringBuilder();
        for (ByteBuf piece = router.readOutbound(); piece != null; piece = router.readOutbound()) {
            all.append(ByteBufUtil.hexDump(piece));
            piece.release();
        }
        return all.toString();
    }

    private static void pass(long seconds, PlainChannel channel) {
        channel.freezeTime();
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }
}
