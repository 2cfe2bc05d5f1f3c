package org.attune.files;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// An amount of memory. In a file: `8GiB`, `8GB` (10⁹ each), `6.5GiB`, `900MiB`, or plain bytes.
///
/// @param bytes ≥ 1
/// @param text as it was written
public record MemorySize(long bytes, String text) {
    /// What [#parse] takes.
    public static final String ACCEPTED = "a size such as 8GiB, 6.5GB or 900MiB";

    private static final Pattern FORM = Pattern.compile("(\\d+(?:\\.\\d+)?)\\s*([a-z]*)");

    private static final Map<String, Long> UNITS =
            Map.of(
                    "",
                    1L,
                    "b",
                    1L,
                    "kb",
                    1_000L,
                    "mb",
                    1_000_000L,
                    "gb",
                    1_000_000_000L,
                    "tb",
                    1_000_000_000_000L,
                    "kib",
                    1L << 10,
                    "mib",
                    1L << 20,
                    "gib",
                    1L << 30,
                    "tib",
                    1L << 40);

    public static MemorySize ofBytes(long bytes) {
        return parse(Long.toString(bytes));
    }

    /// Reads the file's spelling.
    ///
    /// @throws IllegalArgumentException with what is accepted
    public static MemorySize parse(String text) {
        Matcher form = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (form.matches() && UNITS.containsKey(form.group(2))) {
            BigDecimal unit = BigDecimal.valueOf(UNITS.get(form.group(2)));
            BigDecimal bytes = new BigDecimal(form.group(1)).multiply(unit);
            if (bytes.compareTo(BigDecimal.ONE) >= 0
                    && bytes.compareTo(BigDecimal.valueOf(1L << 60)) <= 0) {
                return new MemorySize(bytes.longValue(), text.strip());
            }
        }
        throw new IllegalArgumentException(ACCEPTED);
    }

    @Override
    public String toString() {
        return text;
    }
}
