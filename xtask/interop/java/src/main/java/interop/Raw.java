package interop;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Calls without the SDK, to see what the operator makes of what the SDK would change. */
final class Raw {
    private Raw() {}

    private static final int IV = 12;
    private static final int STAMP = 16;

    /** The answer to /v2/token/generate. */
    static JsonObject generate(Operator operator, JsonObject request) throws Exception {
        byte[] secret = Base64.getDecoder().decode(operator.secret);
        byte[] iv = new byte[IV];
        byte[] nonce = new byte[8];
        new SecureRandom().nextBytes(iv);
        new SecureRandom().nextBytes(nonce);
        byte[] json = request.toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer plain = ByteBuffer.allocate(STAMP + json.length);
        plain.putLong(System.currentTimeMillis()).put(nonce).put(json);
        byte[] sealed = gcm(Cipher.ENCRYPT_MODE, secret, iv, plain.array());
        ByteBuffer envelope = ByteBuffer.allocate(1 + IV + sealed.length);
        envelope.put((byte) 1).put(iv).put(sealed);

        HttpRequest post =
                HttpRequest.newBuilder(URI.create(operator.url + "/v2/token/generate"))
                        .header("Authorization", "Bearer " + operator.apiKey)
                        .header("Content-Type", "text/plain")
                        .POST(
                                HttpRequest.BodyPublishers.ofString(
                                        Base64.getEncoder().encodeToString(envelope.array())))
                        .build();
        String answer =
                HttpClient.newHttpClient()
                        .send(post, HttpResponse.BodyHandlers.ofString())
                        .body();
        if (answer.startsWith("{")) {
            return JsonParser.parseString(answer).getAsJsonObject();
        }
        byte[] body = Base64.getDecoder().decode(answer);
        byte[] opened =
                gcm(
                        Cipher.DECRYPT_MODE,
                        secret,
                        Arrays.copyOf(body, IV),
                        Arrays.copyOfRange(body, IV, body.length));
        String text =
                new String(opened, STAMP, opened.length - STAMP, StandardCharsets.UTF_8);
        return JsonParser.parseString(text).getAsJsonObject();
    }

    private static byte[] gcm(int mode, byte[] key, byte[] iv, byte[] message) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, iv));
        return cipher.doFinal(message);
    }
}
