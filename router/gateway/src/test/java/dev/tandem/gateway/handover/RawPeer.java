// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.handover;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/** A stranger on a TCP connection: sends any bytes. Confined to one thread. */
public final class RawPeer implements AutoCloseable {
    private static final String ZEROS = "00000000000000000000000000000000";

    /** A greeting of ZMTP 3.0 with the NULL mechanism: 64 bytes. */
    public static final String GREETING = "ff00000000000000017f" + "0300" + "4e554c4c" + ZEROS + ZEROS + ZEROS;

    /** READY of a DEALER without a name. */
    public static final String READY_DEALER =
            "041c" + "055245414459" + "0b536f636b65742d54797065" + "000000064445414c4552";

    /** READY of a PUSH. */
    public static final String READY_PUSH = "041a" + "055245414459" + "0b536f636b65742d54797065" + "0000000450555348";

    private final Socket socket;

    private RawPeer(Socket socket) {
        this.socket = socket;
    }

    /** Connects from an address of this machine. */
    public static RawPeer from(String address, int port) throws IOException {
        Socket socket = new Socket("127.0.0.1", port, InetAddress.getByName(address), 0);
        socket.setSoTimeout(20_000);
        return new RawPeer(socket);
    }

    /** Sends bytes in hexadecimal form. */
    public RawPeer send(String hex) throws IOException {
        socket.getOutputStream().write(HexFormat.of().parseHex(hex));
        return this;
    }

    /** Sends text. */
    public void text(String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    /** Sends a frame of less than 256 bytes. */
    public RawPeer frame(int flags, byte[] body) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(new byte[] {(byte) flags, (byte) body.length});
        out.write(body);
        return this;
    }

    /** Waits until the other side closes the connection. */
    public void awaitClose() throws IOException {
        try {
            while (socket.getInputStream().read() >= 0) {
                // reads the greeting away
            }
        } catch (SocketException reset) {
            // closed with bytes unread
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
