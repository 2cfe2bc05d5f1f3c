package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Finds preferences: a better and a worse answer, or two answers and what says which is better.
record PreferenceGuess(Draft draft) {
    /// Takes a better and a worse answer, and their question if there is one.
    ///
    /// @throws UnclearTableException if several columns may be one of them
    boolean pairs() {
        List<String> rejected = draft.columns().strong(ColumnRole.REJECTED);
        List<String> wrong = wrong();
        if (rejected.isEmpty() && wrong.size() == 1) {
            rejected = wrong;
        }
        if (wrong.size() > 1 && wrong.containsAll(rejected)) {
            wrong.forEach(draft::pass);
            draft.note(
                    "columns %s hold wrong answers, and are left out"
                            .formatted(Draft.quoted(wrong)));
            return false;
        }
        List<String> chosen = new ArrayList<>(draft.columns().strong(ColumnRole.CHOSEN));
        chosen.removeAll(rejected);
        if (chosen.isEmpty() && !rejected.isEmpty()) {
            chosen.addAll(draft.columns().strong(ColumnRole.COMPLETION));
            chosen.removeAll(rejected);
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

    /// Columns of one wrong answer each, such as the distractors of a quiz.
    private List<String> wrong() {
        return draft.columns().columns().stream()
                .filter(c -> ColumnWords.has(c, "wrong") && isAnswer(c))
                .filter(c -> ColumnCandidates.isTextual(draft.columns().facts(c)))
                .filter(c -> !draft.columns().facts(c).judges())
                .toList();
    }

    private static boolean isAnswer(String column) {
        String last =
                ColumnWords.split(column).stream()
                        .filter(word -> !word.matches("\\p{N}+|[a-e]"))
                        .reduce("", (_, word) -> word);
        boolean answer = ColumnWords.has(last, "choice") || ColumnWords.has(last, "wrong");
        return answer && !ColumnWords.has(last, "list");
    }

    /// Takes two answers, and what says which is better.
    ///
    /// @throws UnclearTableException if nothing says it
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
