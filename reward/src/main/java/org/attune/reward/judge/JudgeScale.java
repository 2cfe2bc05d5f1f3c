package org.attune.reward.judge;

import org.attune.error.ConfigException;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The scores that a judge may give, its ends included. A reward is the score as it stands.
///
/// @param low the worst
/// @param high the best; above `low`
public record JudgeScale(int low, int high) {
    /// The scale from 1 to 5.
    public static final JudgeScale DEFAULT = new JudgeScale(1, 5);

    private static final Pattern TEXT =
            Pattern.compile("\\s*(-?\\d{1,6})\\s*\\.\\.\\s*(-?\\d{1,6})\\s*");

    public JudgeScale {
        if (low >= high) {
            throw new ConfigException(
                    "scale must begin with its lowest score, got %d..%d".formatted(low, high));
        }
    }

    /// Reads `1..5` or `[1, 5]`.
    ///
    /// @throws ConfigException if it is neither
    public static JudgeScale of(Object value) {
        if (value instanceof List<?> list
                && list.size() == 2
                && list.get(0) instanceof Number low
                && list.get(1) instanceof Number high
                && low.intValue() == low.doubleValue()
                && high.intValue() == high.doubleValue()) {
            return new JudgeScale(low.intValue(), high.intValue());
        }
        Matcher text = TEXT.matcher(String.valueOf(value));
        if (text.matches()) {
            return new JudgeScale(Integer.parseInt(text.group(1)), Integer.parseInt(text.group(2)));
        }
        throw new ConfigException(
                "scale must be two whole numbers, as 1..5 or [1, 5], got " + value);
    }

    boolean contains(double score) {
        return score >= low && score <= high;
    }

    @Override
    public String toString() {
        return low + ".." + high;
    }
}
