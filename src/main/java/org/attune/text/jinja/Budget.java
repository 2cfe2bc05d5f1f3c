package org.attune.text.jinja;

/// What one rendering has used up of its [Limits].
final class Budget {
    private static final int LENGTH_PER_STEP = 64;

    private long work;
    private int depth;

    /// Counts one statement, loop round or call.
    void step() {
        spend(1);
    }

    /// Counts what an operation made.
    ///
    /// @return `made`
    Object made(Object made) {
        if (made instanceof String text) {
            length(text.length());
        } else if (made instanceof java.util.Collection<?> items) {
            length(items.size());
        }
        return made;
    }

    /// Counts characters or items made or gone through.
    void length(int length) {
        Limits.requireLength(length);
        spend(length / LENGTH_PER_STEP);
    }

    private void spend(long amount) {
        work += amount;
        if (work > Limits.WORK) {
            throw JinjaException.limit(
                    "the template does more work than allowed (%,d statements, loop rounds and calls);"
                                    .formatted(Limits.WORK)
                            + " does a loop never end?");
        }
    }

    void enter(String what) {
        if (++depth > Limits.DEPTH) {
            throw JinjaException.limit(
                    what + " calls itself more than " + Limits.DEPTH + " levels deep");
        }
    }

    void leave() {
        depth--;
    }
}
