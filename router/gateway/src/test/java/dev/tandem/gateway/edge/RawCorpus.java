// SPDX-License-Identifier: Apache-2.0
package dev.tandem.gateway.edge;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Requests as bytes, and how a gateway has to answer them: what is ambiguous is refused before anybody acts on it.
 *
 * <p>Sources: RFC 9112; advisories on request smuggling; the measurements in which Netty let the case pass.
 */
public final class RawCorpus {
    /** The answer to a request that is let through, whatever the application says. */
    public static final int PASSES = 200;

    private static final String POST = "POST /v1/completions HTTP/1.1\r\n";
    private static final String HOST = "Host: gateway\r\n";
    private static final String JSON = "Content-Type: application/json\r\n";
    private static final String CHUNKED = "Transfer-Encoding: chunked\r\n";
    private static final String ASK = "{\"model\":\"tiny\",\"prompt\":\"four\"}";
    private static final String LENGTH = "Content-Length: " + ASK.length() + "\r\n";
    private static final String CHUNK = Integer.toHexString(ASK.length()) + "\r\n" + ASK + "\r\n";
    private static final String END = "0\r\n\r\n";
    /** What an attacker would like to be taken for a request of its own. */
    private static final String SECOND = POST + HOST + JSON + LENGTH + "\r\n" + ASK;

    private final List<Case> cases = new ArrayList<>();

    private RawCorpus() {}

    /**
     * One request.
     *
     * @param group what it is about
     * @param name what is wrong with it, or right
     * @param text its bytes, one character each
     * @param status status of the answer
     * @param routed whether the door lets it in, and only the list of paths and methods may refuse it
     */
    public record Case(String group, String name, String text, int status, boolean routed) {
        /** Returns what is sent. */
        public byte[] bytes() {
            return text.getBytes(StandardCharsets.ISO_8859_1);
        }

        /** Whether it is a request that is let through. */
        public boolean passes() {
            return status == PASSES;
        }

        @Override
        public String toString() {
            return group + ": " + name;
        }
    }

    /** Returns all requests. */
    public static List<Case> all() {
        RawCorpus corpus = new RawCorpus();
        corpus.lengths();
        corpus.codings();
        corpus.chunks();
        corpus.lines();
        corpus.hosts();
        corpus.targets();
        corpus.requestLines();
        corpus.headers();
        corpus.sizes();
        corpus.expectations();
        corpus.good();
        return List.copyOf(corpus.cases);
    }

    /** Returns those that are let through. */
    public static List<Case> passing() {
        return all().stream().filter(Case::passes).toList();
    }

    /** Returns those that are refused. */
    public static List<Case> refused() {
        return all().stream().filter(request -> !request.passes()).toList();
    }

    private void lengths() {
        String group = "content-length";
        bad(group, "and transfer-encoding", POST + HOST + JSON + LENGTH + CHUNKED + "\r\n" + CHUNK + END);
        bad(group, "behind transfer-encoding", POST + HOST + JSON + CHUNKED + LENGTH + "\r\n" + CHUNK + END);
        bad(group, "that hides a request", post("Content-Length: 5\r\n" + CHUNKED, "0\r\n\r\n" + SECOND));
        bad(group, "twice the same", post(LENGTH + LENGTH, ASK));
        bad(group, "twice another", post(LENGTH + "Content-Length: 3\r\n", ASK));
        bad(group, "twice, once in lower case", post(LENGTH + "content-length: 0\r\n", ASK));
        for (String value : each("32, 32¦32,32¦+32¦-32¦-0¦0x20¦3 2¦32a¦a¦32.0¦1e2¦¦ ¦32;¦\"32\"¦99999999999999999999¦"
                + "9223372036854775808¦18446744073709551648¦3_2¦\u00b2¦32\u00a0")) {
            bad(group, "'" + value + "'", post("Content-Length: " + value + "\r\n", ASK));
        }
        bad(group, "with a space before the colon", post("Content-Length : 32\r\n", ASK));
        bad(group, "with a tab before the colon", post("Content-Length\t: 32\r\n", ASK));
        bad(group, "with an underscore", post("Content_Length: 32\r\n", ASK));
        bad(group, "with a vertical tab", post("Content-Length: \u000b32\r\n", ASK));
    }

