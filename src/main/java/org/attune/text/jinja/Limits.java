package org.attune.text.jinja;

/// What a template may use up, so that a hostile or broken one ends with an error and not with a
/// hanging or dead JVM. All are far above what real chat templates need: the longest published
/// ones have 20,000 characters.
public final class Limits {
    /// Characters of source text.
    public static final int TEMPLATE_LENGTH = 1_000_000;

    /// Characters of any text, items of any list and digits of any number made while rendering.
    public static final int LENGTH = 16_000_000;

    /// Statements, loop rounds and calls, plus one for each 64 characters and each 8 items that an
    /// operation makes or goes through, in one rendering. Takes a few seconds to use up.
    public static final long WORK = 20_000_000;

    /// Macros, call blocks and recursive loops inside one another.
    public static final int DEPTH = 100;

    /// Items of one `range(…)`, as in Jinja's sandbox.
    public static final int RANGE = 100_000;

    /// Bits of an integer.
    static final int INTEGER_BITS = 100_000;

    private Limits() {}

    /// @param length characters or items of something about to be made
    static void requireLength(double length) {
        if (length > LENGTH) {
            throw JinjaException.limit("the template makes a text or list longer than " + LENGTH);
        }
    }
}
