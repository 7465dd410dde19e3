package interop;

import com.google.gson.JsonObject;
import java.util.Objects;

/** What came of each row, as a line of JSON on standard output. */
final class Report {
    private Report() {}

    /** The SDK and the operator did not do what they should. */
    static final class Failed extends RuntimeException {
        Failed(String message) {
            super(message);
        }
    }

    /** The SDK has no such call. */
    static final class Absent extends RuntimeException {
        Absent(String message) {
            super(message);
        }
    }

    /** The SDK does one thing, the operator another. */
    static final class Deviates extends RuntimeException {
        final String operator;

        Deviates(String sdk, String operator) {
            super(sdk);
            this.operator = operator;
        }
    }

    interface Body {
        void run() throws Exception;
    }

    static void expect(boolean condition, String message) {
        if (!condition) {
            throw new Failed(message);
        }
    }

    static void expectEqual(Object found, Object wanted, String what) {
        expect(Objects.equals(found, wanted), what + ": " + found + ", not " + wanted);
    }

    /** Runs the body of a row and says what came of it, whatever that was. */
    static void row(String name, Body body) {
        JsonObject line = new JsonObject();
        line.addProperty("row", name);
        try {
            body.run();
            line.addProperty("outcome", "ok");
        } catch (Absent absent) {
            line.addProperty("outcome", "absent");
            line.addProperty("note", absent.getMessage());
        } catch (Deviates deviates) {
            line.addProperty("outcome", "deviates");
            line.addProperty("sdk", deviates.getMessage());
            line.addProperty("operator", deviates.operator);
        } catch (Failed failed) {
            line.addProperty("outcome", "failed");
            line.addProperty("note", failed.getMessage());
        } catch (Exception unexpected) { // An SDK may throw anything.
            unexpected.printStackTrace();
            line.addProperty("outcome", "failed");
            line.addProperty("note", unexpected.toString());
        }
        System.out.println(line);
    }

    /** A token that the SDK encrypted, for the Rust side to decode. */
    static void token(String what, String text, String rawUid, int siteId, String scope) {
        JsonObject line = new JsonObject();
        line.addProperty("token", text);
        line.addProperty("what", what);
        line.addProperty("raw_uid", rawUid);
        line.addProperty("site_id", siteId);
        line.addProperty("scope", scope);
        System.out.println(line);
    }
}
