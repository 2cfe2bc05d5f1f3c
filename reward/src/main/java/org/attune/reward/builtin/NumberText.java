package org.attune.reward.builtin;

import java.math.BigDecimal;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Finds numbers in prose.
final class NumberText {
    private static final Pattern GSM8K_ANSWER = Pattern.compile("#### (-?[0-9.,]+)");
    private static final Pattern NUMBER = Pattern.compile("-?[$0-9.,]{2,}|-?[0-9]+");

    private NumberText() {}

    /// What stands behind the first `#### `, without thousands separators, as GSM8K's authors
    /// extract it.
    static Optional<String> gsm8kAnswer(String text) {
        Matcher matcher = GSM8K_ANSWER.matcher(text);
        return matcher.find() ? Optional.of(matcher.group(1).replace(",", "")) : Optional.empty();
    }

    /// The last thing that looks like a number, as it is written: `$1,234.` say.
    static Optional<String> last(String text) {
        Matcher matcher = NUMBER.matcher(text);
        String last = null;
        while (matcher.find()) {
            last = matcher.group();
        }
        return Optional.ofNullable(last);
    }

    /// The value of a number as people write it: white space, `$`, thousands separators and a
    /// final point are ignored. Empty if it isn't one number.
    static Optional<BigDecimal> value(String written) {
        String plain = written.strip().replace(",", "").replace("$", "");
        if (plain.endsWith(".")) {
            plain = plain.substring(0, plain.length() - 1);
        }
        // more digits, or an exponent, are no answer but an attack on memory: 1e999999999
        if (plain.isEmpty() || plain.length() > 1000) {
            return Optional.empty();
        }
        try {
            var value = new BigDecimal(plain);
            return Math.abs((long) value.scale()) > 10_000 ? Optional.empty() : Optional.of(value);
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