    private void codings() {
        String group = "transfer-encoding";
        for (String value : each("xchunked¦chunkedx¦chunked, identity¦identity, chunked¦identity¦gzip¦gzip, chunked¦"
                + "deflate, chunked¦chunked, chunked¦chunked,¦,chunked¦\"chunked\"¦chunked;q=1¦"
                + "chunked foo¦\u000bchunked¦chunked\u000b¦\fchunked¦c hunked¦chun\u00adked¦¦x, chunked¦"
                + "trailers")) {
            bad(group, "'" + value + "'", post("Transfer-Encoding: " + value + "\r\n", CHUNK + END));
        }
        bad(group, "with a space before the colon", post("Transfer-Encoding : chunked\r\n", CHUNK + END));
        bad(group, "with a tab before the colon", post("Transfer-Encoding\t: chunked\r\n", CHUNK + END));
        bad(group, "behind a leading space", post("X: y\r\n Transfer-Encoding: chunked\r\n", CHUNK + END));
        bad(group, "folded", post("Transfer-Encoding:\r\n chunked\r\n", CHUNK + END));
        bad(group, "folded behind a tab", post("Transfer-Encoding:\r\n\tchunked\r\n", CHUNK + END));
        bad(group, "with an underscore", post("Transfer_Encoding: chunked\r\n", CHUNK + END));
        bad(group, "twice", post(CHUNKED + CHUNKED, CHUNK + END));
        bad(group, "twice, with identity", post(CHUNKED + "Transfer-Encoding: identity\r\n", CHUNK + END));
        bad(group, "twice, identity first", post("Transfer-Encoding: identity\r\n" + CHUNKED, CHUNK + END));
        bad(group, "of HTTP/1.0", "POST /v1/completions HTTP/1.0\r\n" + HOST + JSON + CHUNKED + "\r\n" + CHUNK + END);
        bad(group, "with NUL", post("Transfer-Encoding: chunked\u0000\r\n", CHUNK + END));
        bad(group, "with a bare carriage return", post("Transfer-Encoding: chunked\rX: y\r\n", CHUNK + END));
        bad(group, "in a line that ends bare", post("X: y\nTransfer-Encoding: chunked\r\n", CHUNK + END));
    }

    private void chunks() {
        String group = "chunk";
        for (String size : each("0x20¦+20¦-20¦20_¦20 ¦ 20¦\t20¦100000020¦10000000000000020¦ffffffffffffffff¦80000000¦"
                + "g¦¦20 20¦20,20¦\u000020¦20\u000b¦2\u00b20")) {
            chunked(group, "size '" + size + "'", size + "\r\n" + ASK + "\r\n" + END);
        }
        chunked(group, "line that ends bare", "20\n" + ASK + "\r\n" + END);
        chunked(group, "line that ends with a carriage return", "20\r" + ASK + "\r\n" + END);
        chunked(group, "data that end bare", "20\r\n" + ASK + "\n" + END);
        chunked(group, "data that end with a carriage return", "20\r\n" + ASK + "\r" + END);
        chunked(group, "data without an end", "20\r\n" + ASK + END);
        chunked(group, "data longer than said", "1f\r\n" + ASK + "\r\n" + END);
        chunked(group, "data shorter than said", "21\r\n" + ASK + "\r\n" + END);
        chunked(group, "extension that ends bare", "20;x\n" + ASK + "\r\n" + END);
        chunked(group, "extension with a line end in quotes", "20;a=\"\r\n\"\r\n" + ASK + "\r\n" + END);
        chunked(group, "extension with a bare carriage return", "20;a\rb\r\n" + ASK + "\r\n" + END);
        chunked(group, "extension with NUL", "20;a\u0000b\r\n" + ASK + "\r\n" + END);
        chunked(group, "extension of 9,000 bytes", "20;" + "a".repeat(9_000) + "\r\n" + ASK + "\r\n" + END);
        chunked(group, "last one that ends bare", CHUNK + "0\n\n");
        chunked(group, "last one with a bare end behind it", CHUNK + "0\r\n\n");
        chunked("trailer", "content-length", CHUNK + "0\r\nContent-Length: 5\r\n\r\n");
        chunked("trailer", "host", CHUNK + "0\r\nHost: other\r\n\r\n");
        chunked("trailer", "authorization", CHUNK + "0\r\nAuthorization: Bearer x\r\n\r\n");
        chunked("trailer", "transfer-encoding", CHUNK + "0\r\nTransfer-Encoding: chunked\r\n\r\n");
        chunked("trailer", "without a colon", CHUNK + "0\r\nnonsense\r\n\r\n");
        chunked("trailer", "of 20,000 bytes", CHUNK + "0\r\nX: " + "y".repeat(20_000) + "\r\n\r\n");
    }

