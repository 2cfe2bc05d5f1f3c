package org.attune.serve;

import java.util.UUID;

/// Names calls of tools. Some chat templates want nine letters and digits.
final class CallIds {
    private static final int LENGTH = 9;

    private CallIds() {}

    static String next() {
        UUID id = UUID.randomUUID();
        String text = Long.toUnsignedString(id.getLeastSignificantBits() | 1L << 62, 36);
        return text.substring(text.length() - LENGTH);
    }
}
