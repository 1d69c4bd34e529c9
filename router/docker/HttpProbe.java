// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;

/**
 * Health check of a container whose image has no shell tool: one GET by hand, because loading an HTTP client would
 * cost more than the question. Exit status 0 for an answer 200, 1 for any other or none; what it saw goes to
 * standard output, where {@code docker inspect} shows it.
 */
final class HttpProbe {

    private static final int TIMEOUT_MILLIS = 3_000;
    private static final int SHOWN_CHARACTERS = 1_000;

    private HttpProbe() {}

    public static void main(String[] args) {
        System.exit(healthy(URI.create(args[0])) ? 0 : 1);
    }

    private static boolean healthy(URI target) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(target.getHost(), target.getPort()), TIMEOUT_MILLIS);
            socket.setSoTimeout(TIMEOUT_MILLIS);
            String request = "GET " + target.getPath() + " HTTP/1.1\r\nHost: " + target.getAuthority()
                    + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
            return report(socket);
        } catch (IOException e) {
            System.out.println(target + ": " + e.getMessage());
            return false;
        }
    }

    private static boolean report(Socket socket) throws IOException {
        var answer = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
        String status = answer.readLine();
        char[] rest = new char[SHOWN_CHARACTERS];
        int length = answer.read(rest);
        System.out.println(status + "\n" + new String(rest, 0, Math.max(length, 0)));
        return status != null && status.startsWith("HTTP/1.1 200");
    }
}
