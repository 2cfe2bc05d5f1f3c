package org.attune.text.parse.turn;

import java.util.Optional;

/// Looks for one mark in a text that grows, without looking anywhere twice.
final class Seeker {
    private final Mark mark;
    private int from;
    private Optional<Hit> last = Optional.empty();

    Seeker(Mark mark) {
        this.mark = mark;
    }

    /// The first place from `at` on; `at` never falls.
    Optional<Hit> next(StringBuilder text, int at, boolean isWhole) {
        if (last.isPresent() && last.get().isSure() && last.get().start() >= at) {
            return last;
        }
        last = mark.search(text, Math.max(at, from), isWhole);
        from = last.map(Hit::start).orElse(text.length());
        return last;
    }
}
