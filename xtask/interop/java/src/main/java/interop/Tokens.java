package interop;

import static interop.Publisher.EMAIL;
import static interop.Publisher.PHONE;
import static interop.Report.expect;
import static interop.Report.expectEqual;
import static interop.Report.row;
import static interop.Report.token;

import com.uid2.client.BidstreamClient;
import com.uid2.client.DecryptionResponse;
import com.uid2.client.DecryptionStatus;
import com.uid2.client.EUIDClientFactory;
import com.uid2.client.EncryptionDataResponse;
import com.uid2.client.IUID2Client;
import com.uid2.client.IdentityMapInput;
import com.uid2.client.IdentityTokens;
import com.uid2.client.IdentityType;
import com.uid2.client.SharingClient;
import com.uid2.client.UID2ClientFactory;
import java.util.List;

/** What bidders and sharers do: decrypt and encrypt tokens. */
final class Tokens {
    private Tokens() {}

    private static final String DOMAIN = "example.com";

    private static IdentityType kind(String input) {
        return input.startsWith("phone") ? IdentityType.Phone : IdentityType.Email;
    }

    private static String ownRawUid(IdentityType kind) {
        return kind == IdentityType.Email
                ? Mapping.rawUid(IdentityMapInput::fromEmails, EMAIL)
                : Mapping.rawUid(IdentityMapInput::fromPhones, PHONE);
    }

    /** Tokens of all kinds of input carry the raw UID that mapping tells. */
    private static void decrypts(boolean refreshed) {
        BidstreamClient client = Operator.USUAL.bidstream();
        Publisher.inputs()
                .forEach(
                        (name, dii) -> {
                            IdentityTokens identity = Publisher.generate(dii.get());
                            if (refreshed) {
                                identity = Publisher.refresh(identity);
                            }
                            DecryptionResponse found =
                                    client.decryptTokenIntoRawUid(
                                            identity.getAdvertisingToken(), DOMAIN);
                            expect(found.isSuccess(), name + ": " + found.getStatus());
                            IdentityType kind = kind(name);
                            expectEqual(found.getUid(), ownRawUid(kind), name + ": raw UID");
                            expectEqual(found.getIdentityType(), kind, name + ": type");
                            expectEqual(found.getSiteId(), Operator.SITE, name + ": site");
                            expectEqual(
                                    found.getExpiry().toEpochMilli(),
                                    Publisher.time(identity, "identity_expires"),
                                    name + ": expiry");
                        });
    }

    private static void sharingTokensAreNotForBids() {
        String shared = share(Operator.USUAL.sharing(), ownRawUid(IdentityType.Email));
        expectEqual(
                Operator.USUAL.bidstream().decryptTokenIntoRawUid(shared, DOMAIN).getStatus(),
                DecryptionStatus.INVALID_TOKEN_LIFETIME,
                "status");
    }

    private static void alteredTokensAreRefused() {
        String text =
                Publisher.generate(Publisher.inputs().get("email").get()).getAdvertisingToken();
        char other = text.charAt(100) == 'A' ? 'B' : 'A';
        String altered = text.substring(0, 100) + other + text.substring(101);
        expectEqual(
                Operator.USUAL.bidstream().decryptTokenIntoRawUid(altered, DOMAIN).getStatus(),
                DecryptionStatus.INVALID_PAYLOAD,
                "status");
    }

    private static String share(SharingClient client, String uid) {
        EncryptionDataResponse response = client.encryptRawUidIntoToken(uid);
        expect(response.isSuccess(), String.valueOf(response.getStatus()));
        return response.getEncryptedData();
    }

    private static void shares() {
        SharingClient client = Operator.USUAL.sharing();
        for (IdentityType kind : List.of(IdentityType.Email, IdentityType.Phone)) {
            String uid = ownRawUid(kind);
            String shared = share(client, uid);
            DecryptionResponse found = client.decryptTokenIntoRawUid(shared);
            expect(found.isSuccess(), String.valueOf(found.getStatus()));
            expectEqual(found.getUid(), uid, "raw UID");
            expectEqual(found.getSiteId(), Operator.SITE, "site");
            token("shared " + kind, shared, uid, Operator.SITE, "UID2");
        }
    }

