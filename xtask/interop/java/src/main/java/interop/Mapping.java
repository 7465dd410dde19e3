package interop;

import static interop.Publisher.EMAIL;
import static interop.Publisher.hashed;
import static interop.Report.expect;
import static interop.Report.expectEqual;
import static interop.Report.row;

import com.uid2.client.IdentityMapInput;
import com.uid2.client.IdentityMapResponse;
import com.uid2.client.IdentityMapV3Input;
import com.uid2.client.IdentityMapV3Response;
import com.uid2.client.UnmappedIdentityReason;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What an advertiser does: map identities to raw UIDs. */
final class Mapping {
    private Mapping() {}

    private static final String OPTED_OUT_EMAIL = "optout@example.com";
    private static final String OPTED_OUT_PHONE = "+00000000000";
    private static final String NOT_A_HASH = "not-a-hash";

    /** The raw UID of one value. */
    static String rawUid(
            Function<Iterable<String>, IdentityMapInput> diiOf, String value, Operator operator) {
        IdentityMapInput dii = diiOf.apply(List.of(value));
        return operator.mapV2().generateIdentityMap(dii).getMappedIdentities().get(value)
                .getRawUid();
    }

    static String rawUid(Function<Iterable<String>, IdentityMapInput> diiOf, String value) {
        return rawUid(diiOf, value, Operator.USUAL);
    }

