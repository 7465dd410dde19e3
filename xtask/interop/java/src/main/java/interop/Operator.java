package interop;

import com.uid2.client.BidstreamClient;
import com.uid2.client.IdentityMapClient;
import com.uid2.client.IdentityMapV3Client;
import com.uid2.client.PublisherUid2Client;
import com.uid2.client.RefreshResponse;
import com.uid2.client.SharingClient;

/** An emulator and credentials for it. */
final class Operator {
    private static final String KEY = System.getenv("UID2_API_KEY");
    private static final String SECRET = System.getenv("UID2_SECRET_KEY");

    /** The usual one. */
    static final Operator USUAL = new Operator(System.getenv("UID2_BASE_URL"), KEY, SECRET);
    /** Its tokens live for two seconds. */
    static final Operator SHORT_LIVED =
            new Operator(System.getenv("SHORT_LIVED_BASE_URL"), KEY, SECRET);
    /** Of the other scope. */
    static final Operator EUID = new Operator(System.getenv("EUID_BASE_URL"), KEY, SECRET);
    /** Another client of the usual operator, who reads tokens. */
    static final Operator OTHER =
            new Operator(
                    System.getenv("UID2_BASE_URL"),
                    System.getenv("OTHER_API_KEY"),
                    System.getenv("OTHER_SECRET_KEY"));
    /** The site of the credentials. */
    static final int SITE = Integer.parseInt(System.getenv("SITE_ID"));

    final String url;
    final String apiKey;
    final String secret;

    Operator(String url, String apiKey, String secret) {
        this.url = url;
        this.apiKey = apiKey;
        this.secret = secret;
    }

    PublisherUid2Client publisher() {
        return new PublisherUid2Client(url, apiKey, secret);
    }

    IdentityMapClient mapV2() {
        return new IdentityMapClient(url, apiKey, secret);
    }

    IdentityMapV3Client mapV3() {
        return new IdentityMapV3Client(url, apiKey, secret);
    }

    BidstreamClient bidstream() {
        BidstreamClient client = new BidstreamClient(url, apiKey, secret);
        check(client.refresh());
        return client;
    }

    SharingClient sharing() {
        SharingClient client = new SharingClient(url, apiKey, secret);
        check(client.refresh());
        return client;
    }

    private static void check(RefreshResponse response) {
        Report.expect(response.isSuccess(), "no keys: " + response.getReason());
    }
}
