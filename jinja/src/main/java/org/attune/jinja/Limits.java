package org.attune.jinja;

/// What a template may use up, so that a hostile or broken one ends with an error and not with a
/// hanging or dead JVM. All are far above what real chat templates need: the longest published
/// ones have 20,000 characters.
final class Limits {
    /// Characters of source text.
    public static final int TEMPLATE_LENGTH = 1_000_000;

    /// Characters of any text and digits of any number made while rendering.
    public static final int LENGTH = 16_000_000;

    /// Items of any list or dict made while rendering.
    public static final int ITEMS = 1_000_000;

    /// The system property that sets another [#WORK].
    static final String WORK_PROPERTY = "attune.template.work";

    /// Units of work in one rendering. A statement, a loop round and an operator are one each, and
    /// so are 16 characters that are copied or looked at; calls and entries of dicts are several.
    /// Less than a second of one slow processor; a conversation of 100,000 tokens takes a few
    /// hundredths of it.
    public static final long WORK = Long.getLong(WORK_PROPERTY, 4_000_000);

    /// Macros, call blocks and recursive loops inside one another.
    public static final int DEPTH = 100;

    /// Items of one `range(…)`, as in Jinja's sandbox.
    public static final int RANGE = 100_000;

    /// Bits of an integer.
    static final int INTEGER_BITS = 100_000;

    /// Bits of an integer that are gone through in the time of one unit of work.
    static final int BITS_PER_STEP = 256;

    /// Decimal digits of an integer that is read or printed, as in Python.
    static final int INTEGER_DIGITS = 4300;

    private Limits() {}

    /// @param length characters of something about to be made or gone through
    static void requireLength(double length) {
        if (length > LENGTH) {
            throw JinjaException.limit(
                    "the template makes a text of %,.0f characters; the limit is %,d"
                            .formatted(length, LENGTH));
        }
    }

    /// @param bits of an integer about to be made
    static void requireBits(double bits) {
        if (bits > INTEGER_BITS) {
            throw JinjaException.limit(
                    "the template makes an integer of %,.0f bits; the limit is %,d"
                            .formatted(bits, INTEGER_BITS));
        }
    }

    /// @param count items of something about to be made
    static void requireItems(double count) {
        if (count > ITEMS) {
            throw JinjaException.limit(
                    "the template makes a list of %,.0f items; the limit is %,d"
                            .formatted(count, ITEMS));
        }
    }
}
