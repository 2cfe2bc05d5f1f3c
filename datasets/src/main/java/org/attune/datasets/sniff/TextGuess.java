package org.attune.datasets.sniff;

import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/// Finds plain texts.
record TextGuess(Draft draft) {
    private static final int PROSE = 10;
    private static final Set<ColumnRole> DIALOGUE =
            EnumSet.of(
                    ColumnRole.PROMPT,
                    ColumnRole.COMPLETION,
                    ColumnRole.CHOSEN,
                    ColumnRole.REJECTED);

    boolean text() {
        List<String> texts =
                draft.columns().columns().stream()
                        .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .filter(c -> !ColumnWords.strong(c).contains(ColumnRole.IGNORE))
                        .toList();
        List<String> named =
                draft.columns().strong(ColumnRole.TEXT).stream().filter(texts::contains).toList();
        List<String> could =
                named.size() == 1 ? named : texts.stream().filter(this::isProse).toList();
        if (could.size() != 1) {
            return false;
        }
        if (ColumnWords.isInput(could.getFirst())) {
            return false; // of a table without outputs
        }
        if (draft.columns().columns().stream().anyMatch(c -> isOfDialogue(c, could.getFirst()))) {
            return false;
        }
        String text = could.getFirst();
        draft.columns().columns().stream()
                .filter(c -> !c.equals(text) && ColumnWords.isClass(c))
                .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.CATEGORY)
                .findFirst()
                .ifPresent(
                        c -> {
                            throw draft.unclear(
                                    "column \"%s\" sorts texts into classes, which no method here learns"
                                            .formatted(c));
                        });
        draft.take(ColumnRole.TEXT, text);
        return true;
    }

    /// Whether a column without a name for texts holds them, rather than titles or addresses.
    private boolean isProse(String column) {
        ColumnFacts facts = draft.columns().facts(column);
        return draft.columns().columns().size() == 1
                || facts.words() >= PROSE
                || facts.letters() >= 60;
    }

    /// Whether a column is about questions or answers, so that a table of it is no plain text.
    private boolean isOfDialogue(String column, String text) {
        ColumnFacts.Kind kind = draft.columns().facts(column).kind();
        boolean says =
                column.equals(text)
                        || kind == ColumnFacts.Kind.TEXT
                        || kind == ColumnFacts.Kind.NUMBER;
        return says && !Collections.disjoint(DIALOGUE, ColumnWords.within(column));
    }
}