    private void lines() {
        String group = "bytes";
        bad(group, "a leading NUL", "\u0000" + good(""));
        bad(group, "a leading control character", "\u0001" + good(""));
        bad(group, "a leading space", " " + good(""));
        bad(group, "a leading bare line end", "\n" + good(""));
        bad(group, "a leading bare carriage return", "\r" + good(""));
        bad(group, "ten leading empty lines", "\r\n".repeat(10) + good(""));
        bad(group, "lines that end bare", good("").replace("\r\n", "\n"));
        bad(group, "a request line that ends bare", good("").replaceFirst("\r\n", "\n"));
        bad(group, "a head that ends bare", POST + HOST + JSON + LENGTH + "\n" + ASK);
        bad(group, "a bare carriage return in a value", good("X: a\rb\r\n"));
        bad(group, "two carriage returns", good("X: a\r\r\n"));
        bad(group, "NUL in a value", good("X: a\u0000b\r\n"));
        bad(group, "a control character in a value", good("X: a\u0001b\r\n"));
        bad(group, "delete in a value", good("X: a\u007fb\r\n"));
        bad(group, "NUL in a name", good("X\u0000: a\r\n"));
        bad(group, "TLS", "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003\r\n\r\n");
    }

    private void hosts() {
        String group = "host";
        bad(group, "none", POST + JSON + LENGTH + "\r\n" + ASK);
        bad(group, "two", good("Host: other\r\n"));
        bad(group, "two of the same", good(HOST));
        for (String value : each("¦ ¦x/#¦x/?¦x/¦x?y¦x#y¦x@y¦x y¦x,y¦x:y¦x:¦x:123456¦:80¦x:80:80¦http://x¦[::1¦::1¦[]¦"
                + "[x]¦[::1]x¦x\\y¦x%00¦x%2fy¦g\u00e4teway¦x\u00a0¦(x)¦x;y¦x\t y" + "¦" + "x".repeat(5_000))) {
            bad(group, "'" + abbreviate(value) + "'", POST + "Host: " + value + "\r\n" + JSON + LENGTH + "\r\n" + ASK);
        }
        bad(group, "with a space before the colon", POST + "Host : gateway\r\n" + JSON + LENGTH + "\r\n" + ASK);
        bad(group, "two of HTTP/1.0", "GET /v1/models HTTP/1.0\r\n" + HOST + HOST + "\r\n");
    }

    private void targets() {
        String group = "target";
        for (String target : each("http://user@gateway/v1/completions¦http://user:pass@gateway/v1/completions¦"
                + "http://other/v1/completions¦https://gateway/v1/completions¦"
                + "ftp://gateway/v1/completions¦http:///v1/completions¦http://gateway:81/v1/completions¦"
                + "http:/v1/completions¦//gateway/v1/completions\\¦/v1/completions#x¦#¦*¦v1/completions¦"
                + "gateway:80¦?¦\\v1\\completions¦/v1\\completions¦/v1/completions%¦/v1/completions%0¦"
                + "/v1/completions%zz¦/v1/completions%00¦/v1/completions\u00ff¦/v1/c\u00c0\u00afd¦"
                + "/v1/completions<>¦/v1/{x}¦/v1/completions?a=|¦/v1/completions\"¦"
                + "/v1/completions\u007f¦/v1/completions\u0000")) {
            bad(group, target, good("").replace("/v1/completions", target));
        }
        for (String path : each("/v1/../v1/completions¦/v1/./completions¦/v1/%2e%2e/v1/completions¦//v1/completions¦"
                + "/v1//completions¦/v1/completions/¦/v1/completions;x=1¦/v1;x/completions¦"
                + "/v1%2fcompletions¦/v1/%63ompletions¦/V1/Completions¦/v1/completions%20¦"
                + "/v1/completions%3f¦/v1/%c0%af¦/¦/..%2fpause¦/v1/../pause")) {
            route("path", path, good("").replace("/v1/completions", path), 404);
        }
    }

