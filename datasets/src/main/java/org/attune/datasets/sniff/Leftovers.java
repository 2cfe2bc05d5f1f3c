package org.attune.datasets.sniff;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Columns beside those that make the rows: some belong to the question, some don't matter, and
/// some put the mapping in doubt.
record Leftovers(Draft draft) {
    /// System prompts and what questions are about.
    void extras(TableMapping.Kind kind) {
        if (kind == TableMapping.Kind.TEXT
                || kind == TableMapping.Kind.CHAT
                || kind == TableMapping.Kind.CHAT_ROWS) {
            return;
        }
        List<String> systems = draft.free(draft.columns().strong(ColumnRole.SYSTEM));
        if (systems.size() == 1) {
            draft.take(ColumnRole.SYSTEM, systems.getFirst());
        }
        List<String> contexts =
                new ArrayList<>(draft.free(draft.columns().strong(ColumnRole.CONTEXT)));
        if (contexts.isEmpty()) {
            draft.free().stream()
                    .filter(c -> ColumnWords.normal(c).equals("input"))
                    .forEach(contexts::add);
        }
        if (contexts.size() == 1) {
            draft.take(ColumnRole.CONTEXT, contexts.getFirst());
        }
    }

    /// Columns that are left must be of no weight.
    void require(TableMapping.Kind kind) {
        boolean pairs = kind == TableMapping.Kind.PAIR || kind == TableMapping.Kind.JUDGED_PAIR;
        List<String> loud =
                draft.free().stream()
                        .filter(c -> !draft.columns().isIdle(c) && !repeats(c))
                        .filter(
                                c ->
                                        !pairs
                                                || draft.columns().facts(c).kind()
                                                        != ColumnFacts.Kind.NUMBER)
                        .toList();
        if (!loud.isEmpty()) {
            String with = draft.mapping(kind).options();
            throw draft.unclear(
                    "it isn't clear what %s hold%s"
                            .formatted(Draft.quoted(loud), loud.size() == 1 ? "s" : ""),
                    "to leave %s out: %s"
                            .formatted(
                                    loud.size() == 1 ? "it" : "them",
                                    loud.stream()
                                            .map(c -> "--ignore " + TableMapping.quoted(c))
                                            .collect(Collectors.joining(" "))),
                    "this would be taken: " + with);
        }
    }

    private boolean repeats(String column) {
        Optional<String> what = new Repetition(draft.table(), draft.roles()).of(column);
        what.ifPresent(draft::note);
        return what.isPresent();
    }
}
