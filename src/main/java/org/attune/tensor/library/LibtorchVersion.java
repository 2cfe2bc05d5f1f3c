package org.attune.tensor.library;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A version of libtorch.
///
/// @param major first number
/// @param minor second number
/// @param patch third number
public record LibtorchVersion(int major, int minor, int patch) {
    private static final Pattern TEXT =
            Pattern.compile("(\\d+)\\.(\\d+)\\.(\\d+).*", Pattern.DOTALL);
    private static final int BYTE = 0xff;

    /// Reads what `aoti_torch_abi_version` gives: a byte each, from the highest on.
    public static LibtorchVersion ofAbi(long number) {
        return new LibtorchVersion(
                (int) (number >>> 56), (int) (number >>> 48) & BYTE, (int) (number >>> 40) & BYTE);
    }

    /// Reads a version's text, e.g. `2.11.0+cu130`; empty if it is none.
    public static Optional<LibtorchVersion> parse(String text) {
        Matcher numbers = TEXT.matcher(text);
        return numbers.matches()
                ? Optional.of(
                        new LibtorchVersion(
                                Integer.parseInt(numbers.group(1)),
                                Integer.parseInt(numbers.group(2)),
                                Integer.parseInt(numbers.group(3))))
                : Optional.empty();
    }

    /// Whether this libtorch's C functions take lists: 2.10 and newer.
    public boolean hasStableShim() {
        return major > 2 || major == 2 && minor >= 10;
    }

    /// Whether DJL has a JNI library for this libtorch.
    public boolean isDjls() {
        return major == 2 && minor == 7 && patch == 1;
    }

    public boolean isUsable() {
        return hasStableShim() || isDjls();
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
