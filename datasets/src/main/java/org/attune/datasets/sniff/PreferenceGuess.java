package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Finds preferences: a better and a worse answer, or two answers and what says which is better.
record PreferenceGuess(Draft draft) {
    boolean pairs() {
        List<String> rejected = draft.columns().strong(ColumnRole.REJECTED);
        List<String> chosen = new ArrayList<>(draft.columns().strong(ColumnRole.CHOSEN));
        if (chosen.isEmpty() && !rejected.isEmpty()) {
            chosen.addAll(draft.columns().strong(ColumnRole.COMPLETION));
        }
        if (rejected.isEmpty() || chosen.isEmpty()) {
            return false;
        }
        if (rejected.size() > 1 || chosen.size() > 1) {
            throw draft.unclear(
                    "several columns may be the better or the worse answer: "
                            + Draft.quoted(chosen)
                            + "; "
                            + Draft.quoted(rejected));
        }
        draft.take(ColumnRole.CHOSEN, chosen.getFirst());
        draft.take(ColumnRole.REJECTED, rejected.getFirst());
        Optional<String> prompt = draft.columns().only(ColumnRole.PROMPT, draft.taken());
        prompt.ifPresent(column -> draft.take(ColumnRole.PROMPT, column));
        boolean whole =
                draft.columns().facts(chosen.getFirst()).kind() == ColumnFacts.Kind.MESSAGES;
        if (prompt.isEmpty() && !whole) {
            throw draft.unclear("a better and a worse answer are there, and no question");
        }
        return true;
    }

    boolean judgedPairs() {
        Optional<List<String>> twins = draft.columns().twins(true);
        Optional<String> prompt = draft.columns().only(ColumnRole.PROMPT, Set.of());
        if (twins.isEmpty() || prompt.isEmpty() || twins.get().contains(prompt.get())) {
            return false;
        }
        Optional<List<String>> scores = draft.columns().twins(false);
        List<String> winners =
                draft.columns().strong(ColumnRole.WINNER).stream()
                        .filter(c -> !twins.get().contains(c))
                        .toList();
        if (winners.size() != 1 && scores.isEmpty()) {
            throw draft.unclear("two answers are there, and nothing says which is better");
        }
        twins.get().forEach(column -> draft.take(ColumnRole.COMPLETION, column));
        draft.take(ColumnRole.PROMPT, prompt.get());
        if (winners.size() == 1) {
            draft.take(ColumnRole.WINNER, winners.getFirst());
        } else {
            scores.get().forEach(column -> draft.take(ColumnRole.RATING, column));
        }
        return true;
    }
}
