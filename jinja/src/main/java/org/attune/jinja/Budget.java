package org.attune.jinja;

/// What one rendering has used up of its [Limits].
final class Budget {
    /// The rendering that runs on this thread. Operators and filters charge it without having it
    /// handed through every call.
    static final ScopedValue<Budget> CURRENT = ScopedValue.newInstance();

    /// Characters copied or looked at in the time of one unit.
    private static final int CHARACTERS = 16;

    /// Characters for which an object is made, or that are looked up or converted each.
    private static final int SLOW_CHARACTERS = 4;

    private static final int UNITS_PER_ITEM = 2;

    private static final int UNITS_PER_CALL = 5;

    /// Units for an entry of a dict that is looked up and compared.
    static final int UNITS_PER_ENTRY = 4;

    private long work;
    private int depth;

    /// Charges the current rendering.
    ///
    /// @param units each about as long as an operator on small values takes
    static void charge(long units) {
        if (CURRENT.isBound()) {
            CURRENT.get().spend(units);
        }
    }

    /// Charges the current rendering for going through or making characters.
    static void characters(double count) {
        Limits.requireLength(count);
        charge((long) (count / CHARACTERS));
    }

    /// Charges the current rendering for characters that are looked up or converted one by one.
    static void slowCharacters(double count) {
        Limits.requireLength(count);
        charge((long) (count / SLOW_CHARACTERS));
    }

    /// Charges the current rendering for the items of a new list or dict.
    static void items(double count) {
        Limits.requireItems(count);
        charge((long) (count * UNITS_PER_ITEM));
    }

    /// Charges the current rendering for a text that an operation is about to go through, or made;
    /// nothing for what isn't a text.
    ///
    /// @return `value`
    static Object text(Object value) {
        if (Types.isString(value)) {
            characters(Repr.text(value).length());
        }
        return value;
    }

    /// Counts one statement, loop round or operator.
    void step() {
        spend(1);
    }

    /// Counts one call of a function, method, macro, filter or test.
    void call() {
        spend(UNITS_PER_CALL);
    }

    void spend(long units) {
        work += units;
        if (work > Limits.WORK) {
            throw JinjaException.limit(
                    ("the template does more work than its limit of %,d operators, loop rounds and"
                                    + " pieces of %d characters; look for a loop that never ends or"
                                    + " goes through the same text again and again, shorten the"
                                    + " conversation, or raise the limit with -D%s=UNITS")
                            .formatted(Limits.WORK, CHARACTERS, Limits.WORK_PROPERTY));
        }
    }

    void enter(String what) {
        if (++depth > Limits.DEPTH) {
            throw JinjaException.limit(
                    "%s calls itself more than %d levels deep, which is the limit; look for a call that has no end"
                            .formatted(what, Limits.DEPTH));
        }
    }

    void leave() {
        depth--;
    }
}