    private static List<String> numbered(String format, int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> String.format(format, i))
                .collect(Collectors.toList());
    }

    private static List<String> emails() {
        return numbered("person%d@example.com", 20);
    }

    private static List<String> phones() {
        return numbered("+1234567%04d", 20);
    }

    private static void mapsV2(
            Function<Iterable<String>, IdentityMapInput> diiOf, List<String> values) {
        Map<String, IdentityMapResponse.MappedIdentity> mapped =
                Operator.USUAL.mapV2().generateIdentityMap(diiOf.apply(values))
                        .getMappedIdentities();
        expectEqual(mapped.keySet(), new HashSet<>(values), "mapped");
        Set<String> rawUids = new HashSet<>();
        mapped.values()
                .forEach(
                        identity -> {
                            expectEqual(identity.getRawUid().length(), 44, "length of raw UID");
                            expect(identity.getBucketId().length() >= 9, "length of bucket id");
                            rawUids.add(identity.getRawUid());
                        });
        expectEqual(rawUids.size(), values.size(), "raw UIDs of different people");
    }

    private static void hashesMapAsWhatTheyAreOf() {
        for (String email : emails().subList(0, 4)) {
            expectEqual(
                    rawUid(IdentityMapInput::fromHashedEmails, hashed(email)),
                    rawUid(IdentityMapInput::fromEmails, email),
                    "of the hash");
        }
        for (String phone : phones().subList(0, 4)) {
            expectEqual(
                    rawUid(IdentityMapInput::fromHashedPhones, hashed(phone)),
                    rawUid(IdentityMapInput::fromPhones, phone),
                    "of the hash");
        }
    }

    private static void unmappedV2() {
        String good = hashed(EMAIL);
        IdentityMapResponse response =
                Operator.USUAL
                        .mapV2()
                        .generateIdentityMap(
                                IdentityMapInput.fromHashedEmails(
                                        List.of(good, hashed(OPTED_OUT_EMAIL), NOT_A_HASH)));
        expectEqual(response.getMappedIdentities().keySet(), Set.of(good), "mapped");
        Map<String, String> reasons = new HashMap<>();
        response.getUnmappedIdentities().forEach((dii, why) -> reasons.put(dii, why.getReason()));
        expectEqual(
                reasons,
                Map.of(hashed(OPTED_OUT_EMAIL), "optout", NOT_A_HASH, "invalid identifier"),
                "reasons");
    }

    private static void mixedV3() {
        List<String> emails = emails().subList(0, 3);
        List<String> phones = phones().subList(0, 3);
        List<String> emailHashes = new ArrayList<>();
        List<String> phoneHashes = new ArrayList<>();
        numbered("hashed%d@example.com", 3).forEach(email -> emailHashes.add(hashed(email)));
        numbered("+9876543%04d", 3).forEach(phone -> phoneHashes.add(hashed(phone)));
        IdentityMapV3Input dii =
                IdentityMapV3Input.fromEmails(emails)
                        .withPhones(phones)
                        .withHashedEmails(emailHashes)
                        .withHashedPhones(phoneHashes);
        Map<String, IdentityMapV3Response.MappedIdentity> mapped =
                Operator.USUAL.mapV3().generateIdentityMap(dii).getMappedIdentities();
        Set<String> all = new HashSet<>(emails);
        all.addAll(phones);
        all.addAll(emailHashes);
        all.addAll(phoneHashes);
        expectEqual(mapped.keySet(), all, "mapped");
        mapped.values()
                .forEach(
                        identity -> {
                            String current = identity.getCurrentRawUid();
                            expectEqual(current.length(), 44, "length of raw UID");
                            expect(
                                    identity.getRefreshFrom().isAfter(Instant.now()),
                                    "refresh_from has passed");
                            expect(
                                    !current.equals(identity.getPreviousRawUid()),
                                    "previous is current");
                        });
    }

    private static void unmappedV3() {
        IdentityMapV3Input dii =
                IdentityMapV3Input.fromEmails(List.of(EMAIL, OPTED_OUT_EMAIL))
                        .withPhone(OPTED_OUT_PHONE)
                        .withHashedEmail(NOT_A_HASH);
        IdentityMapV3Response response = Operator.USUAL.mapV3().generateIdentityMap(dii);
        expectEqual(response.getMappedIdentities().keySet(), Set.of(EMAIL), "mapped");
        Map<String, UnmappedIdentityReason> reasons = new HashMap<>();
        response.getUnmappedIdentities().forEach((who, why) -> reasons.put(who, why.getReason()));
        expectEqual(
                reasons,
                Map.of(
                        OPTED_OUT_EMAIL, UnmappedIdentityReason.OPTOUT,
                        OPTED_OUT_PHONE, UnmappedIdentityReason.OPTOUT,
                        NOT_A_HASH, UnmappedIdentityReason.INVALID_IDENTIFIER),
                "reasons");
    }

    private static void bothVersionsAgree() {
        IdentityMapV3Input dii = IdentityMapV3Input.fromEmails(emails()).withPhones(phones());
        Map<String, String> v3 = new HashMap<>();
        Operator.USUAL
                .mapV3()
                .generateIdentityMap(dii)
                .getMappedIdentities()
                .forEach((who, identity) -> v3.put(who, identity.getCurrentRawUid()));
        Map<String, String> v2 = new HashMap<>();
        for (IdentityMapInput input :
                List.of(
                        IdentityMapInput.fromEmails(emails()),
                        IdentityMapInput.fromPhones(phones()))) {
            Operator.USUAL
                    .mapV2()
                    .generateIdentityMap(input)
                    .getMappedIdentities()
                    .forEach((who, identity) -> v2.put(who, identity.getRawUid()));
        }
        expectEqual(v2, v3, "raw UIDs");
    }

    private static void mapsEuid() {
        expect(
                !rawUid(IdentityMapInput::fromEmails, EMAIL, Operator.EUID)
                        .equals(rawUid(IdentityMapInput::fromEmails, EMAIL)),
                "EUID and UID2 have the same raw UID");
    }

    static void rows() {
        row("map-v2-email", () -> mapsV2(IdentityMapInput::fromEmails, emails()));
        row("map-v2-phone", () -> mapsV2(IdentityMapInput::fromPhones, phones()));
        row("map-v2-hash", Mapping::hashesMapAsWhatTheyAreOf);
        row("map-v2-unmapped", Mapping::unmappedV2);
        row("map-v3-mixed", Mapping::mixedV3);
        row("map-v3-unmapped", Mapping::unmappedV3);
        row("map-v2-is-v3", Mapping::bothVersionsAgree);
        row(
                "buckets",
                () -> {
                    throw new Report.Absent("the SDK has no call for identity buckets");
                });
        row("euid-map", Mapping::mapsEuid);
    }
}
