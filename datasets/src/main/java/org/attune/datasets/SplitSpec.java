package org.attune.datasets;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.ConfigException;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A split and a range of its rows, in the notation of Hugging Face `datasets`: `train`,
/// `test[:100]`, `train[10%:95%]`, `train[-5%:]`. Percentages are rounded to the nearest row.
///
/// @param split name of the split
/// @param from  first row, or null for the start
/// @param to    one past the last row, or null for the end
@Api(EXPERIMENTAL)
public record SplitSpec(String split, Bound from, Bound to) {
    /// The whole split `train`.
    public static final SplitSpec TRAIN = new SplitSpec("train", null, null);

    private static final Pattern FORM =
            Pattern.compile("([\\w.-]+)(?:\\[(?:(-?\\d+)(%)?)?:(?:(-?\\d+)(%)?)?])?");

    /// A place in the rows; negative ones count from the end.
    public record Bound(int number, boolean percent) {
        private int of(int rows) {
            long at = percent ? Math.round(rows * (double) number / 100) : number;
            long fromStart = number < 0 ? rows + at : at;
            return Math.clamp(fromStart, 0, rows);
        }
    }

    /// Reads the notation.
    ///
    /// @throws ConfigException if it isn't understood
    public static SplitSpec parse(String text) {
        Matcher form = FORM.matcher(text.strip());
        if (!form.matches()) {
            throw new ConfigException(
                    "split \"%s\" isn't understood; accepted are train, test[:100], train[10%%:95%%]"
                            .formatted(text));
        }
        return new SplitSpec(
                form.group(1),
                bound(form.group(2), form.group(3), text),
                bound(form.group(4), form.group(5), text));
    }

    private static Bound bound(String number, String percent, String text) {
        if (number == null) {
            return null;
        }
        try {
            return new Bound(Integer.parseInt(number), percent != null);
        } catch (NumberFormatException e) {
            throw new ConfigException("split \"" + text + "\": " + number + " is too large", e);
        }
    }

    /// The rows it selects.
    public <T> List<T> of(List<T> rows) {
        int start = from == null ? 0 : from.of(rows.size());
        int end = to == null ? rows.size() : to.of(rows.size());
        return rows.subList(start, Math.max(start, end));
    }

    @Override
    public String toString() {
        if (from == null && to == null) {
            return split;
        }
        return split + "[" + text(from) + ":" + text(to) + "]";
    }

    private static String text(Bound bound) {
        return bound == null ? "" : bound.number() + (bound.percent() ? "%" : "");
    }
}
