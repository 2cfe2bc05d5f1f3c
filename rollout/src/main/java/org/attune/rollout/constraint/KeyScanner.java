package org.attune.rollout.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Follows JSON byte by byte and finds keys that come twice in an object. Takes texts that are JSON
/// so far.
final class KeyScanner {
    /// Where in a string the next byte stands: hexadecimal digits of an escape are counted down.
    private static final int PLAIN = 0;

    private static final int ESCAPE = 5;

    private final List<Set<String>> open = new ArrayList<>(); // keys by object; null: an array
    private boolean inString;
    private boolean isKey;
    private boolean expectsKey;
    private int escape = PLAIN;
    private int code;
    private char high; // half of a pair
    private final StringBuilder key = new StringBuilder(); // bytes as characters

    KeyScanner() {}

    /// A copy that goes on alone.
    KeyScanner(KeyScanner other) {
        other.open.forEach(keys -> open.add(keys == null ? null : new HashSet<>(keys)));
        inString = other.inString;
        isKey = other.isKey;
        expectsKey = other.expectsKey;
        escape = other.escape;
        code = other.code;
        high = other.high;
        key.append(other.key);
    }

    /// Whether an object is open in which a key has come.
    boolean hasKeys() {
        return open.stream().anyMatch(keys -> keys != null && !keys.isEmpty()) || isKey;
    }

    /// Takes bytes.
    ///
    /// @return whether no key among them is one that its object has
    boolean push(byte[] bytes) {
        boolean fresh = true;
        for (byte each : bytes) {
            fresh &= push(each & 0xff);
        }
        return fresh;
    }

    private boolean push(int value) {
        if (inString) {
            return inString(value);
        }
        switch (value) {
            case '{' -> {
                open.add(new HashSet<>());
                expectsKey = true;
            }
            case '[' -> {
                open.add(null);
                expectsKey = false;
            }
            case '}', ']' -> open.removeLast();
            case ',' -> expectsKey = !open.isEmpty() && open.getLast() != null;
            case '"' -> {
                inString = true;
                isKey = expectsKey;
                expectsKey = false;
                key.setLength(0);
            }
            default -> {}
        }
        return true;
    }

    private boolean inString(int value) {
        if (escape == ESCAPE) {
            escape = value == 'u' ? ESCAPE - 1 : PLAIN;
            code = 0;
            int letter = "btnfr".indexOf(value);
            if (value != 'u') {
                key.append(letter < 0 ? (char) value : "\b\t\n\f\r".charAt(letter));
            }
        } else if (escape > PLAIN) {
            code = 16 * code + Character.digit(value, 16);
            escape--;
            if (escape == PLAIN) {
                unit((char) code);
            }
        } else if (value == '\\') {
            escape = ESCAPE;
        } else if (value == '"') {
            inString = false;
            return !isKey || open.getLast().add(key.toString());
        } else if (isKey) {
            key.append((char) value);
        }
        return true;
    }

    /// Adds what an escape names, in UTF-8 as the rest is.
    private void unit(char unit) {
        if (Character.isHighSurrogate(unit)) {
            high = unit;
            return;
        }
        String text =
                Character.isLowSurrogate(unit)
                        ? Character.toString(Character.toCodePoint(high, unit))
                        : String.valueOf(unit);
        key.append(new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }
}
