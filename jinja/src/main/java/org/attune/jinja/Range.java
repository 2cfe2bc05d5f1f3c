package org.attune.jinja;

import java.util.AbstractList;
import java.util.RandomAccess;

/// Python's `range`.
final class Range extends AbstractList<Object> implements RandomAccess, HasAttributes {
    private final long start;
    private final long stop;
    private final long step;
    private final int size;

    /// @param step not 0
    Range(long start, long stop, long step) {
        this.start = start;
        this.stop = stop;
        this.step = step;
        boolean empty = step > 0 ? start >= stop : start <= stop;
        // Doubles don't overflow, and rounding can't hide a range that is too long.
        double items = empty ? 0 : Math.ceil(((double) stop - start) / step);
        if (items > Limits.RANGE) {
            throw JinjaException.of(
                    JinjaException.Kind.LIMIT,
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE ("
                            + Limits.RANGE
                            + ").");
        }
        this.size = (int) items;
    }

    /// @param bounds start, end and step of the slice, as indexes
    Range slice(long[] bounds) {
        long from = start + bounds[0] * step;
        long to = start + bounds[1] * step;
        return new Range(from, to, step * Math.clamp(bounds[2], -Limits.LENGTH, Limits.LENGTH));
    }

    @Override
    public Object attribute(String name) {
        return switch (name) {
            case "start" -> start;
            case "stop" -> stop;
            case "step" -> step;
            default -> Absent.ABSENT;
        };
    }

    @Override
    public Object get(int index) {
        return start + java.util.Objects.checkIndex(index, size) * step;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public String toString() {
        String ends = "range(" + start + ", " + stop;
        return step == 1 ? ends + ")" : ends + ", " + step + ")";
    }
}
