package org.attune.text.jinja;

import java.util.Collection;
import java.util.Map;

/// What one rendering has used up of its [Limits].
final class Budget {
    /// The rendering that runs on this thread. Operators and filters charge it without having it
    /// handed through every call.
    static final ScopedValue<Budget> CURRENT = ScopedValue.newInstance();

    private static final int CHARACTERS_PER_STEP = 64;
    private static final int ITEMS_PER_STEP = 8;

    private long work;
    private int depth;

    /// Charges the current rendering for going through characters or items.
    static void charge(long length) {
        if (CURRENT.isBound()) {
            CURRENT.get().spend(length);
        }
    }

    /// Charges the current rendering for going through or copying characters.
    static void chargeCharacters(long count) {
        charge(count / CHARACTERS_PER_STEP);
    }

    /// Charges the current rendering for copying items.
    static void chargeItems(long count) {
        charge(count / ITEMS_PER_STEP);
    }

    /// Counts one statement, loop round or call.
    void step() {
        spend(1);
    }

    /// Counts what an operation made or went through.
    ///
    /// @return `value`
    Object used(Object value) {
        switch (value) {
            case String text -> characters(text.length());
            case Markup markup -> characters(markup.text().length());
            case Collection<?> items -> items(items.size());
            case Map<?, ?> map -> items(map.size());
            case DictView view -> items(view.items().size());
            case BoundMethod method -> used(method.owner());
            case null, default -> {}
        }
        return value;
    }

    /// Counts characters made or gone through.
    void characters(int count) {
        Limits.requireLength(count);
        spend(count / CHARACTERS_PER_STEP);
    }

    private void items(int count) {
        Limits.requireLength(count);
        spend(count / ITEMS_PER_STEP);
    }

    private void spend(long amount) {
        work += amount;
        if (work > Limits.WORK) {
            throw JinjaException.limit(
                    "the template does more work than allowed (%,d statements, loop rounds and"
                                    .formatted(Limits.WORK)
                            + " calls); does a loop never end?");
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
