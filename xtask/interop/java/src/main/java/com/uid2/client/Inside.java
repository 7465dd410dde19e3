package com.uid2.client;

/**
 * What the SDK does for itself and has no public name for, called as it calls it: so that the
 * comparison measures that work and nothing around it.
 */
public final class Inside {
    private Inside() {}

    /** As TokenGenerateInput makes of a phone number; nothing if it is refused. */
    public static String hashPhone(String phone) {
        return InputUtil.isPhoneNumberNormalized(phone)
                ? InputUtil.getBase64EncodedHash(phone)
                : null;
    }
}