    private static void keepsTheType() {
        String uid = ownRawUid(IdentityType.Phone);
        SharingClient client = Operator.USUAL.sharing();
        IdentityType found = client.decryptTokenIntoRawUid(share(client, uid)).getIdentityType();
        if (found != IdentityType.Phone) {
            throw new Report.Deviates(
                    "writes a token that says it is of an e-mail address for a phone's raw UID of"
                            + " version 4",
                    "says phone in the tokens that it mints for this raw UID");
        }
    }

    private static void anotherReadsWhatWasShared() {
        String uid = ownRawUid(IdentityType.Email);
        DecryptionResponse found =
                Operator.OTHER
                        .sharing()
                        .decryptTokenIntoRawUid(share(Operator.USUAL.sharing(), uid));
        expect(found.isSuccess(), String.valueOf(found.getStatus()));
        expectEqual(found.getUid(), uid, "raw UID");
    }

    private static void legacyClient() throws Exception {
        Operator operator = Operator.USUAL;
        IUID2Client client =
                UID2ClientFactory.create(operator.url, operator.apiKey, operator.secret);
        client.refresh();
        String uid = ownRawUid(IdentityType.Email);
        String shared = client.encrypt(uid).getEncryptedData();
        expectEqual(client.decrypt(shared).getUid(), uid, "raw UID");
        token("shared by UID2Client", shared, uid, Operator.SITE, "UID2");
    }

    private static void sharesEuid() throws Exception {
        String uid = Mapping.rawUid(IdentityMapInput::fromEmails, EMAIL, Operator.EUID);
        SharingClient client = Operator.EUID.sharing();
        String shared = share(client, uid);
        expectEqual(client.decryptTokenIntoRawUid(shared).getUid(), uid, "raw UID");
        token("shared EUID", shared, uid, Operator.SITE, "EUID");
        IUID2Client legacy =
                EUIDClientFactory.create(
                        Operator.EUID.url, Operator.EUID.apiKey, Operator.EUID.secret);
        legacy.refresh();
        String byLegacy = legacy.encrypt(uid).getEncryptedData();
        token("shared by an EUID client", byLegacy, uid, Operator.SITE, "EUID");
    }

    private static void decryptsEuid() {
        IdentityTokens identity = Publisher.generate(Publisher.consenting(), Operator.EUID);
        DecryptionResponse found =
                Operator.EUID
                        .bidstream()
                        .decryptTokenIntoRawUid(identity.getAdvertisingToken(), DOMAIN);
        expect(found.isSuccess(), String.valueOf(found.getStatus()));
        expectEqual(
                found.getUid(),
                Mapping.rawUid(IdentityMapInput::fromEmails, EMAIL, Operator.EUID),
                "raw UID");
    }

    static void rows() {
        row("decrypt", () -> decrypts(false));
        row("decrypt-refreshed", () -> decrypts(true));
        row("decrypt-sharing", Tokens::sharingTokensAreNotForBids);
        row("decrypt-altered", Tokens::alteredTokensAreRefused);
        row("share", Tokens::shares);
        row("share-type", Tokens::keepsTheType);
        row("share-with-other", Tokens::anotherReadsWhatWasShared);
        row("legacy-client", Tokens::legacyClient);
        for (String name : List.of("legacy-data", "mint-v2", "mint-v3", "mint-v4")) {
            row(
                    name,
                    () -> {
                        throw new Report.Absent("Key and Uid2TokenGenerator are not public");
                    });
        }
        row("euid-decrypt", Tokens::decryptsEuid);
        row("euid-share", Tokens::sharesEuid);
    }
}
