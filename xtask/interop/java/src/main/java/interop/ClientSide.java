package interop;

import static interop.Publisher.EMAIL;
import static interop.Publisher.hashed;
import static interop.Report.expect;
import static interop.Report.expectEqual;
import static interop.Report.row;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.uid2.client.DecryptionResponse;
import com.uid2.client.DecryptionStatus;
import com.uid2.client.IdentityMapInput;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** Tokens that browsers and apps generate, without the SDK: it has no part in that. */
final class ClientSide {
    private ClientSide() {}

    private static final int PREFIX = "UID2-X-L-".length();
    private static final int IV = 12;

    /** Of the site's domains, and not. */
    private static final String OWN_DOMAIN = "localhost";

    private static final String FOREIGN_DOMAIN = "elsewhere.example";

    /** An advertising token, as a browser gets one on a page of the site. */
    private static String generate() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
        generator.initialize(new ECGenParameterSpec("secp256r1"));
        KeyPair own = generator.generateKeyPair();
        byte[] key = sharedKey(own);
        byte[] iv = new byte[IV];
        new SecureRandom().nextBytes(iv);
        long now = System.currentTimeMillis();

        Cipher cipher = cipher(Cipher.ENCRYPT_MODE, key, iv);
        cipher.updateAAD(utf8("[" + now + "]"));
        JsonObject dii = new JsonObject();
        dii.addProperty("email_hash", hashed(EMAIL));
        JsonObject body = new JsonObject();
        body.addProperty("payload", base64(cipher.doFinal(utf8(dii.toString()))));
        body.addProperty("iv", base64(iv));
        body.addProperty("public_key", base64(own.getPublic().getEncoded()));
        body.addProperty("timestamp", now);
        body.addProperty("subscription_id", System.getenv("CLIENT_SIDE_SUBSCRIPTION_ID"));

        byte[] answer = Base64.getDecoder().decode(post(utf8(body.toString())));
        byte[] opened =
                cipher(Cipher.DECRYPT_MODE, key, Arrays.copyOf(answer, IV))
                        .doFinal(answer, IV, answer.length - IV);
        JsonObject json =
                JsonParser.parseString(new String(opened, StandardCharsets.UTF_8))
                        .getAsJsonObject();
        expectEqual(json.get("status").getAsString(), "success", "status");
        return json.getAsJsonObject("body").get("advertising_token").getAsString();
    }

    private static byte[] sharedKey(KeyPair own) throws Exception {
        String text = System.getenv("CLIENT_SIDE_PUBLIC_KEY").substring(PREFIX);
        PublicKey operators =
                KeyFactory.getInstance("EC")
                        .generatePublic(new X509EncodedKeySpec(Base64.getDecoder().decode(text)));
        KeyAgreement agreement = KeyAgreement.getInstance("ECDH");
        agreement.init(own.getPrivate());
        agreement.doPhase(operators, true);
        return agreement.generateSecret();
    }

    /** With the connection of old, which can be let send an Origin. */
    private static byte[] post(byte[] body) throws Exception {
        URL url = new URL(Operator.USUAL.url + "/v2/token/client-generate");
        HttpURLConnection connection = (HttpURLConnection) url.openConnection();
        connection.setDoOutput(true);
        connection.setRequestProperty("Origin", "http://" + OWN_DOMAIN);
        connection.setRequestProperty("Content-Type", "application/json");
        try (OutputStream out = connection.getOutputStream()) {
            out.write(body);
        }
        try (InputStream in = connection.getInputStream()) {
            return in.readAllBytes();
        }
    }

    private static Cipher cipher(int mode, byte[] key, byte[] iv) throws Exception {
        Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
        cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, iv));
        return cipher;
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String base64(byte[] bytes) {
        return Base64.getEncoder().encodeToString(bytes);
    }

    private static void decrypts() throws Exception {
        DecryptionResponse found =
                Operator.USUAL.bidstream().decryptTokenIntoRawUid(generate(), OWN_DOMAIN);
        expect(found.isSuccess(), String.valueOf(found.getStatus()));
        expect(found.getIsClientSideGenerated(), "is not of a client");
        expectEqual(found.getUid(), Mapping.rawUid(IdentityMapInput::fromEmails, EMAIL), "raw UID");
        int site = Integer.parseInt(System.getenv("CLIENT_SIDE_SITE_ID"));
        expectEqual(found.getSiteId(), site, "site");
    }

    private static void checksTheDomain() throws Exception {
        expectEqual(
                Operator.USUAL
                        .bidstream()
                        .decryptTokenIntoRawUid(generate(), FOREIGN_DOMAIN)
                        .getStatus(),
                DecryptionStatus.DOMAIN_OR_APP_NAME_CHECK_FAILED,
                "status");
    }

    static void rows() {
        row("client-side", ClientSide::decrypts);
        row("client-side-domain", ClientSide::checksTheDomain);
    }
}