    private void requestLines() {
        String group = "request line";
        String rest = "\r\n" + HOST + "\r\n";
        bad(group, "two spaces behind the method", "GET  /v1/models HTTP/1.1" + rest);
        bad(group, "two spaces behind the target", "GET /v1/models  HTTP/1.1" + rest);
        bad(group, "a space behind the version", "GET /v1/models HTTP/1.1 " + rest);
        bad(group, "a space in the target", "GET /v1/ models HTTP/1.1" + rest);
        bad(group, "a tab behind the method", "GET\t/v1/models HTTP/1.1" + rest);
        bad(group, "a tab behind the target", "GET /v1/models\tHTTP/1.1" + rest);
        bad(group, "a vertical tab behind the method", "GET\u000b/v1/models HTTP/1.1" + rest);
        bad(group, "a form feed behind the target", "GET /v1/models\fHTTP/1.1" + rest);
        bad(group, "a carriage return in it", "GET /v1/models\rHTTP/1.1" + rest);
        bad(group, "HTTP/0.9", "GET /v1/models\r\n\r\n");
        bad(group, "a method only", "GET\r\n\r\n");
        bad(group, "no method", " /v1/models HTTP/1.1" + rest);
        bad(group, "a method with a colon", "GE:T /v1/models HTTP/1.1" + rest);
        bad(group, "a method in parentheses", "(GET) /v1/models HTTP/1.1" + rest);
        bad(group, "a method that is not ASCII", "G\u00c9T /v1/models HTTP/1.1" + rest);
        for (String version : each("HTTP/1.2¦HTTP/2.0¦HTTP/3.0¦HTTP/0.9¦HTTP/9.9")) {
            add(group, version, "GET /v1/models " + version + rest, 505);
        }
        for (String version : each("http/1.1¦Http/1.1¦HTTP/1¦HTTP/1.¦HTTP/11¦HTTP/1.11¦HTTP/01.1¦HTTP /1.1¦HTTP/1.1x¦"
                + "ICAP/1.0¦HTTPS/1.1¦HTTP/1,1")) {
            bad(group, version, "GET /v1/models " + version + rest);
        }
        add(group, "preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
        add(group, "CONNECT", "CONNECT gateway:80 HTTP/1.1" + rest, 405);
        route(group, "TRACE", "TRACE /v1/models HTTP/1.1" + rest, 405);
        route(group, "a method in lower case", "get /v1/models HTTP/1.1" + rest, 405);
        route(group, "a method that nobody knows", "STEAL /v1/models HTTP/1.1" + rest, 405);
        bad(group, "GET with a body", "GET /v1/models HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\n\r\nhello");
        bad(
                group,
                "GET with a body that is a request",
                "GET /v1/models HTTP/1.1\r\n" + HOST + "Content-Length: " + SECOND.length() + "\r\n\r\n" + SECOND);
        bad(group, "GET with chunks", "GET /v1/models HTTP/1.1\r\n" + HOST + CHUNKED + "\r\n" + CHUNK + END);
        bad(group, "DELETE with a body", "DELETE /v1/models HTTP/1.1\r\n" + HOST + "Content-Length: 5\r\n\r\nhello");
    }

    private void headers() {
        String group = "header";
        for (String line : each("nonsense¦: x¦ : x¦X Y: z¦X\t: z¦X : z¦X_Y: z¦X(Y): z¦X/Y: z¦X\"Y: z¦\u00e4: z¦"
                + "X\u007f: z¦X@Y: z¦X{: z¦X\u000b: z")) {
            bad(group, "'" + line + "'", good(line + "\r\n"));
        }
        bad(group, "folded", good("X: a\r\n b\r\n"));
        bad(group, "folded behind a tab", good("X: a\r\n\tb\r\n"));
        bad(group, "folded before the first", good("").replaceFirst("Host", " Host"));
        bad(group, "folded, empty", good("X: a\r\n \r\n"));
    }

    private void sizes() {
        String group = "size";
        add(group, "101 headers", good("X: y\r\n".repeat(98)), 431);
        add(group, "5,000 headers", good("X:\r\n".repeat(5_000)), 431);
        add(group, "a header of 17,000 bytes", good("X: " + "y".repeat(17_000) + "\r\n"), 431);
        add(group, "a header name of 17,000 bytes", good("X".repeat(17_000) + ": y\r\n"), 431);
        add(group, "headers of 17,000 bytes", good(("X: " + "y".repeat(990) + "\r\n").repeat(17)), 431);
        add(group, "a request line of 9,000 bytes", good("").replace("completions", "x".repeat(9_000)), 414);
        add(group, "a method of 9,000 bytes", "G".repeat(9_000) + " /v1/models HTTP/1.1\r\n" + HOST + "\r\n", 414);
        add(group, "a line without an end", "GET /" + "x".repeat(20_000), 414);
    }

    private void expectations() {
        String group = "expectation";
        for (String value : each("x¦200-ok¦100-continue, x¦100¦")) {
            add(group, "'" + value + "'", good("Expect: " + value + "\r\n"), 417);
        }
        bad(
                "upgrade",
                "web socket",
                "GET /v1/models HTTP/1.1\r\n" + HOST + "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        bad(
                "upgrade",
                "old web socket, eight bytes of which are a body",
                "GET /v1/models HTTP/1.1\r\n" + HOST
                        + "Sec-WebSocket-Key1: 1\r\nSec-WebSocket-Key2: 2\r\n\r\nGET / HT");
    }

    private void good() {
        pass("with a length", good(""));
        pass("in chunks", post(CHUNKED, CHUNK + END));
        pass("in two chunks", post(CHUNKED, "1f\r\n" + ASK.substring(0, 31) + "\r\n1\r\n}\r\n" + END));
        pass("in chunks with an extension", post(CHUNKED, "20;a=\"b c\"\r\n" + ASK + "\r\n" + END));
        pass("chunked in capitals", post("TRANSFER-ENCODING: CHUNKED\r\n", CHUNK + END));
        pass("behind an empty line", "\r\n" + good(""));
        pass("with spaces around values", good("X:   y\t \r\nZ:\r\n"));
        pass("with a length behind zeros", post("Content-Length: 0032\r\n", ASK));
        pass("with a hundred headers", good("X: y\r\n".repeat(97)));
        pass("with text beyond ASCII in a value", good("X: \u00e4\r\n"));
        pass("with a query", good("").replace("completions", "completions?api-version=2026-01-01&x=%20"));
        pass("with an absolute target", good("").replace("/v1/completions", "http://GATEWAY/v1/completions"));
        pass("for a port", good("").replace("Host: gateway", "Host: gateway:8088"));
        pass("for an IPv4 address", good("").replace("Host: gateway", "Host: 10.0.0.1:8088"));
        pass("for an IPv6 address", good("").replace("Host: gateway", "Host: [fe80::1]:8088"));
        pass("for a name with an underscore", good("").replace("Host: gateway", "Host: llm_router"));
        pass("that expects 100-continue", good("Expect: 100-Continue\r\n"));
        pass(
                "that offers HTTP/2",
                good("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"));
        pass("that ends the connection", good("Connection: close\r\n"));
        pass("of HTTP/1.0", good("").replace("HTTP/1.1", "HTTP/1.0"));
    }

    private void bad(String group, String name, String text) {
        add(group, name, text, 400);
    }

    private void chunked(String group, String name, String body) {
        bad(group, name, post(CHUNKED, body));
    }

    private void pass(String name, String text) {
        route("good", name, text, PASSES);
    }

    private void route(String group, String name, String text, int status) {
        cases.add(new Case(group, name, text, status, true));
    }

    private void add(String group, String name, String text, int status) {
        cases.add(new Case(group, name, text, status, false));
    }

    private static List<String> each(String joined) {
        return List.of(joined.split("¦", -1));
    }

    private static String good(String more) {
        return post(LENGTH + more, ASK);
    }

    private static String post(String headers, String body) {
        return POST + HOST + JSON + headers + "\r\n" + body;
    }

    private static String abbreviate(String value) {
        return value.length() > 40 ? value.substring(0, 40) + " (" + value.length() + ")" : value;
    }
}
