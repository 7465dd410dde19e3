package interop;

import static interop.Report.expect;
import static interop.Report.expectEqual;
import static interop.Report.row;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.uid2.client.IdentityTokens;
import com.uid2.client.TokenGenerateInput;
import com.uid2.client.TokenGenerateResponse;
import com.uid2.client.TokenRefreshResponse;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** What a publisher does: generate, refresh, and take no for an answer. */
final class Publisher {
    private Publisher() {}

    static final String EMAIL = "interop@example.com";
    static final String PHONE = "+12345678902";
    static final String SUFFICIENT_CONSENT =
            "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
    static final String INSUFFICIENT_CONSENT =
            "CPehXK9PehXK9ABAMBFRACBoADAAAEJAAIYgAKwAQAKgArABAAqAAA";
    private static final String NO_RAW = "TokenGenerateInput.doNotHash is not public";

    static String hashed(String dii) {
        try {
            byte[] utf8 = dii.getBytes(StandardCharsets.UTF_8);
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(utf8);
            return Base64.getEncoder().encodeToString(hash);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** How a publisher may say whom it means. */
    static Map<String, Supplier<TokenGenerateInput>> inputs() {
        Map<String, Supplier<TokenGenerateInput>> inputs = new LinkedHashMap<>();
        inputs.put("email", () -> TokenGenerateInput.fromEmail(EMAIL));
        inputs.put("phone", () -> TokenGenerateInput.fromPhone(PHONE));
        inputs.put("email-hash", () -> TokenGenerateInput.fromHashedEmail(hashed(EMAIL)));
        inputs.put("phone-hash", () -> TokenGenerateInput.fromHashedPhone(hashed(PHONE)));
        return inputs;
    }

    /** An identity, of somebody who has not opted out. */
    static IdentityTokens generate(TokenGenerateInput dii, Operator operator) {
        TokenGenerateResponse response = operator.publisher().generateTokenResponse(dii);
        expect(response.isSuccess() && !response.isOptout(), "not a success");
        checkIdentity(response.getIdentity());
        return response.getIdentity();
    }

    static IdentityTokens generate(TokenGenerateInput dii) {
        return generate(dii, Operator.USUAL);
    }

    /** A time that the SDK keeps but has no public getter for. */
    static long time(IdentityTokens identity, String name) {
        JsonObject json = JsonParser.parseString(identity.getJsonString()).getAsJsonObject();
        return json.get(name).getAsLong();
    }

    private static void checkIdentity(IdentityTokens identity) {
        int length = identity.getAdvertisingToken().length();
        expect(length == 218 || length == 219, "length of the token");
        expectEqual(identity.getRefreshToken().length(), 388, "length of the refresh token");
        long refreshFrom = time(identity, "refresh_from");
        long expires = time(identity, "identity_expires");
        expect(
                System.currentTimeMillis() < refreshFrom && refreshFrom <= expires,
                "refresh_from is not between now and identity_expires");
        expect(
                expires <= time(identity, "refresh_expires"),
                "identity_expires is after refresh_expires");
        expect(!identity.isDueForRefresh() && identity.isRefreshable(), "state of a new identity");
    }

    static IdentityTokens refresh(IdentityTokens identity) {
        TokenRefreshResponse response = Operator.USUAL.publisher().refreshToken(identity);
        expect(response.isSuccess(), "not a success");
        IdentityTokens refreshed = response.getIdentity();
        checkIdentity(refreshed);
        expect(
                !refreshed.getAdvertisingToken().equals(identity.getAdvertisingToken()),
                "the token is the same");
        return refreshed;
    }

    private static void refreshes() {
        IdentityTokens first = generate(inputs().get("email").get());
        IdentityTokens second = refresh(first);
        refresh(second);
        // A refresh token may be used more than once.
        refresh(first);
    }

    private static void carriesJson() {
        IdentityTokens identity = generate(inputs().get("phone").get());
        IdentityTokens read = IdentityTokens.fromJsonString(identity.getJsonString());
        expectEqual(
                read.getAdvertisingToken(), identity.getAdvertisingToken(), "token after JSON");
        refresh(read);
    }

    private static void optedOutAtGenerate() {
        for (TokenGenerateInput dii :
                List.of(
                        TokenGenerateInput.fromEmail("optout@example.com"),
                        TokenGenerateInput.fromPhone("+00000000000"),
                        TokenGenerateInput.fromHashedEmail(hashed("optout@example.com")),
                        TokenGenerateInput.fromHashedPhone(hashed("+00000000000")))) {
            TokenGenerateResponse response = Operator.USUAL.publisher().generateTokenResponse(dii);
            expect(response.isOptout() && !response.isSuccess(), "not an opt-out");
            expect(response.getIdentity() == null, "an identity of who opted out");
        }
    }

    private static void optedOutAtRefresh() {
        for (TokenGenerateInput dii :
                List.of(
                        TokenGenerateInput.fromEmail("refresh-optout@example.com"),
                        TokenGenerateInput.fromPhone("+00000000002"))) {
            IdentityTokens identity = generate(dii);
            TokenRefreshResponse response = Operator.USUAL.publisher().refreshToken(identity);
            expect(response.isOptout() && !response.isSuccess(), "not an opt-out");
            expect(response.getIdentity() == null, "an identity of who opted out");
        }
    }

    /** The call is refused with this code. What the exception says is returned. */
    static String refused(Report.Body call, int code) throws Exception {
        try {
            call.run();
        } catch (RuntimeException error) {
            String text = error.toString();
            expect(text.contains("code=" + code), text);
            for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
                text += " " + cause;
            }
            return text;
        }
        throw new Report.Failed("was not refused");
    }

    /** The call is refused, and the caller gets to know why, or not. */
    private static void refusedFor(Report.Body call, int code, String reason) throws Exception {
        if (!refused(call, code).contains(reason)) {
            throw new Report.Deviates(
                    "throws \"Unexpected code\" with the status code, and drops the body",
                    "says why in the body: " + reason);
        }
    }

    private static void wrongKey() throws Exception {
        String key = "UID2-C-L-999-AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        Operator stranger = new Operator(Operator.USUAL.url, key, Operator.USUAL.secret);
        refused(() -> generate(inputs().get("email").get(), stranger), 401);
    }

    private static void wrongSecret() throws Exception {
        String secret = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        Operator stranger = new Operator(Operator.USUAL.url, Operator.USUAL.apiKey, secret);
        refusedFor(
                () -> generate(inputs().get("email").get(), stranger),
                400,
                "Check encryption key (ClientSecret)");
    }

    /** When a token is due for refresh, expired, and beyond refresh. */
    private static void tellsTime() throws Exception {
        IdentityTokens identity = generate(inputs().get("email").get(), Operator.SHORT_LIVED);
        long left = time(identity, "refresh_expires") - System.currentTimeMillis();
        Thread.sleep(Math.max(0, left) + 100);
        refused(() -> Operator.SHORT_LIVED.publisher().refreshToken(identity), 400);
        expect(identity.isDueForRefresh(), "an expired token is not due for refresh");
        expect(!identity.isRefreshable(), "a token beyond refresh is refreshable");
    }

    private static void doesNotConsent() {
        TokenGenerateInput dii =
                TokenGenerateInput.fromEmail(EMAIL)
                        .withTransparencyAndConsentString(INSUFFICIENT_CONSENT);
        try {
            Operator.EUID.publisher().generateTokenResponse(dii);
        } catch (RuntimeException error) {
            expect(
                    error.getMessage().contains("insufficient_user_consent"),
                    "other reason: " + error);
            return;
        }
        throw new Report.Failed("a token without consent");
    }

    static TokenGenerateInput consenting() {
        return TokenGenerateInput.fromEmail(EMAIL)
                .withTransparencyAndConsentString(SUFFICIENT_CONSENT);
    }

    static void rows() {
        inputs().forEach((name, dii) -> row("generate-" + name, () -> generate(dii.get())));
        for (String name : List.of("raw-email", "raw-phone")) {
            row(
                    "generate-" + name,
                    () -> {
                        throw new Report.Absent(NO_RAW);
                    });
        }
        row("generate-optout", Publisher::optedOutAtGenerate);
        row("refresh", Publisher::refreshes);
        row("refresh-optout", Publisher::optedOutAtRefresh);
        row("identity-json", Publisher::carriesJson);
        row("wrong-key", Publisher::wrongKey);
        row("wrong-secret", Publisher::wrongSecret);
        row("times", Publisher::tellsTime);
        row("euid-generate", () -> generate(consenting(), Operator.EUID));
        row("euid-no-consent", Publisher::doesNotConsent);
        row(
                "euid-no-phone",
                () -> refused(() -> generate(inputs().get("phone").get(), Operator.EUID), 400));
    }
}
