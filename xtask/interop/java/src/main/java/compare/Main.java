package compare;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.uid2.client.IdentityTokens;
import com.uid2.client.InputUtil;
import com.uid2.client.Inside;
import com.uid2.client.PublisherUid2Client;
import com.uid2.client.PublisherUid2Helper;
import com.uid2.client.TokenGenerateInput;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/**
 * The official Java SDK's side of {@code cargo xtask compare}: does, and measures, the work it is
 * told to on standard input, a line of JSON each, and answers with one.
 */
public final class Main {
    private static final String URL = System.getenv("UID2_BASE_URL");
    private static final String API_KEY = System.getenv("UID2_API_KEY");
    private static final String SECRET = System.getenv("UID2_SECRET_KEY");
    private static final int BATCH = 64;
    private static final PublisherUid2Helper HELPER = new PublisherUid2Helper(SECRET);

    /** Where results go, lest they be optimized away. */
    private static volatile Object sink;

    private Main() {}

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        if (args.length == 1 && args[0].equals("first")) {
            out.println(seal("first@example.com"));
            System.exit(0);
        }
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Gson gson = new Gson().newBuilder().serializeNulls().create();
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(gson.toJson(answer(JsonParser.parseString(line).getAsJsonObject())));
        }
        // OkHttp's threads would keep the process for a minute.
        System.exit(0);
    }

    private static JsonObject answer(JsonObject asked) throws Exception {
        JsonObject answer = new JsonObject();
        switch (text(asked, "do")) {
            case "hash":
                JsonArray hashes = new JsonArray();
                for (JsonElement input : asked.getAsJsonArray("inputs")) {
                    hashes.add(hash(input.getAsString()));
                }
                answer.add("hashes", hashes);
                break;
            case "seal":
                answer.addProperty("sealed", seal(text(asked, "input")));
                break;
            case "open":
                IdentityTokens identity = IdentityTokens.fromJsonString(text(asked, "identity"));
                IdentityTokens opened = open(identity, text(asked, "answer"));
                answer.addProperty("token", opened.getAdvertisingToken());
                break;
            case "measure":
                // Made before it is measured, as in the other SDKs.
                boolean calls = text(asked, "work").equals("round-trips");
                PublisherUid2Client client =
                        calls ? new PublisherUid2Client(URL, API_KEY, SECRET) : null;
                long start = System.nanoTime();
                long count = measure(asked, client);
                answer.addProperty("count", count);
                answer.addProperty("seconds", (System.nanoTime() - start) / 1e9);
                break;
            case "memory":
                answer.addProperty("peak_kib", peakMemory());
                break;
            default:
                throw new IllegalArgumentException(text(asked, "do"));
        }
        return answer;
    }

    private static String text(JsonObject asked, String name) {
        return asked.has(name) ? asked.get(name).getAsString() : null;
    }

    private static String hash(String input) {
        try {
            return input.contains("@")
                    ? InputUtil.normalizeAndHashEmail(input)
                    : Inside.hashPhone(input);
        } catch (IllegalArgumentException refused) {
            return null;
        }
    }

    /** As PublisherUid2Client.generateToken does before it sends. */
    private static String seal(String address) {
        TokenGenerateInput input = TokenGenerateInput.fromEmail(address);
        return HELPER.createEnvelopeForTokenGenerateRequest(input).getEnvelope();
    }

    /** As PublisherUid2Client.refreshToken does with what it received. */
    private static IdentityTokens open(IdentityTokens identity, String answer) {
        return PublisherUid2Helper.createTokenRefreshResponse(answer, identity).getIdentity();
    }

    private static long measure(JsonObject asked, PublisherUid2Client client) throws Exception {
        double seconds = asked.get("seconds").getAsDouble();
        String input = text(asked, "input");
        switch (text(asked, "work")) {
            case "hash-email":
                return repeat(seconds, () -> InputUtil.normalizeAndHashEmail(input));
            case "hash-phone":
                return repeat(seconds, () -> Inside.hashPhone(input));
            case "seal":
                return repeat(seconds, () -> seal(input));
            case "open":
                IdentityTokens identity = IdentityTokens.fromJsonString(text(asked, "identity"));
                String answer = text(asked, "answer");
                return repeat(seconds, () -> open(identity, answer));
            case "round-trips":
                return roundTrips(client, asked.get("in_flight").getAsInt(), seconds);
            default:
                throw new IllegalArgumentException(text(asked, "work"));
        }
    }

    private static long repeat(double seconds, Supplier<Object> step) {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        long count = 0;
        while (System.nanoTime() < end) {
            for (int i = 0; i < BATCH; i++) {
                sink = step.get();
            }
            count += BATCH;
        }
        return count;
    }

    private static long roundTrips(PublisherUid2Client client, int inFlight, double seconds)
            throws Exception {
        long end = System.nanoTime() + (long) (seconds * 1e9);
        ExecutorService threads = Executors.newFixedThreadPool(inFlight);
        List<Callable<Long>> users = new ArrayList<>();
        for (int at = 0; at < inFlight; at++) {
            String address = "user-" + at + "@example.com";
            users.add(
                    () -> {
                        long count = 0;
                        while (System.nanoTime() < end) {
                            roundTrip(client, address);
                            count++;
                        }
                        return count;
                    });
        }
        long total = 0;
        for (Future<Long> user : threads.invokeAll(users)) {
            total += user.get();
        }
        threads.shutdown();
        return total;
    }

    private static void roundTrip(PublisherUid2Client client, String address) {
        TokenGenerateInput input = TokenGenerateInput.fromEmail(address);
        IdentityTokens identity = client.generateTokenResponse(input).getIdentity();
        IdentityTokens next = client.refreshToken(identity).getIdentity();
        if (next.getAdvertisingToken().equals(identity.getAdvertisingToken())) {
            throw new IllegalStateException("the token is the same");
        }
    }

    private static Long peakMemory() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmHWM:")) {
                return Long.valueOf(line.split("\\s+")[1]);
            }
        }
        return null;
    }
}
