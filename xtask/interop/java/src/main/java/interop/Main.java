package interop;

/** The official Java SDK as a client of the emulator; started by `cargo xtask interop`. */
public final class Main {
    private Main() {}

    public static void main(String[] args) {
        // Read when the first connection is made: lets ClientSide send an Origin.
        System.setProperty("sun.net.http.allowRestrictedHeaders", "true");
        if (args.length == 1 && args[0].equals("other-charset")) {
            Deviations.otherCharsetRows();
        } else {
            Publisher.rows();
            Mapping.rows();
            Tokens.rows();
            ClientSide.rows();
            Deviations.rows();
        }
        // OkHttp's threads would keep the process for a minute.
        System.exit(0);
    }
}
