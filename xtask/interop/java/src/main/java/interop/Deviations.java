package interop;

import static interop.Publisher.hashed;
import static interop.Report.expect;
import static interop.Report.expectEqual;
import static interop.Report.row;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import com.uid2.client.DecryptionResponse;
import com.uid2.client.TokenGenerateInput;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.Charset;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Where official SDKs are known to do other than the operator. */
final class Deviations {
    private Deviations() {}

    private static String rawUidIn(String token) {
        DecryptionResponse found =
                Operator.USUAL.bidstream().decryptTokenIntoRawUid(token, "example.com");
        expect(found.isSuccess(), String.valueOf(found.getStatus()));
        return found.getUid();
    }

    private static String rawUidOf(TokenGenerateInput dii) {
        return rawUidIn(Publisher.generate(dii).getAdvertisingToken());
    }

    private static JsonObject generateRaw(String kind, String value) throws Exception {
        JsonObject request = new JsonObject();
        request.addProperty(kind, value);
        return Raw.generate(Operator.USUAL, request);
    }

    /** Whether the SDK hashes an address as the operator does. */
    private static void normalizes(String email, String normalized) throws Exception {
        JsonObject body = generateRaw("email", email).getAsJsonObject("body");
        String operators = rawUidIn(body.get("advertising_token").getAsString());
        expectEqual(
                operators,
                rawUidOf(TokenGenerateInput.fromHashedEmail(hashed(normalized))),
                "the operator's raw UID");
        if (!rawUidOf(TokenGenerateInput.fromEmail(email)).equals(operators)) {
            throw new Report.Deviates(
                    "takes '" + email + "' for another person than the operator does",
                    "takes it for '" + normalized + "'");
        }
    }

    /** The bytes that are hashed are those of the platform's character set. */
    private static void hashesUtf8() throws Exception {
        try {
            normalizes(UNICODE, UNICODE);
        } catch (Report.Deviates deviates) {
            throw new Report.Deviates(
                    "hashes an address outside ASCII in " + Charset.defaultCharset()
                            + ", the platform's character set: another person to the operator",
                    "hashes UTF-8");
        }
    }

    /** Digits of other scripts. */
    private static void phoneDigits() throws Exception {
        String phone = "+\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660";
        expectEqual(
                generateRaw("phone", phone).get("message").getAsString(),
                "Invalid Identifier",
                "the operator's message");
        try {
            Publisher.generate(TokenGenerateInput.fromPhone(phone));
        } catch (IllegalArgumentException refused) {
            return;
        }
        throw new Report.Deviates("takes digits of any script", "takes ASCII digits alone");
    }

    /** What another host gets to see when one that was called redirects there. */
    private static void redirects() throws Exception {
        List<String> seen = new CopyOnWriteArrayList<>();
        HttpServer other = server(500, null, seen);
        String there = url(other) + "/v2/token/generate";
        List<String> seenFirst = new CopyOnWriteArrayList<>();
        HttpServer first = server(302, there, seenFirst);
        Operator redirecting =
                new Operator(url(first), Operator.USUAL.apiKey, Operator.USUAL.secret);
        try {
            Publisher.generate(Publisher.inputs().get("email").get(), redirecting);
        } catch (RuntimeException refused) {
            // As it must be, for there is no operator behind.
        } finally {
            first.stop(0);
            other.stop(0);
        }
        expectEqual(seenFirst.size(), 1, "requests to the first host");
        if (seen.isEmpty()) {
            return;
        }
        boolean key = seen.stream().anyMatch(header -> header.contains(Operator.USUAL.apiKey));
        throw new Report.Deviates(
                key
                        ? "follows a redirect to another host, and hands it the API key"
                        : "follows a redirect to another host, without the API key",
                "never redirects: whoever does is not the operator");
    }

    private static HttpServer server(int code, String target, List<String> seen) throws Exception {
        InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        HttpServer server = HttpServer.create(any, 0);
        server.createContext(
                "/",
                exchange -> {
                    seen.add(
                            String.valueOf(
                                    exchange.getRequestHeaders().getFirst("Authorization")));
                    exchange.getRequestBody().readAllBytes();
                    if (target != null) {
                        exchange.getResponseHeaders().set("Location", target);
                    }
                    exchange.sendResponseHeaders(code, -1);
                    exchange.close();
                });
        server.start();
        return server;
    }

    private static String url(HttpServer server) {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    static void rows() {
        row("email-around", () -> normalizes("  Around@Example.com ", "around@example.com"));
        row("email-inner", () -> normalizes("in ner@example.com", "inner@example.com"));
        row("email-before-at", () -> normalizes("before @example.com", "before@example.com"));
        row("email-domain", () -> normalizes("d@exam ple.com", "d@exam ple.com"));
        row("email-gmail", () -> normalizes("g.m.ail+x@gmail.com", "gmail@gmail.com"));
        row("email-gmail-space", () -> normalizes("g mail@gmail.com", "gmail@gmail.com"));
        row("email-unicode", () -> normalizes(UNICODE, UNICODE));
        row("phone-digits", Deviations::phoneDigits);
        row("redirect", Deviations::redirects);
    }

    /** In a JVM whose default character set is not UTF-8. */
    static void otherCharsetRows() {
        expect(!Charset.defaultCharset().name().equals("UTF-8"), "the character set is UTF-8");
        row("email-other-charset", Deviations::hashesUtf8);
    }

    private static final String UNICODE = "\u00dcml\u00e4ut@example.com";
}
