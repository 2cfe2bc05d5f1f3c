package org.attune.datasets.sniff;

import java.util.List;
import java.util.Optional;

/// Finds conversations: one in each cell of a column, or a message in each row.
record ConversationGuess(Draft draft) {
    boolean messageRows() {
        Optional<String> role = draft.columns().speaker();
        if (role.isEmpty()) {
            return false;
        }
        List<String> groups = draft.columns().conversations();
        List<String> texts =
                draft.columns().columns().stream()
                        .filter(c -> !c.equals(role.get()) && !groups.contains(c))
                        .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.TEXT)
                        .toList();
        List<String> named =
                draft.columns().strong(ColumnRole.TEXT).stream().filter(texts::contains).toList();
        if (named.size() == 1) {
            texts = named;
        }
        if (groups.size() != 1 || texts.size() != 1) {
            throw draft.unclear(
                    "column \"%s\" says who speaks, and it isn't clear which columns hold the conversation and the message"
                            .formatted(role.get()));
        }
        draft.take(ColumnRole.ROLE, role.get());
        draft.take(ColumnRole.GROUP, groups.getFirst());
        draft.take(ColumnRole.TEXT, texts.getFirst());
        return true;
    }

    boolean chat() {
        List<String> chats =
                draft.columns().columns().stream()
                        .filter(c -> draft.columns().facts(c).kind() == ColumnFacts.Kind.MESSAGES)
                        .toList();
        if (chats.isEmpty()) {
            return false;
        }
        if (chats.size() == 2
                && draft.columns().strong(ColumnRole.PROMPT).equals(chats.subList(0, 1))
                && draft.columns().strong(ColumnRole.COMPLETION).equals(chats.subList(1, 2))) {
            return false; // a question and its answer, each as messages
        }
        List<String> named = draft.columns().strong(ColumnRole.MESSAGES);
        if (chats.size() > 1 && named.size() != 1) {
            throw draft.unclear("several columns hold conversations: " + Draft.quoted(chats));
        }
        String chat = chats.size() == 1 ? chats.getFirst() : named.getFirst();
        if (draft.columns().strong(ColumnRole.COMPLETION).stream().anyMatch(c -> !c.equals(chat))) {
            throw draft.unclear(
                    "column \"%s\" holds conversations, and %s looks like answers"
                            .formatted(
                                    chat,
                                    Draft.quoted(draft.columns().strong(ColumnRole.COMPLETION))));
        }
        draft.take(ColumnRole.MESSAGES, chat);
        return true;
    }
}
